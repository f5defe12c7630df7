package org.cacheddownloads.spec;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** What the agent answered, whole. Header names are case-insensitive. */
final class Reply {
  private final int status;
  private final Map<String, List<String>> headers;
  private final byte[] body;

  Reply(int status, Map<String, List<String>> headers, byte[] body) {
    this.status = status;
    this.headers = headers;
    this.body = body;
  }

  int status() {
    return status;
  }

  Optional<String> header(String name) {
    return Optional.ofNullable(headers.get(name)).map(List::getFirst);
  }

  /** The media type without its parameters, or empty. */
  String contentType() {
    return header("Content-Type").map(value -> value.split(";", -1)[0].strip()).orElse("");
  }

  byte[] bytes() {
    return body.clone();
  }

  String text() {
    return new String(body, StandardCharsets.UTF_8);
  }

  JsonNode json() {
    return Json.parse(text());
  }

  /** This reply, which must have one of these statuses. */
  Reply expect(Integer... statuses) {
    assertThat(status).as("status of the reply %s", this).isIn((Object[]) statuses);
    return this;
  }

  /** This reply as the problem that it must be. */
  Problem problem() {
    assertThat(contentType())
        .as("content type of the reply %s", this)
        .isEqualTo("application/problem+json");
    return new Problem(json());
  }

  /** Head and body, as a test that looks for leaked secrets reads it. */
  @Override
  public String toString() {
    return status + " " + headers + " " + text();
  }
}
