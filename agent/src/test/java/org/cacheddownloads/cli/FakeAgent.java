package org.cacheddownloads.cli;

import io.vertx.core.Vertx;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.http.HttpServerResponse;
import io.vertx.core.net.SocketAddress;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;

/** A server on a Unix socket that remembers what it was asked and answers what it was told to. */
final class FakeAgent implements AutoCloseable {
  private final Vertx vertx = Vertx.vertx();
  private final List<Asked> asked = new CopyOnWriteArrayList<>();
  private final List<Answer> answers;

  record Asked(String method, String uri, String accept, String body) {}

  /** Writes one response. */
  @FunctionalInterface
  interface Answer {
    void to(HttpServerResponse response);
  }

  private FakeAgent(List<Answer> answers) {
    this.answers = answers;
  }

  /** Answers the first request with the first answer, and so on; the last one is repeated. */
  static FakeAgent on(Path socket, Answer... answers) {
    var agent = new FakeAgent(List.of(answers));
    agent
        .vertx
        .createHttpServer()
        .requestHandler(agent::answer)
        .listen(SocketAddress.domainSocketAddress(socket.toString()))
        .toCompletionStage()
        .toCompletableFuture()
        .orTimeout(10, TimeUnit.SECONDS)
        .join();
    return agent;
  }

  static Answer json(int status, String body) {
    return response ->
        response
            .setStatusCode(status)
            .putHeader(
                "Content-Type", status < 300 ? "application/json" : "application/problem+json")
            .end(body);
  }

  static Answer lines(String... lines) {
    return response ->
        response
            .putHeader("Content-Type", "application/x-ndjson")
            .end(String.join("\n", lines) + "\n");
  }

  /** No answer: the connection is closed. */
  static Answer hangUp() {
    return HttpServerResponse::reset;
  }

  List<Asked> asked() {
    return asked;
  }

  private void answer(HttpServerRequest request) {
    request
        .body()
        .onSuccess(
            body -> {
              asked.add(
                  new Asked(
                      request.method().name(),
                      request.uri(),
                      request.getHeader("Accept"),
                      body.toString()));
              answers.get(Math.min(asked.size(), answers.size()) - 1).to(request.response());
            });
  }

  @Override
  public void close() {
    vertx.close().toCompletionStage().toCompletableFuture().orTimeout(10, TimeUnit.SECONDS).join();
  }
}
