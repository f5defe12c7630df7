package org.cacheddownloads.metrics;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class HostsTest {
  private final Hosts hosts = new Hosts();

  @Test
  void hostsThatComeFirstKeepTheirNamesAndLaterOnesShareOne() {
    IntStream.range(0, Hosts.MOST).forEach(i -> assertEquals("h" + i, hosts.label("h" + i)));

    assertEquals(Hosts.OTHER, hosts.label("late"));
    assertEquals("h0", hosts.label("h0"));
    assertEquals(Hosts.OTHER, hosts.label("late"));
  }

  @Test
  void aHostIsOneWhateverItsCase() {
    assertEquals("blobs.example", hosts.label("Blobs.Example"));
    IntStream.range(1, Hosts.MOST).forEach(i -> hosts.label("h" + i));
    assertEquals("blobs.example", hosts.label("BLOBS.EXAMPLE"));
  }
}
