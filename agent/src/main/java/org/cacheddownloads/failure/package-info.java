/**
 * Everything a caller can be told: one sealed, unchecked hierarchy.
 *
 * <p>Domain code throws these kinds and knows no HTTP status; {@code api.Problems} turns each into
 * a status in one exhaustive switch. Whatever is thrown besides them is a bug.
 *
 * <p>Decided: the kinds are nested in {@link org.cacheddownloads.failure.CacheException}, because a
 * reader should see all that can go wrong on one page. Price: one import line per kind.
 */
@NullMarked
package org.cacheddownloads.failure;

import org.jspecify.annotations.NullMarked;
