package org.cacheddownloads.config;

import java.util.Comparator;
import java.util.List;
import java.util.stream.Collectors;

/**
 * A configuration that cannot be used, with everything that is wrong with it. The message names all
 * faults, one per line, and no secret.
 */
public final class InvalidConfig extends Exception {
  private final List<Fault> faults;

  /**
   * One thing wrong.
   *
   * @param key dotted, with {@code [n]} for items of lists; empty for the file as a whole
   * @param line counted from 1
   * @param message a sentence for whoever wrote the file
   */
  public record Fault(String key, int line, String message) {
    @Override
    public String toString() {
      return "line " + line + ": " + (key.isEmpty() ? "" : key + ": ") + message;
    }
  }

  private InvalidConfig(String message, List<Fault> faults) {
    super(message);
    this.faults = faults;
  }

  static InvalidConfig of(String sourceName, List<Fault> faults) {
    var inOrder = faults.stream().sorted(Comparator.comparingInt(Fault::line)).toList();
    String count = inOrder.size() == 1 ? "1 fault" : inOrder.size() + " faults";
    String lines = inOrder.stream().map(fault -> "\n  " + fault).collect(Collectors.joining());
    return new InvalidConfig(sourceName + " has " + count + ":" + lines, inOrder);
  }

  /** At least one, in the order of the file. */
  public List<Fault> faults() {
    return faults;
  }
}
