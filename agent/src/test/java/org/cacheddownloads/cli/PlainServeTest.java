package org.cacheddownloads.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class PlainServeTest {
  private final List<@Nullable Path> served = new ArrayList<>();

  private OptionalInt run(String... args) {
    return PlainServe.run(
        args,
        config -> {
          served.add(config);
          return 4;
        });
  }

  @Test
  void theLineOfAUnitIsServed(@TempDir Path directory) throws IOException {
    Path file = Files.createFile(directory.resolve("config.yaml"));
    assertEquals(OptionalInt.of(4), run("serve", "--config", file.toString()));
    assertEquals(file, served.getLast());
    assertEquals(OptionalInt.of(4), run("serve"));
    assertNull(served.getLast());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "stats",
        "serve --help",
        "serve --config",
        "serve --config /no/such/file",
        "serve --config=/dev/null",
        "serve --config /dev/null more",
        "serve --other /dev/null"
      })
  void everyOtherLineIsForTheParser(String line) {
    assertEquals(OptionalInt.empty(), run(line.isEmpty() ? new String[0] : line.split(" ", -1)));
    assertEquals(List.of(), served);
  }
}
