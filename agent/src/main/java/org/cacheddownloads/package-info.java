/**
 * The program: {@link org.cacheddownloads.Main} starts it, {@link org.cacheddownloads.Agent} is its
 * map.
 *
 * <p>One daemon per cell: a container executor asks it over a Unix socket for a URL on behalf of a
 * container; the bytes come from the content-addressed store on disk, validated with the origin,
 * and appear as a name in that container's own directory. To read on: {@code fetch.Fetcher} (the
 * story), {@code store.StoreLayout} (the disk), {@code failure.CacheException} (what goes wrong).
 */
@NullMarked
package org.cacheddownloads;

import org.jspecify.annotations.NullMarked;
