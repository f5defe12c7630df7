/**
 * Keys in queues, for whoever decides what goes: the agent, which evicts, and the simulations,
 * which tell what it would have had to gain. No bytes, names or times are seen here.
 *
 * <p>Invariants: nothing here waits, does I/O or takes a lock, and but for evictions everything
 * takes the same short time, however many keys there are.
 *
 * <p>Decided: one S3-FIFO for both, because a simulation tells something of the agent only if it is
 * the same algorithm; price: neither can have it in a shape of its own, such as queues of objects
 * instead of numbers.
 */
@NullMarked
package org.cacheddownloads.queues;

import org.jspecify.annotations.NullMarked;
