package org.cacheddownloads.cli;

/** No answer from the agent; the message is one line that says why and what to do. */
final class AgentUnreachable extends RuntimeException {
  AgentUnreachable(String message) {
    super(message);
  }
}
