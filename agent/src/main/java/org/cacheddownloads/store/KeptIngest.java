package org.cacheddownloads.store;

import java.nio.file.Path;
import java.time.Instant;
import org.cacheddownloads.content.ResumeNote;

/** An ingest that an earlier process of the same boot left, and that can be taken up again. */
public final class KeptIngest {
  private final Path directory;
  private final ResumeFile.Content content;
  private final Instant changed;

  KeptIngest(Path directory, ResumeFile.Content content, Instant changed) {
    this.directory = directory;
    this.content = content;
    this.changed = changed;
  }

  Path directory() {
    return directory;
  }

  ResumeFile.Content content() {
    return content;
  }

  public ResumeNote note() {
    return content.note();
  }

  /** How much of its data can be believed. */
  public long coveredBytes() {
    return content.coveredBytes();
  }

  /** When it was last written to. */
  public Instant changed() {
    return changed;
  }
}
