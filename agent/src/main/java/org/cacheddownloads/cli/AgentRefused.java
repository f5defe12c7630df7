package org.cacheddownloads.cli;

import io.vertx.core.json.JsonObject;

/** The agent answered with a problem (RFC 9457). */
final class AgentRefused extends RuntimeException {
  private final transient JsonObject problem;

  AgentRefused(JsonObject problem) {
    super(problem.getString("detail", "the agent gave no reason"));
    this.problem = problem;
  }

  JsonObject problem() {
    return problem;
  }

  /** One line: what went wrong, its code, and what to do next. */
  String line() {
    String code = Json.text(problem, "code");
    return Terminal.printable(String.valueOf(getMessage())) + " (" + code + "); " + advice(code);
  }

  private String advice(String code) {
    return switch (code) {
      case "invalid-request" ->
          "correct "
              + (problem.containsKey("field") ? Json.text(problem, "field") : "the request")
              + " and ask again";
      case "origin-not-allowed" ->
          "ask for another URL, or let the agent's configuration allow it (origins)";
      case "peer-not-allowed" ->
          "ask as a user that the agent's configuration allows (socket.allowUids)";
      case "not-found" -> "'cached-downloads container ls' and 'entries ls' show what there is";
      case "conflict" -> "choose another name, or release what is in the way";
      case "too-large" -> "raise fetch.maxBytes in the agent's configuration if this is wanted";
      case "unsafe-archive", "unsupported-archive" ->
          "fetch it as a file, or have the archive made anew";
      case "origin-rejected" -> "check the URL and the credentials (-H)";
      case "checksum-mismatch" -> "check --checksum against the origin's";
      case "insufficient-space" ->
          "release containers, or raise quota.bytes in the agent's configuration";
      case "timeout" -> "try again, with a longer --timeout or a --mirror";
      case "origin-unavailable", "bad-response" -> "try again, or give a --mirror";
      case "draining", "not-ready", "busy" -> "try again in a moment";
      default ->
          "the agent's log has more"
              + (problem.containsKey("instance") ? " under " + Json.text(problem, "instance") : "");
    };
  }
}
