/**
 * From a request to verified bytes in the store: the decision, the waiting together, the origin.
 *
 * <p>{@link org.cacheddownloads.fetch.Fetcher} is the story; read it first. {@link
 * org.cacheddownloads.fetch.Plan} decides without I/O. {@link org.cacheddownloads.fetch.Flights}
 * lets one fetch serve all who want the same thing on the same authority. {@link
 * org.cacheddownloads.fetch.Transfer} brings one body in, over as many connections as that takes.
 * {@link org.cacheddownloads.fetch.HttpOrigin} is the only HTTP client for downloads.
 *
 * <p>Decided: a flight is shared by requests that agree in key, checksum and in everything that is
 * sent to the sources (URLs with their queries, headers), not only in key, credentials and
 * checksum: a caller who reuses a key for another URL, or asks for another language, must not get
 * the bytes of somebody else's question. Price: none, since such requests cannot share an answer.
 *
 * <p>Decided: an entry belongs to the source that it came from. Its validators go to that source
 * only, and it is served without contact only to a request that names that source, so that a key
 * reused for another URL, and a mirror that one caller trusts, decide nothing for others.
 *
 * <p>Decided: a rest is asked for with {@code Range} and {@code If-Range} only, and what comes is
 * used only if it is exactly that rest; anything else starts over, because a part of another
 * representation would be stored under a digest of its own and look sound for ever. A try that
 * brought something does not count against {@code fetch.attempts}: an origin that cuts a large body
 * ten times is slow, not broken.
 *
 * <p>Decided: a body for which a release would have to be waited for is given up, with its slot and
 * its connection, and asked for again once there is room, because a thousand callers who wait for
 * space must neither hold up the conditional requests of everybody else nor a thousand connections.
 * Waiting for an eviction that is going on is short and is done in place. Price: one more request
 * for each such download, in a cache that is full of what is in use.
 *
 * <p>Decided: the limits on silence are checked with a tolerance of a tenth (at most one second),
 * because an origin that answers exactly at the limit should be served and not asked again. Looks
 * odd, is intended: the body reader is attached inside the response callback; awaiting the response
 * first loses bytes without any error (vert.x issue 5825).
 */
@NullMarked
package org.cacheddownloads.fetch;

import org.jspecify.annotations.NullMarked;
