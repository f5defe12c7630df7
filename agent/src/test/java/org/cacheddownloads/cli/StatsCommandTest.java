package org.cacheddownloads.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.vertx.core.json.JsonObject;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class StatsCommandTest {
  @Test
  void figuresAreShownInTheirGroupsWithUnitsAndRatios() {
    var stats =
        new JsonObject(
            """
                {"requests":{"hit":1,"revalidated":5,"miss":2,"updated":0,"coalesced":0,"stale":0,"uncached":0,"failed":7},
                 "bytes":{"served":3145728,"fetched":1048576,"saved":3145728},
                 "origin":{"inFlight":3},
                 "disk":{"quotaBytes":4096,"usedBytes":1024,"minFreeBytes":1073741824},
                 "evictions":{"count":2,"bytes":2048,"oldestIdleSeconds":3700},
                 "uptimeSeconds":90,"version":"0.1.0"}""");
    assertEquals(
        """
                agent 0.1.0, up 1m 30s

                requests
                  hit                       1
                  revalidated               5
                  miss                      2
                  updated                   0
                  coalesced                 0
                  stale                     0
                  uncached                  0
                  failed                    7
                  hit ratio            75.0 %

                bytes
                  served              3.0 MiB
                  fetched             1.0 MiB
                  saved               3.0 MiB
                  saved ratio          75.0 %

                origin
                  in flight                 3

                disk
                  quota               4.0 KiB
                  used                1.0 KiB
                  min free            1.0 GiB
                  quota used           25.0 %

                evictions
                  count                     2
                  bytes               2.0 KiB
                  oldest idle           1h 1m""",
        String.join("\n", StatsCommand.lines(stats)));
  }

  @Test
  void ratiosOfNothingAreADash() {
    assertEquals("-", StatsCommand.hitRatio(new JsonObject()));
    assertEquals("-", StatsCommand.savedRatio(new JsonObject()));
  }

  @ParameterizedTest
  @CsvSource({
    "inFlight, in flight",
    "minFreeBytes, min free",
    "bytes, bytes",
    "oldestIdleSeconds, oldest idle",
    "hit, hit"
  })
  void namesAreWrittenAsWords(String name, String words) {
    assertEquals(words, StatsCommand.words(name));
  }
}
