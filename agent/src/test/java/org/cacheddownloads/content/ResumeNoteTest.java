package org.cacheddownloads.content;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ResumeNoteTest {
  private static Headers headers(String lines) {
    Map<String, String> fields = new LinkedHashMap<>();
    for (String line : lines.split("; ", -1)) {
      String[] field = line.split(": ", 2);
      fields.put(field[0], field[1]);
    }
    return Headers.of(fields);
  }

  private static Optional<ResumeNote> note(String lines) {
    return ResumeNote.of("http://origin/a", "sent", headers(lines), 10);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '\'',
      value = {
        "ETag: \"a\"                                                         | \"a\"",
        "ETag: \"\"                                                          | \"\"",
        "ETag: W/\"a\"                                                       | ",
        "ETag: a                                                             | ",
        "ETag: \"                                                            | ",
        "ETag: \"a\"; Accept-Ranges: bytes                                   | \"a\"",
        "ETag: \"a\"; Accept-Ranges: none                                    | ",
        "ETag: \"a\"; Content-Encoding: gzip                                 | ",
        "ETag: \"a\"; Content-Encoding: identity                             | \"a\"",
        "Cache-Control: max-age=5                                            | ",
        "Last-Modified: Mon, 02 Mar 2026 10:00:00 GMT                        | ",
        "Last-Modified: Mon, 02 Mar 2026 10:00:00 GMT; Date: Mon, 02 Mar 2026 10:00:00 GMT | ",
        "Last-Modified: Mon, 02 Mar 2026 10:00:00 GMT; Date: Mon, 02 Mar 2026 10:00:01 GMT | Mon, 02 Mar 2026 10:00:00 GMT",
        "Last-Modified: yesterday; Date: Mon, 02 Mar 2026 10:00:01 GMT       | ",
        "ETag: W/\"a\"; Last-Modified: Mon, 02 Mar 2026 10:00:00 GMT; Date: Mon, 02 Mar 2026 11:00:00 GMT | ",
      })
  void onlyAStrongValidatorMakesANote(String response, String strong) {
    assertEquals(Optional.ofNullable(strong), note(response).map(ResumeNote::strong));
  }

  @Test
  void keepsTheHeadersThatAPartMayLeaveOut() {
    ResumeNote note =
        note("ETag: \"a\"; Vary: Accept; Cache-Control: max-age=5; Server: x").orElseThrow();
    assertEquals(
        "[etag, vary, cache-control]", note.headers().toString(), "not those of the message");
    assertEquals(10, note.totalBytes());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '\'',
      value = {
        "ETag: \"a\"                                    | ETag: \"a\"                      | true",
        "ETag: \"a\"                                    | ETag: \"b\"                      | false",
        "ETag: \"a\"                                    | ETag: W/\"a\"                    | false",
        "ETag: \"a\"                                    | Server: x                        | false",
        "ETag: \"a\"                                    | ETag: \"a\"; Content-Encoding: gzip | false",
        "ETag: \"a\"                                    | ETag: \"a\"; Content-Encoding: identity | true",
        "ETag: \"a\"; Last-Modified: Mon                | ETag: \"a\"                      | true",
        "ETag: \"a\"; Last-Modified: Mon                | ETag: \"a\"; Last-Modified: Mon  | true",
        "ETag: \"a\"; Last-Modified: Mon                | ETag: \"a\"; Last-Modified: Tue  | false",
        "Last-Modified: Mon, 02 Mar 2026 10:00:00 GMT; Date: Mon, 02 Mar 2026 11:00:00 GMT | Server: x | true",
        "Last-Modified: Mon, 02 Mar 2026 10:00:00 GMT; Date: Mon, 02 Mar 2026 11:00:00 GMT | ETag: \"a\" | false"
      })
  void aPartOfAnotherRepresentationIsTold(String whole, String part, boolean same) {
    assertEquals(same, note(whole).orElseThrow().isOf(headers(part)));
  }
}
