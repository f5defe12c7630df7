package org.cacheddownloads.cli;

import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/** What {@code serve} does; given by whoever knows the agent. */
@FunctionalInterface
public interface ServeAction {
  /**
   * Runs the agent until it is told to stop.
   *
   * @param config the YAML file; null: the embedded defaults
   * @return the exit code of the process
   */
  int serve(@Nullable Path config) throws Exception;
}
