package org.cacheddownloads.config;

/** Where a value of the configuration was written. {@code toString} is what operators are shown. */
public sealed interface Place {
  /** A line of the file, counted from 1. */
  record Line(String file, int number) implements Place {
    @Override
    public String toString() {
      return file + ":" + number;
    }

    @Override
    public String inside() {
      return "line " + number;
    }
  }

  /** A variable of the environment. */
  record Variable(String name) implements Place {
    @Override
    public String toString() {
      return name;
    }

    @Override
    public String inside() {
      return name;
    }
  }

  /** Nowhere: the value is the default. */
  record Default() implements Place {
    @Override
    public String toString() {
      return "default";
    }

    @Override
    public String inside() {
      return "default";
    }
  }

  /** The same for a reader who knows which file is meant. */
  String inside();
}
