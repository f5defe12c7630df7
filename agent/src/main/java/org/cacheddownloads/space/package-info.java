/**
 * Who holds what, how much room there is, and what goes to make more.
 *
 * <p>Invariants: allocated bytes plus reservations never exceed the quota, at no instant; what is
 * in use is never a victim; a request never fails for want of a victim that exists.
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
 * <p>{@link org.cacheddownloads.space.EvictionOrder} says who goes first, and no more: the last
 * word stays with holds and link counts, and when an order has nobody left, the catalog is asked
 * for the least recently used. So an order may forget, or be wrong, and costs hits at worst.
 *
 * <p>Decided: by default the least recently used goes first, because the catalog has that order on
 * disk, whatever the number of objects, and it survives any stop; S3-FIFO hits more where much is
 * asked for once and a little all the time, as in a cell. Price: two orders to prove.
 *
 * <p>Decided: S3-FIFO hears of objects from the catalog and not from each who hands them out,
 * because all of them pass there and none can be forgotten; what a request brings it hands out
 * itself, so the first use of what came is not counted as another. Price: of callers who waited for
 * one download, one does not count.
 *
 * <p>Decided: its queues are of numbers, 62 bits of a digest and 2 of a form, because a million
 * objects are then some 40 MB, and several times that as values; price: a look into the catalog for
 * each victim, and of two objects with the same number both go.
 *
 * <p>Decided: its tenth is a tenth of what lies here when an eviction begins, not of the quota,
 * because the floor of free space and the limit of inodes may be met long before the quota.
 *
 * <p>Decided: after a start, all that is here is in the main queue, the least recently used first,
 * looked up at the first eviction. So it goes as it would under LRU, and nothing that comes once
 * pushes out more of it than a tenth of the cache; the small queue would let a single scan have it
 * all. Nothing is written for this, and no start waits. Price: how often each was asked for is
 * forgotten, and the first eviction reads all rows and waits for that.
 *
 * <p>Decided: what is held when its turn comes goes back as the newest of the main queue, because
 * to be held is to be used. Price: with much in use, an eviction walks past it, once in each round.
 *
 * <p>Decided: to prune takes the least recently used whatever the policy, because people who prune
 * mean age; and what is pruned, dropped or damaged leaves no ghost, because nobody missed room.
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
