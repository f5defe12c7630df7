package org.cacheddownloads.api;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;
import org.cacheddownloads.config.Config.Fetch;
import org.cacheddownloads.content.CacheKey;
import org.cacheddownloads.content.Checksum;
import org.cacheddownloads.content.Deliver;
import org.cacheddownloads.content.Form;
import org.cacheddownloads.content.Headers;
import org.cacheddownloads.content.SourceUrl;
import org.cacheddownloads.failure.CacheException.InvalidRequest;
import org.cacheddownloads.fetch.DownloadRequest;
import org.cacheddownloads.fetch.Source;

/** Reads the description of a download out of a body. */
final class DownloadBody {
  private static final int MOST_MIRRORS = 16;
  private static final int MOST_HEADERS = 64;
  private static final Pattern TOKEN =
      Pattern.compile("[!#$%&'*+.^_`|~0-9A-Za-z-]{1,128}"); // RFC 9110 section 5.6.2
  private static final Pattern VALUE = Pattern.compile("[\\x20-\\x7e\\t]{0,8192}");

  /**
   * What the agent itself decides: conditions, ranges and coding, and how the message is framed
   * (RFC 9110 sections 7.6.1 and 8.6).
   */
  private static final Set<String> OURS =
      Set.of(
          "host",
          "range",
          "accept-encoding",
          "connection",
          "keep-alive",
          "proxy-connection",
          "proxy-authorization",
          "te",
          "trailer",
          "transfer-encoding",
          "upgrade",
          "content-length",
          "content-type",
          "content-encoding",
          "expect",
          "http2-settings");

  private DownloadBody() {}

  /**
   * Takes every field of a download; the caller takes {@code name} where it belongs and ends the
   * fields.
   */
  static DownloadRequest read(Fields fields, Fetch defaults) {
    SourceUrl url = fields.requiredText("url", SourceUrl::parse);
    Headers headers = headers(fields);
    var sources = new ArrayList<>(List.of(new Source(url, headers)));
    sources.addAll(mirrors(fields, url, headers));
    String cacheKey = fields.text("cacheKey", text -> new CacheKey(text).text()).orElse(null);
    var checksum = fields.text("checksum", Checksum::parse);
    boolean executable = fields.flag("executable");
    String as = fields.text("as", text -> oneOf(text, "file", "directory")).orElse("file");
    String deliver = fields.text("deliver", text -> oneOf(text, "link", "mount")).orElse("link");
    boolean directory = as.equals("directory");
    if (directory && executable) {
      throw fields.fault(
          "executable", "it is for files; in a directory the archive says what is executable");
    }
    Form file = executable ? Form.EXECUTABLE : Form.FILE;
    return new DownloadRequest(
        sources,
        cacheKey == null ? CacheKey.of(url) : new CacheKey(cacheKey),
        cacheKey,
        checksum,
        directory ? Form.TREE : file,
        deliver.equals("mount") ? Deliver.MOUNT : Deliver.LINK,
        fields.duration("maxAge").orElse(java.time.Duration.ZERO),
        fields.duration("maxStale").orElse(defaults.maxStale()),
        fields.duration("maxStale").isEmpty(),
        fields.positiveDuration("timeout").orElse(defaults.timeout()));
  }

  private static String oneOf(String text, String... choices) {
    if (!List.of(choices).contains(text)) {
      throw new InvalidRequest("expected one of " + List.of(choices));
    }
    return text;
  }

  /**
   * A mirror on the origin of the URL gets what is sent there; one elsewhere gets only headers of
   * its own.
   */
  private static List<Source> mirrors(Fields fields, SourceUrl url, Headers headers) {
    List<Fields> items = fields.objects("mirrors", "url").orElse(List.of());
    if (items.size() > MOST_MIRRORS) {
      throw fields.fault("mirrors", "at most " + MOST_MIRRORS + " mirrors");
    }
    var mirrors = new ArrayList<Source>();
    for (Fields item : items) {
      SourceUrl mirror = item.requiredText("url", SourceUrl::parse);
      Headers own = headers(item);
      item.end();
      mirrors.add(
          new Source(
              mirror, own.isEmpty() && mirror.origin().equals(url.origin()) ? headers : own));
    }
    return mirrors;
  }

  private static Headers headers(Fields fields) {
    Map<String, String> given = fields.texts("headers");
    if (given.size() > MOST_HEADERS) {
      throw fields.fault("headers", "at most " + MOST_HEADERS + " headers");
    }
    given.forEach(
        (name, value) -> {
          String lower = name.toLowerCase(Locale.ROOT);
          if (!TOKEN.matcher(name).matches()) {
            throw fields.fault(
                "headers", "a header name is 1 to 128 letters, digits or one of !#$%&'*+.^_`|~-");
          }
          if (OURS.contains(lower) || lower.startsWith("if-") || lower.startsWith(":")) {
            throw fields.fault(
                "headers", "the header '" + name + "' is set by the agent; leave it out");
          }
          if (!VALUE.matcher(value).matches()) {
            throw fields.fault(
                "headers",
                "the value of '" + name + "' must be visible ASCII, at most 8192 characters");
          }
        });
    return Headers.of(given);
  }
}
