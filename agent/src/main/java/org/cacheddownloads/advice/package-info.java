/**
 * What operators are told about their cache and its quota, and what tells how good an eviction
 * policy is: requests that are made up or were recorded, and policies that are played over them.
 * Nothing here serves a request.
 *
 * <p>Requests are known by 64-bit hashes of their keys; no key, URL or container is seen here.
 *
 * <p>{@link org.cacheddownloads.advice.Recorder} sees the requests of the agent and tells what a
 * cache of any other quota would have made of them. It keeps the keys in the order of their last
 * use, with the bytes above each: an access hits at a quota if and only if its stack distance fits
 * (Mattson et al. 1970), so one pass tells of all quotas.
 *
 * <p>Invariants: distances are exact, in blocks of 512 bytes; no access moves more than a few
 * hundred slots and cells; memory grows with the keys and stays under 64 bytes for each; a file is
 * used whole or not at all.
 *
 * <p>Seen with a million keys, where a read of memory at random took 0.2 µs: an access took 0.27 µs
 * with skewed keys, 0.45 to 0.6 with all keys alike; the slowest of three million 0.06 ms; 32 to 46
 * bytes a key. Of a million requests of each workload no ratio was wrong by more than 0.0025.
 *
 * <p>Decided: exact distances of all keys, not of a sample of them (SHARDS), because an agent sees
 * few requests, of which each moves megabytes: a sample would be of a handful of buildpacks; price:
 * some 45 bytes a key.
 *
 * <p>Decided: slots in pages, each with its sum, and sums of 64 pages, instead of a tree, because
 * the sums are short runs in memory and a slot needs no links; price: pages with dead slots have to
 * be merged, which moves most keys a few times on their way down. Two pages become one when their
 * live slots fill three quarters of it: all of it would move more, half of it would take more than
 * the 64 bytes.
 *
 * <p>Decided: a cell of the index has 32 bits of the hash beside the position, because then growing
 * and removing need not look at slots, which cost a miss of the processor's caches each; price: 8
 * bytes a cell instead of 4.
 *
 * <p>Decided: the working set is read off the stack, whose end is all that was used since a given
 * minute; no sums are kept for it that could drift. Price: a minute in each slot.
 *
 * <p>Decided: a merged page takes the place of the newer one, and whatever was copied of the older
 * is copied again, because so a copy for the file may pause anywhere and use no memory of its own;
 * price: some keys are in the file twice, and the later one counts.
 *
 * <p>Decided: bins are as fine as their number allows, and each knows its smallest and largest
 * distance, because loops are what makes curves steep: a set of buildpacks that is asked for in
 * turn has one distance, and a quota one block smaller has no hit. Price: what many distances share
 * a bin is only right to its width.
 *
 * <p>Decided: bins are never merged over the buckets of a window, but asked each, because so each
 * keeps its edges; price: an answer runs over up to 45,000 bins for each quota, without any lock.
 *
 * <p>Looks odd, is intended: a clock that is set back lets the time of the recorder run on, because
 * buckets and stack have to stay in order; a clock that was ahead for a moment has emptied the
 * windows, but does not stop them.
 *
 * <p>Policies are compared over {@link org.cacheddownloads.advice.Workload}s, two million requests
 * each. Percent of the requests / of the bytes that hit, with a quota of 20 GiB:
 *
 * <pre>
 *           LRU          S3-FIFO      SIEVE        LFU-DA       GDSF         no limit
 * staging   93.2 / 98.8  93.6 / 98.9  93.8 / 98.9  86.2 / 97.3  98.0 / 95.1  99.8 / 99.9
 * starts    41.2 / 41.1  51.4 / 51.0  50.9 / 50.3  44.8 / 44.6  49.4 / 42.5  94.1 / 94.1
 * oneoff    16.4 / 12.9  28.2 / 24.5  30.1 / 26.2  23.8 / 20.1  28.3 / 18.6  53.0 / 50.4
 * storm     67.5 / 79.2  72.7 / 82.6  72.7 / 82.5  67.1 / 79.3  74.0 / 80.0  99.6 / 99.4
 * mixed     34.5 / 51.1  45.2 / 59.5  44.7 / 59.0  39.5 / 55.4  49.7 / 49.4  87.6 / 89.1
 * </pre>
 *
 * <p>From 5 to 160 GiB, S3-FIFO was never below LRU in either ratio, and above it by 4 to 12 points
 * on mixed, with one exception: on oneoff with 160 GiB it hit 38 % of the requests and LRU 46 %,
 * since what is asked for again comes later than the small queue and the ghosts reach, and sooner
 * than LRU evicts. SIEVE is its equal up to 20 GiB, and also lost to LRU on starts with 160 GiB, 72
 * % against 75 %. GDSF has the most requests and pays with bytes: 47.5 % against 93.7 % on staging
 * with 5 GiB.
 *
 * <p>Decided: S3-FIFO is the policy to hold against LRU, because of all that gained in both ratios
 * it lost least often, at a cost that does not grow with the number of keys. The agent goes on
 * evicting by LRU unless {@code quota.policy} says otherwise, because these requests are made up:
 * their popular objects stay popular and each request knows nothing of the one before, which
 * favours policies that count; and no container holds anything. Price: if cells are like that, some
 * hits, until an operator has looked.
 *
 * <p>Decided: a trace is text with a line a request, in milliseconds, hashes and bytes, because
 * common simulators read that and people can; price: about 60 bytes a request. What the origin has
 * changed ({@code updated}) without changing its size passes for a hit when it is simulated.
 *
 * <p>{@link org.cacheddownloads.advice.Advisor} is told what the agent hands out and evicts, and
 * feeds the recorder, the policy on trial, the regrets and the trace.
 *
 * <p>Decided: an object is a key with the digest and form that it led to, because new bytes of a
 * key are a download that no quota saves; price: bytes that two keys share count twice.
 *
 * <p>Decided: a body that came although the bytes were here ({@code updated}), or that may not be
 * stored, counts with the first requests of keys as what no quota helps; the curve would promise
 * hits else that an origin without validators never allows.
 */
@NullMarked
package org.cacheddownloads.advice;

import org.jspecify.annotations.NullMarked;
