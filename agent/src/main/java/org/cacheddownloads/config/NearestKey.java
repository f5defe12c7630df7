package org.cacheddownloads.config;

import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;

/**
 * The key that somebody probably meant: siblings by edit distance, and keys of other sections that
 * have nearly the same name.
 */
final class NearestKey {
  private NearestKey() {}

  /** The dotted key nearest to {@code path.name}; {@code siblings} is not empty. */
  static String of(String path, String name, Collection<String> siblings) {
    String prefix = path.isEmpty() ? "" : path + ".";
    var candidates = new ArrayList<String>();
    for (String sibling : siblings) candidates.add(prefix + sibling);
    if (path.indexOf('[') < 0) candidates.addAll(everyKey());
    String best = candidates.getFirst();
    for (String candidate : candidates) {
      if (distance(prefix + name, candidate) < distance(prefix + name, best)) best = candidate;
    }
    return best;
  }

  /** The name nearest to {@code unknown}; {@code candidates} is not empty. */
  static String among(String unknown, List<String> candidates) {
    return Collections.min(candidates, Comparator.comparingInt(name -> edits(unknown, name)));
  }

  private static List<String> everyKey() {
    return ConfigReader.defaults().keys();
  }

  /** A right name in the wrong section is two edits away. */
  private static int distance(String unknown, String candidate) {
    return Math.min(
        edits(unknown, candidate), edits(lastSegment(unknown), lastSegment(candidate)) + 2);
  }

  private static String lastSegment(String key) {
    return key.substring(key.lastIndexOf('.') + 1);
  }

  /** Levenshtein's distance, upper and lower case being one. */
  private static int edits(String left, String right) {
    String a = left.toLowerCase(Locale.ROOT);
    String b = right.toLowerCase(Locale.ROOT);
    int[] above = new int[b.length() + 1];
    for (int j = 0; j <= b.length(); j++) above[j] = j;
    for (int i = 1; i <= a.length(); i++) {
      int[] row = new int[b.length() + 1];
      row[0] = i;
      for (int j = 1; j <= b.length(); j++) {
        int replaced = above[j - 1] + (a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1);
        row[j] = Math.min(replaced, 1 + Math.min(above[j], row[j - 1]));
      }
      above = row;
    }
    return above[b.length()];
  }
}
