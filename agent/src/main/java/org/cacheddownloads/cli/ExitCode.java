package org.cacheddownloads.cli;

/** What the process says when it ends. */
final class ExitCode {
  static final int OK = 0;

  /** The agent answered with a problem, or {@code serve} failed. */
  static final int REFUSED = 1;

  /** The command line, the configuration or a file that was named is wrong. */
  static final int USAGE = 2;

  /** The agent is not there or does not answer in time. */
  static final int UNREACHABLE = 3;

  /** {@code serve} was stopped and had to cut running requests short. */
  static final int CUT_SHORT = 4;

  /** {@code verify} found damage. */
  static final int DAMAGED = 5;

  private ExitCode() {}
}
