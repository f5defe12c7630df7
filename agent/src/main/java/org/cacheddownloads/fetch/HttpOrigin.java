package org.cacheddownloads.fetch;

import io.netty.channel.ConnectTimeoutException;
import io.netty.handler.codec.DecoderException;
import io.netty.handler.codec.TooLongFrameException;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.ssl.SslHandshakeTimeoutException;
import io.vertx.core.Context;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import io.vertx.core.http.HttpClient;
import io.vertx.core.http.HttpClientOptions;
import io.vertx.core.http.HttpClientRequest;
import io.vertx.core.http.HttpClientResponse;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.HttpVersion;
import io.vertx.core.http.PoolOptions;
import io.vertx.core.http.RequestOptions;
import io.vertx.core.net.ProxyOptions;
import io.vertx.core.net.ProxyType;
import io.vertx.core.net.SocketAddress;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Supplier;
import org.cacheddownloads.config.Config;
import org.cacheddownloads.config.Config.Fetch;
import org.cacheddownloads.config.Config.Origins;
import org.cacheddownloads.config.Proxy;
import org.cacheddownloads.config.Proxy.Via;
import org.cacheddownloads.content.Headers;
import org.cacheddownloads.content.IntegrityField;
import org.cacheddownloads.content.SourceUrl;
import org.cacheddownloads.content.Validator;
import org.cacheddownloads.failure.CacheException;
import org.cacheddownloads.failure.CacheException.BadResponse;
import org.cacheddownloads.failure.CacheException.Busy;
import org.cacheddownloads.failure.CacheException.InvalidRequest;
import org.cacheddownloads.failure.CacheException.OriginNotAllowed;
import org.cacheddownloads.failure.CacheException.OriginUnavailable;
import org.cacheddownloads.failure.CacheException.TimedOut;
import org.jspecify.annotations.Nullable;

/**
 * The only HTTP client for downloads: HTTP/1.1, and HTTP/2 where an https origin offers it (ALPN),
 * over the Vert.x core client, one exchange at a time per caller, in blocking style on virtual
 * threads. Thread-safe. Names are resolved here, so that the address that was checked is the
 * address that is connected to.
 */
public final class HttpOrigin implements Origin {
  private static final int MAX_REDIRECTS = 10;
  private static final Set<Integer> REDIRECTS = Set.of(301, 302, 303, 307, 308);
  private static final int PROXY_WANTS_CREDENTIALS = 407;
  private static final int MAX_CHUNK_BYTES = 256 * 1024;
  private static final int MAX_HEADER_BYTES = 64 * 1024;
  private static final long LONGEST_HANDSHAKE_SECONDS = 60;
  private static final int CONNECTIONS_PER_ORIGIN = 1024; // Slots decide how many are used

  private final HttpClient client;
  private final Context loop;
  private final Dialer dialer;
  private final Supplier<Config> config;
  private final Clock clock;
  private final Listener listener;
  private final String userAgent;
  private final RuleHeaders rules;
  private final Tls tls;
  private final Proxies proxies;
  private final Resolver resolver;

  /** Hears of each exchange with an origin. */
  public interface Listener {
    /** {@code firstByte}: from the request, with connecting, to the head of the response. */
    void answered(SourceUrl url, int status, Duration firstByte);

    /** An exchange ended without a response. */
    void unanswered(SourceUrl url, String kind);

    /** Something went wrong beside an exchange or in the middle of a body. */
    void trouble(String kind);

    void received(SourceUrl url, long bytes);
  }

  public HttpOrigin(
      Vertx vertx,
      Supplier<Config> config,
      RuleHeaders rules,
      Proxies proxies,
      Clock clock,
      Listener listener,
      String version) {
    this.config = config;
    this.rules = rules;
    this.proxies = proxies;
    this.clock = clock;
    this.listener = listener;
    this.resolver = new Resolver(clock, listener);
    this.userAgent = "cached-downloads/" + version;
    var options =
        new HttpClientOptions()
            .setSslHandshakeTimeout(LONGEST_HANDSHAKE_SECONDS) // fetch.connectTimeout comes first
            .setSslHandshakeTimeoutUnit(TimeUnit.SECONDS)
            .setMaxChunkSize(MAX_CHUNK_BYTES)
            .setMaxHeaderSize(MAX_HEADER_BYTES)
            .setKeepAliveTimeout(30)
            .setTcpNoDelay(true);
    Multiplexing.allow(options);
    this.tls = new Tls(vertx, config, clock);
    this.loop = vertx.getOrCreateContext();
    this.client =
        vertx.createHttpClient(
            options,
            new PoolOptions()
                .setHttp1MaxSize(CONNECTIONS_PER_ORIGIN)
                .setHttp2MaxSize(CONNECTIONS_PER_ORIGIN));
    this.dialer = new Dialer(vertx, loop, client);
  }

  @Override
  public OriginResponse get(
      Source source,
      Validator validator,
      Optional<Part> part,
      Hops hops,
      int attempt,
      Instant deadline) {
    SourceUrl url = source.url();
    Headers headers = source.sent();
    for (int hop = 0; hop <= MAX_REDIRECTS; hop++) {
      HttpResponse response = exchange(url, headers, validator, part, attempt, deadline);
      if (!REDIRECTS.contains(response.status())) {
        return response;
      }
      SourceUrl next = redirected(url, response);
      if (!next.origin().equals(url.origin())) {
        headers = Headers.NONE; // what the caller sends is for the origin of its URL alone
        hops.leadTo(next);
      }
      url = next;
    }
    throw BadResponse.of("more than " + MAX_REDIRECTS + " redirects from " + source.url(), null);
  }

  private static SourceUrl redirected(SourceUrl url, HttpResponse response) {
    try (response) {
      String location =
          response
              .headers()
              .first("location")
              .orElseThrow(
                  () ->
                      BadResponse.of("a redirect without Location from " + url, response.status()));
      SourceUrl next = url.resolve(location);
      if (url.isTls() && !next.isTls()) {
        throw new OriginNotAllowed(
            "the redirect from "
                + url
                + " leads from https to "
                + next.scheme()
                + ", which gives up its protection");
      }
      return next;
    } catch (InvalidRequest e) {
      throw BadResponse.of(
          "a redirect from " + url + " to something that is no URL", response.status());
    }
  }

  private HttpResponse exchange(
      SourceUrl url,
      Headers headers,
      Validator validator,
      Optional<Part> part,
      int attempt,
      Instant deadline) {
    OriginPolicy.checkUrl(config.get().origins(), url);
    Fetch limits = config.get().fetch();
    Optional<Via> proxy = proxies.find(config.get().origins().rules(), url);
    List<RequestOptions> ways =
        Addresses.interleaved(addresses(url, proxy, limits, deadline)).stream()
            .map(address -> options(url, proxy, address, headers, validator, part))
            .toList();
    try {
      HttpResponse response = send(ways, attempt > 0, url, deadline);
      boolean proxyMayAnswer =
          !url.isTls() && proxy.filter(via -> via.kind() == Proxy.Kind.HTTP).isPresent();
      if (proxyMayAnswer && response.status() == PROXY_WANTS_CREDENTIALS) {
        response.close();
        throw OriginUnavailable.lasting(
            "could not get an answer from " + url + ": the proxy refused (status: 407)");
      }
      listener.answered(
          url, response.status(), Duration.between(response.requestedAt(), response.receivedAt()));
      return response;
    } catch (CacheException e) {
      listener.unanswered(url, e.code());
      throw proxy.isPresent() ? Faults.through(proxy.get(), e) : e;
    }
  }

  /** What may be connected to: addresses of the origin, or of the proxy, which asks for names. */
  private List<InetAddress> addresses(
      SourceUrl url, Optional<Via> proxy, Fetch limits, Instant deadline) {
    Origins policy = config.get().origins();
    if (proxy.isPresent()) {
      OriginPolicy.checkLiteral(policy, url);
      return resolver.resolve(proxy.get().host(), sooner(deadline, limits.connectTimeout()));
    }
    return OriginPolicy.allowed(
        policy, url, resolver.resolve(url.host(), sooner(deadline, limits.connectTimeout())));
  }

  /** Makes a request that goes to the origin go to the proxy, which is told the origin's name. */
  private static void through(
      Via proxy, InetAddress address, SourceUrl url, RequestOptions options) {
    var way =
        new ProxyOptions()
            .setType(proxy.kind() == Proxy.Kind.HTTP ? ProxyType.HTTP : ProxyType.SOCKS5)
            .setHost(bracketed(address))
            .setPort(proxy.port());
    if (proxy.login() != null) {
      way.setUsername(proxy.login().user()).setPassword(proxy.login().password());
    }
    options.setProxyOptions(way).setServer(SocketAddress.inetSocketAddress(url.port(), url.host()));
  }

  private RequestOptions options(
      SourceUrl url,
      Optional<Via> proxy,
      InetAddress address,
      Headers callers,
      Validator validator,
      Optional<Part> part) {
    Headers headers = callers.orElse(rules.of(url));
    var options =
        new RequestOptions()
            .setMethod(HttpMethod.GET)
            .setServer(SocketAddress.inetSocketAddress(url.port(), bracketed(address)))
            .setHost(url.host())
            .setPort(url.port())
            .setSsl(url.isTls())
            .setURI(url.requestTarget())
            .setConnectTimeout(config.get().fetch().connectTimeout().toMillis());
    proxy.ifPresent(via -> through(via, address, url, options));
    if (url.isTls()) {
      options.setSslOptions(tls.of(url));
    } else {
      options.setProtocolVersion(HttpVersion.HTTP_1_1); // else the handshake of TLS decides
    }
    options.putHeader(HttpHeaderNames.USER_AGENT.toString(), userAgent);
    options.putHeader(HttpHeaderNames.ACCEPT.toString(), "*/*");
    headers.sorted().forEach((name, values) -> options.putHeader(name, String.join(", ", values)));
    options.putHeader(HttpHeaderNames.ACCEPT_ENCODING.toString(), "identity");
    options.putHeader(IntegrityField.WANTED, IntegrityField.WANTED_ALGORITHM);
    if (validator.etag() != null) {
      options.putHeader(HttpHeaderNames.IF_NONE_MATCH.toString(), validator.etag());
    }
    if (validator.lastModified() != null) {
      options.putHeader(HttpHeaderNames.IF_MODIFIED_SINCE.toString(), validator.lastModified());
    }
    part.ifPresent(
        rest -> {
          options.putHeader(HttpHeaderNames.RANGE.toString(), "bytes=" + rest.from() + "-");
          options.putHeader(HttpHeaderNames.IF_RANGE.toString(), rest.ifRange());
        });
    return options;
  }

  /** Vert.x takes an IPv6 address for the host of an authority, where it is written in brackets. */
  private static String bracketed(InetAddress address) {
    String text = address.getHostAddress();
    return address instanceof Inet6Address ? "[" + text + "]" : text;
  }

  /**
   * A connection that the origin closed just when it was used again is no failure of the request,
   * which asks for nothing that would be done twice: it is sent once more, on a fresh connection
   * (RFC 9110 section 9.2.2).
   */
  private HttpResponse send(
      List<RequestOptions> ways, boolean again, SourceUrl url, Instant deadline) {
    var call = new Dialer.Call(url.origin(), ways, again, 0);
    while (true) {
      try {
        return send(call, url, deadline);
      } catch (Dialer.LostConnection e) {
        call = call.afterLoss();
      }
    }
  }

  private HttpResponse send(Dialer.Call call, SourceUrl url, Instant deadline) {
    Fetch limits = config.get().fetch();
    Instant requestedAt = clock.instant();
    Promise<Dialer.Race> starting = Promise.promise();
    Promise<HttpClientRequest> connecting = Promise.promise();
    Promise<HttpResponse> answering = Promise.promise();
    loop.runOnContext(
        _ -> {
          Dialer.Race race = dialer.dial(call);
          starting.complete(race);
          race.winner()
              .onComplete(connecting)
              .compose(
                  request ->
                      dialer.send(request, call, response -> attach(response, url, requestedAt)))
              .onComplete(answering);
        });
    Future<HttpClientRequest> connected = connecting.future();
    Future<HttpResponse> answered = answering.future();
    HttpClientRequest request;
    try {
      request =
          await(connected, sooner(deadline, tolerant(limits.connectTimeout())), url, "connect to");
    } catch (CacheException e) {
      starting.future().onSuccess(race -> loop.runOnContext(_ -> race.cancel()));
      abandon(connected);
      throw e;
    }
    try {
      Instant until = sooner(deadline, tolerant(limits.firstByteTimeout()));
      return await(answered, until, url, "get an answer from");
    } catch (CacheException e) {
      abandon(answered);
      request.reset();
      throw e;
    }
  }

  /** On the event loop, before a byte of the body can arrive. */
  private HttpResponse attach(HttpClientResponse response, SourceUrl url, Instant requestedAt) {
    return new HttpResponse(response, url, config, clock, listener, requestedAt);
  }

  private Instant sooner(Instant deadline, Duration limit) {
    Instant end = clock.instant().plus(limit);
    return end.isBefore(deadline) ? end : deadline;
  }

  /**
   * A limit with a tolerance of a tenth, at most a second: who answers exactly at the limit is in
   * time.
   */
  static Duration tolerant(Duration limit) {
    Duration tenth = limit.dividedBy(10);
    return limit.plus(tenth.compareTo(Duration.ofSeconds(1)) > 0 ? Duration.ofSeconds(1) : tenth);
  }

  private <T> T await(Future<T> future, Instant until, SourceUrl url, String doing) {
    CompletableFuture<T> done = future.toCompletionStage().toCompletableFuture();
    try {
      return done.get(
          Math.max(1, Duration.between(clock.instant(), until).toMillis()), TimeUnit.MILLISECONDS);
    } catch (TimeoutException e) {
      throw new TimedOut("could not " + doing + " " + url + " in time", null);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new Busy("nobody waits for this download any more", e);
    } catch (ExecutionException e) {
      if (e.getCause() instanceof Dialer.LostConnection lost) {
        throw lost;
      }
      if (e.getCause() instanceof TimeoutException
          || e.getCause() instanceof ConnectTimeoutException
          || e.getCause() instanceof SslHandshakeTimeoutException) {
        throw new TimedOut("could not " + doing + " " + url + " in time", null);
      }
      String what = "could not " + doing + " " + url;
      Optional<OriginUnavailable> known =
          Faults.proxy(what, e.getCause()).or(() -> Faults.tls(what, e.getCause()));
      if (known.isPresent()) {
        throw known.get();
      }
      if (isNotHttp(e.getCause())) {
        throw BadResponse.of(url + " sent something that is not HTTP", null);
      }
      throw new OriginUnavailable(
          "could not " + doing + " " + url + ": " + reason(e.getCause()), null);
    }
  }

  private static boolean isNotHttp(@Nullable Throwable fault) {
    return fault instanceof DecoderException
        || fault instanceof TooLongFrameException
        || fault instanceof IllegalArgumentException;
  }

  /** What comes too late is closed when it comes. */
  private static void abandon(Future<?> future) {
    future.onSuccess(
        late -> {
          if (late instanceof HttpClientRequest request) {
            request.reset();
          } else if (late instanceof HttpResponse response) {
            response.close();
          }
        });
  }

  /**
   * The kind of fault in words; texts of exceptions may repeat a URL with its query, so only their
   * first, known form is used.
   */
  private static String reason(@Nullable Throwable fault) {
    return switch (fault) {
      case java.net.ConnectException _ -> "connection refused";
      case io.vertx.core.VertxException e -> String.valueOf(e.getMessage());
      case null -> "unknown fault";
      default -> fault.getClass().getSimpleName();
    };
  }

  @Override
  public void close() {
    resolver.close();
    client.close();
  }
}
