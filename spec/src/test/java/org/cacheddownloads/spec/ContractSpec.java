package org.cacheddownloads.spec;

import static org.assertj.core.api.Assertions.assertThat;
import static org.cacheddownloads.spec.Contract.Listener.SOCKET;
import static org.cacheddownloads.spec.Contract.Listener.TCP;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.networknt.schema.JsonSchemaFactory;
import com.networknt.schema.SchemaId;
import com.networknt.schema.SchemaLocation;
import com.networknt.schema.SpecVersion;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;

/** The document is sound, and the guard that every other test passes through does bite. */
class ContractSpec {
  private static final String DIGEST = "sha256:" + "a".repeat(64);

  @Test
  void everyReferenceOfTheDocumentLeadsSomewhere() {
    assertThat(Contract.document().findValuesAsText("$ref"))
        .isNotEmpty()
        .allSatisfy(
            reference ->
                assertThat(Contract.document().at(reference.substring(1)).isMissingNode())
                    .as(reference)
                    .isFalse());
  }

  @Test
  void everySchemaOfTheDocumentIsJsonSchema() {
    var metaSchema =
        JsonSchemaFactory.getInstance(SpecVersion.VersionFlag.V202012)
            .getSchema(SchemaLocation.of(SchemaId.V202012));
    assertThat(Contract.document().at("/components/schemas").properties())
        .isNotEmpty()
        .allSatisfy(
            schema ->
                assertThat(metaSchema.validate(schema.getValue())).as(schema.getKey()).isEmpty());
  }

  @Test
  void everyCodeOfAProblemBelongsToAStatusThatSomeOperationGives() {
    var reachable = new TreeSet<String>();
    Contract.document().at("/components/schemas").properties().stream()
        .filter(schema -> schema.getKey().startsWith("Problem"))
        .filter(schema -> !schema.getKey().equals("Problem"))
        .map(schema -> schema.getValue().at("/properties/code"))
        .forEach(
            code -> {
              reachable.addAll(Json.texts(code.path("enum")));
              reachable.add(code.path("const").asText());
            });
    reachable.remove("");
    assertThat(reachable)
        .containsExactlyInAnyOrderElementsOf(
            Json.texts(Contract.document().at("/components/schemas/Problem/properties/code/enum")));
  }

  @Test
  void everyOperationHasANameOfItsOwn() {
    var names = new ArrayList<String>();
    for (JsonNode path : Contract.document().path("paths")) {
      path.findValues("operationId").forEach(name -> names.add(name.asText()));
    }
    assertThat(names).hasSize(27).doesNotHaveDuplicates();
  }

  @Test
  void requestsAreClosed() {
    assertThat(
            faults(
                Request.put("/v1/containers/c/downloads/n", Json.download("http://o/", "bogus", 1)),
                notFound()))
        .anySatisfy(fault -> assertThat(fault).contains("bogus"));
    assertThat(
            faults(
                Request.put(
                    "/v1/containers/c",
                    Json.object("downloads", List.of(Json.named("n", "http://o/", "bogus", 1)))),
                notFound()))
        .anySatisfy(fault -> assertThat(fault).contains("bogus"));
  }

  @Test
  void aDeliberatelyBadRequestIsCheckedForItsReplyAlone() {
    Request bad =
        Request.put("/v1/containers/c/downloads/n", Json.object("bogus", 1)).deliberatelyBad();

    assertThat(faults(bad, problem(400, "invalid-request"))).isEmpty();
    assertThat(faults(bad, problem(400, "conflict"))).isNotEmpty();
  }

  @Test
  void whatIsNotDocumentedIsAFault() {
    Request stats = Request.get("/v1/stats");

    assertThat(faults(stats, reply(200, "application/json", "{}")))
        .as("fields are missing")
        .isNotEmpty();
    assertThat(faults(stats, reply(202, "application/json", "{}"))).as("status").isNotEmpty();
    assertThat(faults(stats, problem(500, "internal"))).as("a bug").isNotEmpty();
    assertThat(faults(stats, reply(200, "text/html", "hello"))).as("content type").isNotEmpty();
    assertThat(faults(Request.get("/v1/nothing"), notFound())).as("path").isNotEmpty();
    assertThat(
            faults(
                Request.get("/v1/entries?colour=red"),
                reply(200, "application/json", "{\"entries\":[],\"next\":null}")))
        .as("parameter")
        .isNotEmpty();
    assertThat(faults(Request.delete("/v1/containers/c"), reply(204, "", ""))).isEmpty();
  }

  @Test
  void onlyMetricsAndHealthAreOnTcp() {
    Reply metrics = reply(200, "text/plain; version=0.0.4", "x 1\n");

    assertThat(Contract.faultsOf(TCP, Request.get("/metrics"), metrics)).isEmpty();
    assertThat(
            Contract.faultsOf(
                TCP,
                Request.get("/v1/stats").deliberatelyBad(),
                reply(200, "application/json", "{}")))
        .isNotEmpty();
    assertThat(Contract.faultsOf(TCP, Request.get("/v1/stats").deliberatelyBad(), notFound()))
        .isEmpty();
  }

  @Test
  void repliesMayHaveFurtherFieldsButNoneLess() {
    JsonNode whole =
        Json.parse(
            """
            {"name":"a/b","url":"http://o/x","digest":"%s","size":1,"as":"file","outcome":"miss","bytesFetched":1,"durationMillis":0,
             "path":"/cached-downloads/a/b","hostPath":"/s/containers/c/a/b","etag":null,"freshUntil":"2026-01-01T00:00:00Z","later":true}
            """
                .formatted(DIGEST));

    assertThat(Contract.faultsOf("Download", whole)).isEmpty();
    assertThat(Contract.faultsOf("Download", Json.object("name", "a"))).isNotEmpty();
    assertThat(Contract.faultsOf("Download", changed(whole, "freshUntil", "tomorrow")))
        .as("time")
        .isNotEmpty();
    assertThat(Contract.faultsOf("Download", changed(whole, "url", "http://o/x?sig=1")))
        .as("query")
        .isNotEmpty();
    assertThat(Contract.faultsOf("Download", changed(whole, "outcome", "cached")))
        .as("outcome")
        .isNotEmpty();
    assertThat(Contract.faultsOf("Download", changed(whole, "name", "a/../b")))
        .as("name")
        .isNotEmpty();
  }

  @Test
  void everyLineOfAStreamIsChecked() {
    Request request =
        Request.put("/v1/containers/c/downloads/n", Json.download("http://o/"))
            .header("Accept", "application/x-ndjson");

    assertThat(
            faults(
                request,
                reply(
                    200,
                    "application/x-ndjson",
                    "{\"event\":\"progress\",\"bytes\":1,\"total\":2}\n")))
        .isEmpty();
    assertThat(
            faults(
                request,
                reply(
                    200,
                    "application/x-ndjson",
                    "{\"event\":\"progress\",\"bytes\":1}\n{\"event\":\"done\"}\n")))
        .isNotEmpty();
  }

  private static List<String> faults(Request request, Reply reply) {
    return Contract.faultsOf(SOCKET, request, reply);
  }

  private static Reply notFound() {
    return problem(404, "not-found");
  }

  private static Reply problem(int status, String code) {
    return reply(
        status,
        "application/problem+json",
        Json.object(
                "type",
                "about:blank",
                "title",
                "Bad",
                "status",
                status,
                "detail",
                "",
                "instance",
                "urn:1",
                "code",
                code,
                "retryable",
                false)
            .toString());
  }

  private static Reply reply(int status, String contentType, String body) {
    var headers = new TreeMap<String, List<String>>(String.CASE_INSENSITIVE_ORDER);
    headers.putAll(Map.of("Content-Type", List.of(contentType)));
    return new Reply(status, headers, body.getBytes(StandardCharsets.UTF_8));
  }

  private static JsonNode changed(JsonNode object, String field, String value) {
    return object.<ObjectNode>deepCopy().put(field, value);
  }
}
