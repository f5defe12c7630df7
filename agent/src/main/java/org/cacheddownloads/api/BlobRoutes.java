package org.cacheddownloads.api;

import java.io.IOException;
import java.time.Clock;
import java.time.Duration;
import java.util.Base64;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.cacheddownloads.catalog.Catalog;
import org.cacheddownloads.content.Digest;
import org.cacheddownloads.content.Percent;
import org.cacheddownloads.content.Stored;
import org.cacheddownloads.failure.CacheException.InvalidRequest;
import org.cacheddownloads.failure.CacheException.NotFound;
import org.cacheddownloads.space.Copies;
import org.cacheddownloads.space.Pin;
import org.cacheddownloads.store.BlobStore;
import org.cacheddownloads.store.Posix;
import org.cacheddownloads.store.StorageFault;

/**
 * Bytes by digest (RFC 9110 sections 13 and 14, RFC 9530). Only what anybody may have: bytes that
 * were fetched with credentials, and bytes of responses that may not be stored, are not here for
 * somebody who knows no more than a digest.
 */
final class BlobRoutes {
  private static final Duration PATIENCE = Duration.ofSeconds(30);
  private static final Pattern RANGE = Pattern.compile("bytes=([0-9]{0,18})-([0-9]{0,18})");

  private final Catalog catalog;
  private final BlobStore store;
  private final Copies copies;
  private final Clock clock;

  BlobRoutes(Catalog catalog, BlobStore store, Copies copies, Clock clock) {
    this.catalog = catalog;
    this.store = store;
    this.copies = copies;
    this.clock = clock;
  }

  void addTo(Routes routes) {
    routes.add("GET", "v1/blobs/*", this::get).add("HEAD", "v1/blobs/*", this::get);
  }

  private Answer get(ApiRequest request) {
    Digest digest = digest(request.allowing());
    if (!catalog.isForAnybody(digest)) {
      throw new NotFound("there is no blob " + digest + " that anybody may have");
    }
    Pin pin =
        copies
            .pin(Stored.file(digest), clock.instant().plus(PATIENCE))
            .orElseThrow(() -> new NotFound("there is no blob " + digest));
    try {
      Answer answer = answer(request, digest, size(pin.stored()), pin);
      if (!(answer instanceof Answer.FileRange)) {
        pin.close();
      }
      return answer;
    } catch (RuntimeException e) {
      pin.close();
      throw e;
    }
  }

  private static Digest digest(ApiRequest request) {
    try {
      return Digest.parse(Percent.decode(request.segments().get(2)));
    } catch (InvalidRequest e) {
      throw e.in("digest");
    }
  }

  private long size(Stored pinned) {
    try {
      return store.stat(pinned).map(Posix.Stat::sizeBytes).orElse(0L);
    } catch (IOException e) {
      throw StorageFault.of("look up " + pinned, e);
    }
  }

  private Answer answer(ApiRequest request, Digest digest, long size, Pin pin) {
    String etag = "\"" + digest + "\"";
    var headers = new LinkedHashMap<String, String>();
    headers.put("ETag", etag);
    headers.put("Accept-Ranges", "bytes");
    headers.put(
        "Repr-Digest",
        "sha-256=:"
            + Base64.getEncoder().encodeToString(HexFormat.of().parseHex(digest.hex()))
            + ":");
    if (matches(request.headers().joined("if-none-match"), etag)) {
      return new Answer.Empty(304, headers);
    }
    headers.put("Content-Type", "application/octet-stream");
    boolean sameRepresentation = request.headers().first("if-range").map(etag::equals).orElse(true);
    Optional<String> range =
        request
            .headers()
            .first("range")
            .filter(_ -> sameRepresentation && request.method().equals("GET"));
    return range
        .map(text -> part(text, size, headers, pin))
        .orElseGet(() -> whole(request, size, headers, pin));
  }

  private Answer whole(ApiRequest request, long size, Map<String, String> headers, Pin pin) {
    if (request.method().equals("HEAD")) {
      headers.put("Content-Length", String.valueOf(size));
      return new Answer.Empty(200, headers);
    }
    return new Answer.FileRange(200, store.path(pin.stored()), 0, size, headers, pin::close);
  }

  private static boolean matches(Optional<String> ifNoneMatch, String etag) {
    return ifNoneMatch.isPresent()
        && java.util.Arrays.stream(ifNoneMatch.get().split(","))
            .map(String::strip)
            .anyMatch(one -> one.equals("*") || one.equals(etag) || one.equals("W/" + etag));
  }

  /**
   * One range of bytes; what is not understood, or asks for several, is answered whole (RFC 9110
   * section 14.2).
   */
  private Answer part(String range, long size, Map<String, String> headers, Pin pin) {
    Matcher matcher = RANGE.matcher(range.strip());
    if (!matcher.matches() || (matcher.group(1).isEmpty() && matcher.group(2).isEmpty())) {
      return new Answer.FileRange(200, store.path(pin.stored()), 0, size, headers, pin::close);
    }
    long first;
    long last;
    if (matcher.group(1).isEmpty()) {
      first = Math.max(0, size - Long.parseLong(matcher.group(2)));
      last = size - 1;
    } else {
      first = Long.parseLong(matcher.group(1));
      last =
          matcher.group(2).isEmpty()
              ? size - 1
              : Math.min(size - 1, Long.parseLong(matcher.group(2)));
    }
    if (first >= size || first > last) {
      return Problems.rangeOutside(size);
    }
    headers.put("Content-Range", "bytes " + first + "-" + last + "/" + size);
    return new Answer.FileRange(
        206, store.path(pin.stored()), first, last - first + 1, headers, pin::close);
  }
}
