package org.cacheddownloads.api;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonProperty;
import java.nio.file.Path;
import java.util.Locale;
import org.cacheddownloads.catalog.DownloadRow;
import org.cacheddownloads.content.Form;
import org.cacheddownloads.content.TreeSum;
import org.jspecify.annotations.Nullable;

/** One download as replies show it. {@code key} is what {@code /v1/entries/{key}} takes. */
record DownloadReply(
    @JsonInclude(JsonInclude.Include.NON_NULL) @Nullable String name,
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
    @Nullable String freshUntil,
    @JsonInclude(JsonInclude.Include.NON_NULL) @Nullable String deliver,
    @JsonInclude(JsonInclude.Include.NON_NULL) @Nullable String treeDigest,
    @JsonInclude(JsonInclude.Include.NON_NULL) @Nullable Long treeBytes,
    @JsonInclude(JsonInclude.Include.NON_NULL) @Nullable Long files) {

  static DownloadReply of(DownloadRow row, String mountPath, Path hostPath) {
    return of(row, row.name().toString(), mountPath + "/" + row.name(), hostPath.toString());
  }

  /** Of a download that no container has: a prefetch. */
  static DownloadReply ofNobody(DownloadRow row) {
    return of(row, null, null, null);
  }

  private static DownloadReply of(
      DownloadRow row, @Nullable String name, @Nullable String path, @Nullable String hostPath) {
    TreeSum tree = row.tree();
    boolean directory = row.stored().isTree();
    return new DownloadReply(
        name,
        row.url(),
        row.cacheKey(),
        row.key(),
        row.stored().digest().toString(),
        row.size(),
        directory ? "directory" : "file",
        row.stored().form() == Form.EXECUTABLE,
        row.outcome().label(),
        row.bytesFetched(),
        row.duration().toMillis(),
        path,
        hostPath,
        row.validator().etag(),
        Json.time(row.validator().lastModifiedAt()),
        Json.time(row.freshUntil()),
        directory ? row.deliver().name().toLowerCase(Locale.ROOT) : null,
        tree == null ? null : tree.digest().toString(),
        tree == null ? null : tree.bytes(),
        tree == null ? null : tree.files());
  }
}
