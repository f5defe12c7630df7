package org.cacheddownloads.catalog;

import java.time.Instant;
import org.cacheddownloads.content.Stored;

/** A stored file as the catalog knows it; {@code allocatedBytes} are the blocks it occupies. */
public record BlobRow(Stored stored, long sizeBytes, long allocatedBytes, Instant lastUsed) {}
