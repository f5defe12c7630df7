package org.cacheddownloads.spec;

import java.io.IOException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * A body that an origin serves in ranges, as RFC 9110 section 14 has it, over connections that
 * break where a test says. Remembers what was asked of it.
 */
final class RangedBody implements RawOrigin.Script {
  private static final Pattern RANGE = Pattern.compile("bytes=(\\d+)-");

  private final byte[] body;
  private final List<String> headers;
  private final Deque<Integer> cuts = new ArrayDeque<>();
  private final List<String> asked = new ArrayList<>();
  private final AtomicLong sent = new AtomicLong();
  private boolean conditions = true;
  private boolean ranges = true;
  private @Nullable Reply reply;

  /** Answers a request for a range in a test's own way. */
  interface Reply {
    void to(RawOrigin.Connection connection, int from) throws IOException;
  }

  RangedBody(byte[] body, String... headers) {
    this.body = body;
    this.headers = List.of(headers);
  }

  /** The nth response ends after so many bytes; later ones are whole. */
  synchronized RangedBody cutAfter(Integer... bytes) {
    cuts.addAll(List.of(bytes));
    return this;
  }

  /** Ranges are not served: every request gets all of it. */
  RangedBody withoutRanges() {
    ranges = false;
    return this;
  }

  /** The representation has changed: no {@code If-Range} holds. */
  RangedBody changed() {
    conditions = false;
    return this;
  }

  RangedBody answeringRanges(Reply wrong) {
    reply = wrong;
    return this;
  }

  /** The value of {@code Range} in each request, or a dash. */
  synchronized List<String> asked() {
    return List.copyOf(asked);
  }

  /** Bytes of bodies that were sent in all. */
  long sent() {
    return sent.get();
  }

  int size() {
    return body.length;
  }

  @Override
  public void run(RawOrigin.Connection connection) throws IOException, InterruptedException {
    Matcher range = RANGE.matcher(connection.header("range"));
    boolean asksForRest = range.matches();
    Integer cut;
    synchronized (this) {
      asked.add(asksForRest ? range.group() : "-");
      cut = cuts.poll();
    }
    if (asksForRest && connection.header("if-range").isEmpty()) {
      connection.head("400 Range without If-Range", 0);
      return;
    }
    if (!asksForRest || !ranges || !conditions) {
      connection.head("200 OK", body.length, headers.toArray(new String[0]));
      send(connection, 0, cut);
      return;
    }
    int from = Integer.parseInt(range.group(1));
    if (reply != null) {
      reply.to(connection, from);
    } else if (from >= body.length) {
      connection.head("416 Range Not Satisfiable", 0, "Content-Range: bytes */" + body.length);
    } else {
      var all = new ArrayList<>(headers);
      all.add("Content-Range: bytes " + from + "-" + (body.length - 1) + "/" + body.length);
      connection.head("206 Partial Content", body.length - from, all.toArray(new String[0]));
      send(connection, from, cut);
    }
  }

  private void send(RawOrigin.Connection connection, int from, @Nullable Integer cut)
      throws IOException {
    int end = cut == null ? body.length : Math.min(body.length, from + cut);
    int step = 256 * 1024;
    for (int at = from; at < end; at += step) {
      int to = Math.min(end, at + step);
      connection.send(Arrays.copyOfRange(body, at, to));
      sent.addAndGet(to - at);
    }
  }
}
