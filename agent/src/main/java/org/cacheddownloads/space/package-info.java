/**
 * Who holds what, how much room there is, and what goes to make more.
 *
 * <p>Invariants: allocated bytes plus reservations never exceed the quota, at no instant; what is
 * in use is never a victim; the victim is always the least recently used object that nobody holds.
 *
 * <p>{@link org.cacheddownloads.space.Holds} knows pins (short holds in memory) and links in views;
 * {@link org.cacheddownloads.space.Budget} keeps the sums by addition and subtraction; {@link
 * org.cacheddownloads.space.Evictor} deletes. The order of a provision is: pin, link, unpin; of an
 * eviction: doom, look again at the link count, delete, forget. A doomed object cannot be pinned
 * and a pinned one cannot be doomed, so the two never meet.
 *
 * <p>Decided: one rule for what nobody can ask for any more. A blob without an entry and without a
 * hold is dropped at once, whether it was uncached, replaced by an update, or its entry was
 * deleted; there is no second list to keep in step.
 *
 * <p>An object is a digest in one form. A tree is an object as a file is, with more blocks and
 * inodes; its manifest stands for it wherever an inode or a link count is asked for.
 *
 * <p>{@link org.cacheddownloads.space.Partials} keeps downloads that were cut; they go before any
 * blob. {@link org.cacheddownloads.space.Scrubber} reads everything again, slowly, past the page
 * cache, with a blob pinned for one slice at a time. A tree it reads whole and through the page
 * cache, because a tree is thousands of small files; price: an eviction may pass over it meanwhile.
 *
 * <p>Decided: a new tree is synced by syncing its file system, because a sync of each of its files
 * would be a commit of the journal each; price: what others wrote goes along.
 *
 * <p>Decided: a blob whose sync failed is never tried again but dropped, because the kernel gives
 * up what it could not write and calls the next sync a success; price: a download. Decided: what a
 * deletion frees is given back once the catalog has forgotten it, because a catalog that cannot be
 * written (the disk fails, others fill it) keeps the row, and with it the charge, for whoever finds
 * the file gone.
 *
 * <p>Decided: the last use is the last time bytes were handed out, not the time they were released,
 * because that is what the same requests would have made of a cache that only sees requests.
 */
@NullMarked
package org.cacheddownloads.space;

import org.jspecify.annotations.NullMarked;
