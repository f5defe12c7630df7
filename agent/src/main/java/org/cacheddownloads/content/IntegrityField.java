package org.cacheddownloads.content;

import java.util.ArrayList;
import java.util.Base64;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;
import org.cacheddownloads.content.Checksum.Algorithm;

/**
 * What an origin says that its bytes hash to: {@code Repr-Digest} of the whole representation,
 * {@code Content-Digest} of the content of one message (RFC 9530 sections 2 and 3).
 */
public final class IntegrityField {
  /** Of a response, also of a part: covers the whole. */
  public static final String WHOLE = "repr-digest";

  /** Covers what this message carries. */
  public static final String MESSAGE = "content-digest";

  /** The request field that asks for the former. */
  public static final String WANTED = "want-repr-digest";

  /** What is asked for: the hash that is computed anyway. */
  public static final String WANTED_ALGORITHM = "sha-256=10";

  /** A member of the dictionary whose value is a byte sequence (RFC 8941 section 3.2). */
  private static final Pattern MEMBER =
      Pattern.compile("(?:^|,)[ \t]*(sha-256|sha-512)=:([A-Za-z0-9+/=]*):");

  private IntegrityField() {}

  /** The sums that {@code headers} state in a field, as far as they can be read and computed. */
  public static List<Checksum> of(Headers headers, String field) {
    Optional<String> value = headers.joined(field);
    if (value.isEmpty()) {
      return List.of();
    }
    var found = new ArrayList<Checksum>();
    var members = MEMBER.matcher(value.get());
    while (members.find()) {
      Algorithm algorithm =
          members.group(1).equals("sha-256") ? Algorithm.SHA256 : Algorithm.SHA512;
      hex(members.group(2))
          .filter(hex -> hex.length() == algorithm.hexLength())
          .ifPresent(hex -> found.add(new Checksum(algorithm, hex)));
    }
    return found;
  }

  private static Optional<String> hex(String base64) {
    try {
      return Optional.of(HexFormat.of().formatHex(Base64.getDecoder().decode(base64)));
    } catch (IllegalArgumentException e) {
      return Optional.empty();
    }
  }
}
