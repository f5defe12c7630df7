package org.cacheddownloads.api;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonProperty;
import java.nio.file.Path;
import org.cacheddownloads.catalog.DownloadRow;
import org.jspecify.annotations.Nullable;

/** One download as replies show it. {@code key} is what {@code /v1/entries/{key}} takes. */
record DownloadReply(
    String name,
    String url,
    @Nullable String cacheKey,
    String key,
    String digest,
    long size,
    @JsonProperty("as") String as,
    boolean executable,
    String outcome,
    long bytesFetched,
    long durationMillis,
    @JsonInclude(JsonInclude.Include.NON_NULL) @Nullable String path,
    @JsonInclude(JsonInclude.Include.NON_NULL) @Nullable String hostPath,
    @Nullable String etag,
    @Nullable String lastModified,
    @Nullable String freshUntil) {

  static DownloadReply of(DownloadRow row, String mountPath, Path hostPath) {
    return new DownloadReply(
        row.name().toString(),
        row.url(),
        row.cacheKey(),
        row.key(),
        row.stored().digest().toString(),
        row.size(),
        "file",
        row.stored().form() == org.cacheddownloads.content.Form.EXECUTABLE,
        row.outcome().label(),
        row.bytesFetched(),
        row.duration().toMillis(),
        mountPath + "/" + row.name(),
        hostPath.toString(),
        row.validator().etag(),
        Json.time(row.validator().lastModifiedAt()),
        Json.time(row.freshUntil()));
  }
}
