package org.cacheddownloads.fetch;

import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.util.HexFormat;
import java.util.List;
import java.util.Set;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;
import org.cacheddownloads.content.Headers;
import org.cacheddownloads.content.Variant;

/**
 * Keyed hashes of what is sent to origins, by callers and by rules. The key is made once per state
 * directory, so that hashes in the catalog cannot be compared with those of another cell or guessed
 * without the catalog. Thread-safe.
 */
public final class Authority implements Variant.Hasher {
  /** Request headers that say nothing about who asks. */
  private static final Set<String> NOT_CREDENTIALS =
      Set.of("accept", "accept-language", "user-agent");

  private static final String NOBODY = "";
  private static final int HEX_DIGITS = 32;
  private final RuleHeaders rules;
  private final SecretKeySpec key;

  /**
   * @param hexKey at least 16 bytes in hex
   * @param rules what is sent besides what callers send
   */
  public Authority(String hexKey, RuleHeaders rules) {
    this.rules = rules;
    this.key = new SecretKeySpec(HexFormat.of().parseHex(hexKey), "HmacSHA256");
  }

  /**
   * The credentials in user info and headers of all sources, as a keyed hash; empty if there are
   * none. What a rule adds counts as well, unless the caller sends something else in its place.
   */
  String credentials(List<Source> sources) {
    var text = new StringBuilder();
    for (int i = 0; i < sources.size(); i++) {
      Source source = sources.get(i);
      int number = i;
      source
          .url()
          .basicAuthorization()
          .ifPresent(basic -> text.append(number).append(" user ").append(basic).append('\n'));
      sent(source)
          .sorted()
          .forEach(
              (name, values) -> {
                if (!NOT_CREDENTIALS.contains(name)) {
                  text.append(number)
                      .append(' ')
                      .append(name)
                      .append(' ')
                      .append(values)
                      .append('\n');
                }
              });
    }
    return text.isEmpty() ? NOBODY : hash(text.toString());
  }

  /** Everything that goes out for a request: requests with equal hashes get equal answers. */
  String question(List<Source> sources) {
    var text = new StringBuilder();
    for (Source source : sources) {
      text.append(source.url().origin()).append(source.url().requestTarget()).append('\n');
      source.url().basicAuthorization().ifPresent(basic -> text.append(basic).append('\n'));
      sent(source)
          .sorted()
          .forEach((name, values) -> text.append(name).append(' ').append(values).append('\n'));
    }
    return hash(text.toString());
  }

  private Headers sent(Source source) {
    return source.sent().orElse(rules.identity(source.url()));
  }

  @Override
  public String hash(String text) {
    try {
      Mac mac = Mac.getInstance(key.getAlgorithm());
      mac.init(key);
      byte[] hash = mac.doFinal(text.getBytes(StandardCharsets.UTF_8));
      return HexFormat.of().formatHex(hash).substring(0, HEX_DIGITS);
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("every JDK has HmacSHA256", e);
    }
  }
}
