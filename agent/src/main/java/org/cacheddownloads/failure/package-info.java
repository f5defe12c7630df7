/**
 * Everything a caller can be told: one sealed, unchecked hierarchy.
 *
 * <p>Domain code throws these kinds and knows no HTTP status; {@code api.Problems} turns each into
 * a status in one exhaustive switch. Whatever is thrown besides them is a bug.
 *
 * <p>Decided: the kinds are nested in {@link org.cacheddownloads.failure.CacheException}, because a
 * reader should see all that can go wrong on one page. Price: one import line per kind.
 *
 * <p>Decided: {@link org.cacheddownloads.failure.CrashPoint} names, in the program itself, the
 * steps between which a {@code kill -9} can fall, because a test that kills at random instants
 * meets the narrow ones once in a thousand runs. Price: one read of a field at each step.
 */
@NullMarked
package org.cacheddownloads.failure;

import org.jspecify.annotations.NullMarked;
