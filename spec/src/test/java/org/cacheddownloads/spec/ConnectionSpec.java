package org.cacheddownloads.spec;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Connections to origins. */
class ConnectionSpec {
  @RegisterExtension static final AgentProcess agent = AgentProcess.with("fetch.attempts", 1);

  @Test
  void anIpv6OriginIsNamedInBrackets() {
    try (RawOrigin origin = RawOrigin.startOn("::1", 0)) {
      origin.script("/six", connection -> connection.answer("six"));
      assertThat(agent.prefetch(origin.urlAs("[::1]", "/six")).size()).isEqualTo(3);
      assertThat(origin.heads("/six").getFirst())
          .containsIgnoringCase("\r\nHost: [::1]:" + origin.port() + "\r\n");
    }
  }
}
