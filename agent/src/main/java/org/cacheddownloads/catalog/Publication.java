package org.cacheddownloads.catalog;

import java.util.Optional;
import org.cacheddownloads.content.Checksum;
import org.cacheddownloads.content.Entry;

/**
 * A committed blob that becomes an entry.
 *
 * @param allocatedBytes blocks of the blob; ignored when the catalog has it already
 * @param credentials keyed hash of what it was fetched with, or "" for none
 * @param checksum what else the bytes are known to hash to
 */
public record Publication(
    Entry entry, long allocatedBytes, String credentials, Optional<Checksum> checksum) {}
