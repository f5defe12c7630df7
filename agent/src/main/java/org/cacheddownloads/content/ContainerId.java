package org.cacheddownloads.content;

import java.util.regex.Pattern;
import org.cacheddownloads.failure.CacheException.InvalidRequest;

/** The executor's own id of a container, and the name of its directory. */
public record ContainerId(String text) implements Comparable<ContainerId> {
  private static final Pattern FORM = Pattern.compile("[A-Za-z0-9][A-Za-z0-9_.-]{0,127}");

  public ContainerId {
    if (!isValid(text)) {
      throw new InvalidRequest(
          "container",
          "a container id is 1 to 128 letters, digits, '_', '.' or '-', and starts with a letter or a digit");
    }
  }

  public static boolean isValid(String text) {
    return FORM.matcher(text).matches();
  }

  @Override
  public int compareTo(ContainerId other) {
    return text.compareTo(other.text);
  }

  @Override
  public String toString() {
    return text;
  }
}
