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
   * @param place a line or a variable
   * @param message a sentence for whoever wrote the file
   */
  public record Fault(String key, Place place, String message) {
    /** Of the file, counted from 1; 0 where the fault is in the environment. */
    public int line() {
      return place instanceof Place.Line line ? line.number() : 0;
    }

    private String variable() {
      return place instanceof Place.Variable variable ? variable.name() : "";
    }

    @Override
    public String toString() {
      return place.inside() + ": " + (key.isEmpty() ? "" : key + ": ") + message;
    }
  }

  private InvalidConfig(String message, List<Fault> faults) {
    super(message);
    this.faults = faults;
  }

  /**
   * @param file empty if there is none
   */
  static InvalidConfig of(String file, List<Fault> faults) {
    var inOrder =
        faults.stream()
            .sorted(Comparator.comparing(Fault::variable).thenComparingInt(Fault::line))
            .toList();
    boolean ofFile = inOrder.getFirst().variable().isEmpty();
    boolean ofEnvironment = !inOrder.getLast().variable().isEmpty();
    String sources =
        ofFile && ofEnvironment
            ? file + " and the environment have "
            : (ofFile ? file : "the environment") + " has ";
    String count = inOrder.size() == 1 ? "1 fault" : inOrder.size() + " faults";
    String lines = inOrder.stream().map(fault -> "\n  " + fault).collect(Collectors.joining());
    return new InvalidConfig(sources + count + ":" + lines, inOrder);
  }

  /** At least one, in the order of the file; after them those of the environment. */
  public List<Fault> faults() {
    return faults;
  }
}
