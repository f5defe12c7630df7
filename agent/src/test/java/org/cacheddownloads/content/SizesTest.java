package org.cacheddownloads.content;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class SizesTest {
  @ParameterizedTest
  @CsvSource({
    "0, 0",
    "5, 5",
    "5B, 5",
    "1kB, 1000",
    "1KB, 1000",
    "500MB, 500000000",
    "2GB, 2000000000",
    "1TB, 1000000000000",
    "1KiB, 1024",
    "1kib, 1024",
    "1MiB, 1048576",
    "10GiB, 10737418240",
    "10 GiB, 10737418240",
    "10gib, 10737418240",
    "3TiB, 3298534883328",
    "1.5GiB, 1610612736",
    "1.50KiB, 1536",
    "0.001kB, 1",
    "2.0B, 2",
    "9223372036854775807, 9223372036854775807"
  })
  void numbersAndUnitsAreRead(String text, long expected) {
    assertEquals(expected, Sizes.parse(text));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "", " ", "GiB", "10G", "10K", "10GiBs", "10  GiB", " 10GiB", "-1", "-1KiB", "1e6", "1_000",
        "1,5GiB", ".5GiB", "5.GiB", "٣KiB", "1PiB"
      })
  void otherFormsAreRefusedNamingTheAcceptedOnes(String text) {
    var refusal = assertThrows(IllegalArgumentException.class, () -> Sizes.parse(text));
    assertTrue(refusal.getMessage().contains("10GiB"), refusal.getMessage());
  }

  @ParameterizedTest
  @ValueSource(strings = {"9223372036854775808", "8388608TiB", "9999999999999999999TiB"})
  void whatDoesNotFitIsRefused(String text) {
    var refusal = assertThrows(IllegalArgumentException.class, () -> Sizes.parse(text));
    assertTrue(refusal.getMessage().contains("at most"), refusal.getMessage());
  }

  @ParameterizedTest
  @ValueSource(strings = {"1.5", "0.5B", "0.0001kB", "1.0001KiB"})
  void fractionsOfBytesAreRefused(String text) {
    var refusal = assertThrows(IllegalArgumentException.class, () -> Sizes.parse(text));
    assertTrue(refusal.getMessage().contains("whole number of bytes"), refusal.getMessage());
  }

  @ParameterizedTest
  @CsvSource({
    "0, 0 B",
    "512, 512 B",
    "1023, 1023 B",
    "1024, 1.0 KiB",
    "1536, 1.5 KiB",
    "1048575, 1.0 MiB",
    "1048576, 1.0 MiB",
    "67108864, 64.0 MiB",
    "10737418240, 10.0 GiB",
    "1099511627776, 1.0 TiB",
    "9223372036854775807, 8.0 EiB",
    "-1024, -1.0 KiB",
    "-9223372036854775808, -8.0 EiB"
  })
  void sizesAreWrittenForPeople(long bytes, String expected) {
    assertEquals(expected, Sizes.format(bytes));
  }
}
