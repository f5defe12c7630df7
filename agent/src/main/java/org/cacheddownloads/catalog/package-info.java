/**
 * What each key means, in SQLite (WAL). Never the truth about references: that is the file system.
 *
 * <p>{@link org.cacheddownloads.catalog.Catalog} is the only class with SQL. It is queried, not
 * loaded: memory does not grow with entries.
 *
 * <p>Two kinds of writes. What a reply promises (a new entry, a deletion, an expiry) is committed
 * before the call returns; concurrent callers share a transaction. What only describes (recency,
 * refreshed validators, the description of a view's names) is collected in memory and written every
 * half second, or when somebody needs it; a kill loses at most that, and the file system tells what
 * it was.
 *
 * <p>Decided: {@code synchronous=NORMAL}, because a {@code kill -9} loses no commit either way and
 * after a power cut a commit that was lost is a download to repeat; price: exactly that, for what
 * is younger than the last {@link org.cacheddownloads.catalog.Catalog#sync}, which the flusher
 * calls before it marks anything durable, and in each of its rounds in which there is something to
 * bring to the disk. Looks odd, is intended: a durable row also names the file it is about by its
 * modification time, because after a power cut the catalog may be older than the directory, and its
 * row that of a file which was deleted and downloaded again. Decided: whether a blob is idle is
 * asked at the moment of writing and not when it changed, because two changes at once could be
 * recorded in the wrong order and hide a blob from eviction for ever.
 *
 * <p>Decided: where not even a deferred write finds a block, eviction goes by what was recorded
 * last, because deleting a file needs no write and frees the block; price: what was used in the
 * last half second may be a victim once.
 *
 * <p>Decided: a catalog that is found damaged is not repaired but set aside, and the agent starts
 * anew in its own process, because everything in memory (sums, holds) was read from it; price: a
 * moment of 503. SQLite keeps no checksums, so an entry has one of its own, and the schema is
 * compared with what the migrations make.
 */
@NullMarked
package org.cacheddownloads.catalog;

import org.jspecify.annotations.NullMarked;
