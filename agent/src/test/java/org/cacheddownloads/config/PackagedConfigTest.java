package org.cacheddownloads.config;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/** The configuration that the packages install: to be read by people, and to change nothing. */
class PackagedConfigTest {
  private static final Path FILE = Path.of("src/dist/config.yaml");

  @Test
  void itHasEveryKeyWithItsDefault() throws IOException, InvalidConfig {
    String text = Files.readString(FILE);

    assertThat(ConfigReader.parse(text, "config.yaml")).isEqualTo(ConfigReader.defaults());
    assertThat(ConfigReader.defaults().keys())
        .filteredOn(key -> !has(text, key.substring(key.lastIndexOf('.') + 1)))
        .as("keys that are missing")
        .isEmpty();
  }

  private static boolean has(String text, String key) {
    return Pattern.compile("^ *" + key + ":", Pattern.MULTILINE).matcher(text).find();
  }
}
