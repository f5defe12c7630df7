package org.cacheddownloads.spec;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;

/** A failure as the agent tells it (RFC 9457). */
record Problem(JsonNode json) {

  int status() {
    return json.path("status").asInt();
  }

  String code() {
    return json.path("code").asText();
  }

  String detail() {
    return json.path("detail").asText();
  }

  String field() {
    return json.path("field").asText();
  }

  int originStatus() {
    return json.path("originStatus").asInt();
  }

  JsonNode attempts() {
    return json.path("attempts");
  }

  long bytes(String field) {
    return json.path(field).asLong();
  }

  /** This problem, which must have this status and code. */
  Problem is(int status, String code) {
    assertThat(status() + " " + code())
        .as("status and code of %s", json)
        .isEqualTo(status + " " + code);
    return this;
  }
}
