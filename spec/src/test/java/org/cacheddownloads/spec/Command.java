package org.cacheddownloads.spec;

import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * One step of a sequence that {@link ModelSpec} makes up. Everything is named by small numbers, so
 * that every command is possible at any time and a sequence stays one when commands are left out;
 * {@code toString} is how a failing sequence is printed.
 */
sealed interface Command {
  /**
   * A download as it is asked for.
   *
   * @param cacheKey null for the URL's own key
   * @param checksum the content whose SHA-256 is wanted, or null
   * @param maxAge whether an entry of any age will do
   * @param maxStale whether an old entry will do when the origin fails
   */
  record Want(
      int url,
      @Nullable Integer cacheKey,
      @Nullable Integer checksum,
      boolean executable,
      boolean maxAge,
      boolean maxStale) {
    /** {@code u1} or {@code k1}. */
    String key() {
      return cacheKey == null ? "u" + url : "k" + cacheKey;
    }

    /** As it can be in a set of several, where the order in which they are fetched is open. */
    Want plain() {
      return new Want(url, cacheKey, null, false, maxAge, maxStale);
    }

    @Override
    public String toString() {
      return "u"
          + url
          + (cacheKey == null ? "" : " as k" + cacheKey)
          + (checksum == null ? "" : " with the checksum of " + checksum)
          + (executable ? ", executable" : "")
          + (maxAge ? ", of any age" : "")
          + (maxStale ? ", stale too" : "");
    }
  }

  record Put(int container, String name, Want want) implements Command {
    @Override
    public String toString() {
      return "PUT c" + container + "/" + name + " <- " + want;
    }
  }

  record PutSet(int container, Map<String, Want> wants) implements Command {
    @Override
    public String toString() {
      return wants.entrySet().stream()
          .map(want -> want.getKey() + " <- " + want.getValue())
          .collect(Collectors.joining("; ", "PUT c" + container + " {", "}"));
    }
  }

  record Show(int container) implements Command {
    @Override
    public String toString() {
      return "GET c" + container;
    }
  }

  record Release(int container) implements Command {
    @Override
    public String toString() {
      return "DELETE c" + container;
    }
  }

  record ReleaseName(int container, String name) implements Command {
    @Override
    public String toString() {
      return "DELETE c" + container + "/" + name;
    }
  }

  record Prefetch(Want want) implements Command {
    @Override
    public String toString() {
      return "prefetch " + want;
    }
  }

  record Forget(String key) implements Command {
    @Override
    public String toString() {
      return "DELETE entry " + key;
    }
  }

  /**
   * Evicts what nobody holds.
   *
   * @param prefix of keys: {@code u}, {@code k} or null
   */
  record Prune(int targetBytes, @Nullable String prefix, boolean dryRun) implements Command {
    @Override
    public String toString() {
      return "prune to "
          + targetBytes
          + (prefix == null ? "" : " keys " + prefix + "…")
          + (dryRun ? ", dry run" : "");
    }
  }

  record Reconcile(Set<Integer> live) implements Command {
    @Override
    public String toString() {
      return "reconcile, live are " + live;
    }
  }

  /** The origin serves this content from now on, as this policy says. */
  record Change(int url, int content, Policy policy) implements Command {
    @Override
    public String toString() {
      return "origin: u" + url + " is " + content + ", " + policy;
    }
  }

  enum Policy {
    VALIDATED,
    FRESH,
    NO_STORE,
    WITHOUT_VALIDATOR,
    STATUS_500;

    boolean keeps() {
      return this == VALIDATED || this == FRESH;
    }
  }

  record Restart(Signal signal) implements Command {
    @Override
    public String toString() {
      return "restart by " + signal;
    }
  }

  enum Signal {
    SIGTERM,
    /** What the agent writes with some delay is on disk. */
    SIGKILL_AT_REST,
    SIGKILL
  }
}
