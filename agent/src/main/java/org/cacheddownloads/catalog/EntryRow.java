package org.cacheddownloads.catalog;

import java.time.Instant;
import org.cacheddownloads.content.Entry;

/**
 * An entry as operators see it: with the time of its last use. {@code hasFile}: whether its plain
 * file is in the store; {@code hasTree}: whether its tree is.
 */
public record EntryRow(Entry entry, Instant lastUsedAt, boolean hasFile, boolean hasTree) {}
