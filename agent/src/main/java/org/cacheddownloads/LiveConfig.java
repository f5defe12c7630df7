package org.cacheddownloads;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.cacheddownloads.config.Config;
import org.cacheddownloads.config.Config.Changes;
import org.cacheddownloads.config.ConfigReader;
import org.cacheddownloads.config.InvalidConfig;
import org.cacheddownloads.config.Settings;
import org.cacheddownloads.failure.CacheException.InvalidRequest;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The configuration in force, its file and the environment that wins over it. Thread-safe: readers
 * see one whole configuration or the next.
 */
final class LiveConfig implements Supplier<Config> {
  private static final Logger log = LoggerFactory.getLogger(LiveConfig.class);

  private final @Nullable Path file;
  private final ReentrantLock reloading = new ReentrantLock();
  private final List<Consumer<Config>> followers = new ArrayList<>();
  private final Map<String, String> environment;
  private volatile Settings current;
  private volatile boolean isFileGood = true;

  /** As in {@link ConfigReader#read}, from where {@code start} was read. */
  LiveConfig(@Nullable Path file, Map<String, String> environment, Settings start) {
    this.file = file;
    this.environment = Map.copyOf(environment);
    this.current = start;
  }

  @Override
  public Config get() {
    return current.config();
  }

  /** The same, with where each value was written. */
  Settings settings() {
    return current;
  }

  /** Whether the file was good when it was read last. */
  boolean isFileGood() {
    return isFileGood;
  }

  /** Lets {@code follower} act on each new configuration; only while the agent is put together. */
  void follow(Consumer<Config> follower) {
    followers.add(follower);
  }

  /**
   * Reads the file again and applies what can be applied while running.
   *
   * @throws InvalidRequest with every fault of a bad file, and then nothing has changed
   */
  Changes reload() {
    reloading.lock();
    try {
      Settings read = ConfigReader.read(file, environment);
      Changes changes = Config.between(get(), read.config());
      current = current.withLive(read);
      followers.forEach(follower -> follower.accept(get()));
      log.info(
          "configuration reloaded changed={} needsRestart={}",
          changes.changed(),
          changes.needsRestart());
      isFileGood = true;
      return changes;
    } catch (InvalidConfig e) {
      isFileGood = false;
      throw new InvalidRequest("config", String.valueOf(e.getMessage()));
    } catch (IOException e) {
      isFileGood = false;
      throw new InvalidRequest(
          "config", "cannot read the configuration " + file + ": " + e.getMessage());
    } finally {
      reloading.unlock();
    }
  }
}
