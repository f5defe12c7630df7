package org.cacheddownloads.spec;

import static org.assertj.core.api.Assertions.fail;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.TextNode;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import com.networknt.schema.JsonSchema;
import com.networknt.schema.JsonSchemaFactory;
import com.networknt.schema.SchemaLocation;
import com.networknt.schema.SchemaValidatorsConfig;
import com.networknt.schema.SpecVersion;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * Holds what goes over the wire against {@code spec/openapi.yaml}: paths, methods, parameters,
 * bodies, statuses, content types and headers. Whatever is not written there fails the test that
 * met it, so the two cannot drift apart. The schemas of OpenAPI 3.1 are JSON Schema 2020-12.
 */
final class Contract {
  enum Listener {
    SOCKET,
    TCP
  }

  private static final String IRI = "https://cached-downloads/openapi.json";
  private static final Contract INSTANCE = new Contract(read());

  private final JsonNode document;
  private final JsonSchemaFactory factory;
  private final SchemaValidatorsConfig config =
      SchemaValidatorsConfig.builder().formatAssertionsEnabled(true).build();
  private final Map<String, JsonSchema> schemas = new ConcurrentHashMap<>();
  private final List<PathItem> paths;

  private Contract(JsonNode document) {
    this.document = document;
    this.factory =
        JsonSchemaFactory.getInstance(
            SpecVersion.VersionFlag.V202012,
            builder ->
                builder.schemaLoaders(
                    loaders -> loaders.schemas(Map.of(IRI, document.toString()))));
    this.paths =
        document.path("paths").properties().stream()
            .map(path -> PathItem.of(path.getKey(), path.getValue()))
            .sorted(Comparator.comparingInt((PathItem path) -> path.parameters().size()))
            .toList();
  }

  /** The document itself. */
  static JsonNode document() {
    return INSTANCE.document;
  }

  /** Fails unless request (if it does not claim to be bad) and reply are as the document says. */
  static void check(Listener listener, Request request, Reply reply) {
    List<String> faults = INSTANCE.faults(listener, request, reply);
    if (!faults.isEmpty()) {
      fail(
          "openapi.yaml does not allow this exchange:\n  %s\n%s\n%s"
              .formatted(String.join("\n  ", faults), request, reply));
    }
  }

  /** What is wrong with an exchange; empty when it is as the document says. */
  static List<String> faultsOf(Listener listener, Request request, Reply reply) {
    return INSTANCE.faults(listener, request, reply);
  }

  /** What is wrong with a value that should be as a schema of the document's components says. */
  static List<String> faultsOf(String schema, JsonNode value) {
    return INSTANCE.validate("#/components/schemas/" + schema, value).toList();
  }

  private record PathItem(
      String template, Pattern pattern, List<String> parameters, JsonNode node) {
    static PathItem of(String template, JsonNode node) {
      var names = new ArrayList<String>();
      var regex = new StringBuilder();
      for (String segment : template.substring(1).split("/", -1)) {
        if (segment.startsWith("{")) {
          String name = segment.substring(1, segment.length() - 1);
          names.add(name);
          // The one parameter with slashes in it: x-multi-segment in the document.
          regex.append(name.equals("name") ? "/(.+)" : "/([^/]+)");
        } else {
          regex.append('/').append(Pattern.quote(segment));
        }
      }
      return new PathItem(template, Pattern.compile(regex.toString()), List.copyOf(names), node);
    }

    boolean matches(String path) {
      return pattern.matcher(path).matches();
    }

    JsonNode operation(String method) {
      return node.path(method.toLowerCase(Locale.ROOT));
    }
  }

  private List<String> faults(Listener listener, Request request, Reply reply) {
    String path = request.target().split("\\?", -1)[0];
    Optional<PathItem> item = paths.stream().filter(known -> known.matches(path)).findFirst();
    boolean heard = item.isPresent() && hears(listener, item.get());
    JsonNode operation =
        heard ? item.orElseThrow().operation(request.method()) : document.path("absent");
    if (operation.isMissingNode()) {
      return refusal(request, reply, heard);
    }
    var faults = new ArrayList<String>();
    if (!request.bad()) {
      faults.addAll(requestFaults(item.orElseThrow(), operation, path, request));
    }
    faults.addAll(replyFaults(operation, request, reply));
    return faults;
  }

  private static boolean hears(Listener listener, PathItem item) {
    return listener == Listener.SOCKET
        || Stream.of("get", "head")
            .anyMatch(
                method -> item.node().path(method).path("x-listeners").toString().contains("tcp"));
  }

  // ---- what is not in the document

  private List<String> refusal(Request request, Reply reply, boolean pathKnown) {
    var faults = new ArrayList<String>();
    if (!request.bad()) {
      faults.add("request: no such path or method");
    }
    int expected = pathKnown ? 405 : 404;
    if (reply.status() != expected && reply.status() != 400) {
      faults.add("reply: status " + reply.status() + " to a path or method that does not exist");
    } else if (!request.method().equals("HEAD")) {
      jsonFaults(
              "reply",
              "#/components/schemas/Problem" + reply.status(),
              "application/problem+json",
              reply)
          .forEach(faults::add);
    }
    return faults;
  }

  // ---- requests

  private List<String> requestFaults(
      PathItem item, JsonNode operation, String path, Request request) {
    var faults = new ArrayList<String>();
    Matcher matcher = item.pattern().matcher(path);
    if (matcher.matches()) {
      for (int i = 0; i < item.parameters().size(); i++) {
        parameterFaults(
                item, operation, "path", item.parameters().get(i), decoded(matcher.group(i + 1)))
            .forEach(faults::add);
      }
    }
    if (request.target().contains("?")) {
      for (String pair :
          request.target().substring(request.target().indexOf('?') + 1).split("&", -1)) {
        String[] parts = pair.split("=", 2);
        parameterFaults(item, operation, "query", parts[0], decoded(parts[1])).forEach(faults::add);
      }
    }
    bodyFaults(operation.path("requestBody"), request).forEach(faults::add);
    return faults;
  }

  private Stream<String> parameterFaults(
      PathItem item, JsonNode operation, String in, String name, String value) {
    Optional<JsonNode> parameter =
        Stream.of(item.node(), operation)
            .flatMap(node -> stream(node.path("parameters")))
            .map(this::resolved)
            .filter(
                node ->
                    node.path("in").asText().equals(in) && node.path("name").asText().equals(name))
            .findFirst();
    if (parameter.isEmpty()) {
      return Stream.of("request: no " + in + " parameter " + name);
    }
    JsonNode schema = parameter.get().path("schema");
    boolean number = schema.path("type").asText().equals("integer") && value.matches("-?[0-9]+");
    JsonNode json = number ? Json.parse(value) : TextNode.valueOf(value);
    return validate(schema, json).map(fault -> "request: parameter " + name + ": " + fault);
  }

  private Stream<String> bodyFaults(JsonNode requestBody, Request request) {
    if (requestBody.isMissingNode()) {
      return request.body() == null
          ? Stream.empty()
          : Stream.of("request: a body that the document does not know");
    }
    if (request.body() == null) {
      return Stream.of("request: no body");
    }
    JsonNode media = requestBody.path("content").path("application/json");
    return validate(media.path("schema"), Json.parse(request.body()))
        .map(fault -> "request: " + fault);
  }

  // ---- replies

  private List<String> replyFaults(JsonNode operation, Request request, Reply reply) {
    JsonNode response =
        resolved(operation.path("responses").path(Integer.toString(reply.status())));
    if (response.isMissingNode()) {
      return List.of("reply: status " + reply.status() + " is not documented");
    }
    var faults = new ArrayList<String>();
    response
        .path("headers")
        .properties()
        .forEach(header -> headerFaults(header, reply).forEach(faults::add));
    if (!request.method().equals("HEAD")) {
      contentFaults(response.path("content"), reply).forEach(faults::add);
    }
    return faults;
  }

  private Stream<String> headerFaults(Map.Entry<String, JsonNode> documented, Reply reply) {
    String name = documented.getKey();
    JsonNode header = resolved(documented.getValue());
    Optional<String> value = reply.header(name);
    if (value.isEmpty()) {
      return header.path("required").asBoolean()
          ? Stream.of("reply: no header " + name)
          : Stream.empty();
    }
    return validate(header.path("schema"), TextNode.valueOf(value.get()))
        .map(fault -> "reply: header " + name + ": " + fault);
  }

  private Stream<String> contentFaults(JsonNode content, Reply reply) {
    if (content.isMissingNode()) {
      return reply.bytes().length == 0
          ? Stream.empty()
          : Stream.of("reply: a body that the document does not know");
    }
    JsonNode media = content.path(reply.contentType());
    if (media.isMissingNode()) {
      return Stream.of("reply: content type '" + reply.contentType() + "' is not documented");
    }
    JsonNode schema = media.path("schema");
    return switch (reply.contentType()) {
      case "application/json", "application/problem+json" ->
          jsonFaults("reply", schema, reply.text());
      case "application/x-ndjson" ->
          reply.text().lines().flatMap(line -> jsonFaults("line", schema, line));
      default -> Stream.empty();
    };
  }

  private Stream<String> jsonFaults(
      String what, String reference, String contentType, Reply reply) {
    if (!reply.contentType().equals(contentType)) {
      return Stream.of(
          what + ": content type '" + reply.contentType() + "' instead of " + contentType);
    }
    return validate(reference, Json.parse(reply.text())).map(fault -> what + ": " + fault);
  }

  private Stream<String> jsonFaults(String what, JsonNode schema, String text) {
    return validate(schema, Json.parse(text)).map(fault -> what + ": " + fault);
  }

  // ---- schemas

  private Stream<String> validate(JsonNode schema, JsonNode value) {
    if (schema.has("$ref")) {
      return validate(schema.path("$ref").asText(), value);
    }
    return schemas
        .computeIfAbsent(schema.toString(), _ -> factory.getSchema(schema, config))
        .validate(value)
        .stream()
        .map(Object::toString);
  }

  private Stream<String> validate(String reference, JsonNode value) {
    return schemas
        .computeIfAbsent(
            reference, _ -> factory.getSchema(SchemaLocation.of(IRI + reference), config))
        .validate(value)
        .stream()
        .map(Object::toString);
  }

  private JsonNode resolved(JsonNode node) {
    return node.has("$ref") ? document.at(node.path("$ref").asText().substring(1)) : node;
  }

  private static Stream<JsonNode> stream(JsonNode array) {
    var items = new ArrayList<JsonNode>();
    array.forEach(items::add);
    return items.stream();
  }

  private static String decoded(String text) {
    return URLDecoder.decode(text.replace("+", "%2B"), StandardCharsets.UTF_8);
  }

  private static JsonNode read() {
    try {
      return new YAMLMapper().readTree(Project.ROOT.resolve("spec/openapi.yaml").toFile());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
