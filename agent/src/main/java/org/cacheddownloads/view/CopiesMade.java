package org.cacheddownloads.view;

import java.util.Collection;
import java.util.HashMap;
import java.util.Map;
import org.cacheddownloads.content.Stored;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Copies of trees that were made for a view, and were not moved into it yet. */
final class CopiesMade implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(CopiesMade.class);
  private final Map<Stored, TreeCopy> copies = new HashMap<>();

  /** Which of {@code wanted} are not here. */
  Map<Stored, Boolean> lacking(Map<Stored, Boolean> wanted) {
    Map<Stored, Boolean> missing = new HashMap<>(wanted);
    missing
        .entrySet()
        .removeIf(
            tree -> {
              TreeCopy copy = copies.get(tree.getKey());
              return copy != null && (copy.hasContent() || !tree.getValue());
            });
    return missing;
  }

  void add(TreeCopy copy) {
    try (TreeCopy _ = copies.put(copy.tree(), copy)) {
      // one without content is of no use any more
    }
  }

  Collection<TreeCopy> all() {
    return copies.values();
  }

  @Override
  public void close() {
    RuntimeException failure = null;
    for (TreeCopy copy : copies.values()) {
      try {
        copy.close();
      } catch (RuntimeException e) {
        failure = e;
      }
    }
    if (failure != null) {
      log.warn("what a change of a view left is deleted at the next start", failure);
    }
  }
}
