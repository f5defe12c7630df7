/**
 * Every meter's name, unit and tags, in one file: {@link org.cacheddownloads.metrics.Meters}.
 *
 * <p>Invariant: {@code /v1/stats} and {@code /metrics} read the same meters and the same sums, so
 * they cannot disagree.
 */
@NullMarked
package org.cacheddownloads.metrics;

import org.jspecify.annotations.NullMarked;
