package org.cacheddownloads.archive;

/** Names of archives in sentences for people. */
final class Quote {
  private static final int LONGEST = 200;

  private Quote() {}

  /** {@code text} on one line, shortened, with nothing in it that a terminal would act on. */
  static String of(String text) {
    var quoted = new StringBuilder();
    text.codePoints().limit(LONGEST).forEach(point -> append(quoted, point));
    return quoted.append(text.codePointCount(0, text.length()) > LONGEST ? "…" : "").toString();
  }

  private static void append(StringBuilder quoted, int point) {
    switch (Character.getType(point)) {
      case Character.CONTROL,
          Character.FORMAT,
          Character.SURROGATE,
          Character.LINE_SEPARATOR,
          Character.PARAGRAPH_SEPARATOR ->
          quoted.append(String.format("\\u{%x}", point));
      default -> quoted.appendCodePoint(point);
    }
  }
}
