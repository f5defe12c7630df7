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
 * <p>Decided: what a rule adds to a request (its headers, its client certificate) is a credential
 * like one that a caller sends, part of the hash under which bytes are granted and flights are
 * shared, because then all callers whose requests a rule matches have the same one and share what
 * it brought, while a caller with a credential of its own, or one that asks by checksum under a URL
 * that no rule matches, does not get it. What a redirect adds is not part of it: where a redirect
 * leads is the origin's affair, and all who ask for the first URL are led there. Price: whoever may
 * use the socket may use the agent's credentials, by any URL that they are for; and when the value
 * of a header changes, each entry is revalidated once. A certificate counts by its path, since a
 * renewed one names the same client.
 *
 * <p>Decided: files that rules name are looked at whenever they are used (one {@code stat}),
 * because secrets are rotated by replacing files and nobody wants to reload an agent for that.
 * Price: a file that is missing for a moment fails the requests of that moment, so files are to be
 * replaced by renaming.
 *
 * <p>Decided: the system's authorities are those of the JDK and those of the distribution's bundle
 * together, because the bundle is where operators put an authority of their own, and where curl and
 * the rest of a cell look. They are read at the first use of TLS, which a start need not wait for.
 * Price: an authority that only one of the two has dropped is still trusted, and the first download
 * over TLS takes some 50 ms longer.
 *
 * <p>Decided: a fault of TLS that says what is so (a certificate that is not trusted, expired or
 * another host's, an alert that says no) ends the tries of a source at once and is not retryable,
 * because asking again gives the same. An unknown host name is asked for again: names appear, and
 * resolvers fail. Price: who replaces a certificate in the very second has to ask again.
 *
 * <p>Decided: the environment's proxies are not used for the loopback device, as in Go and unlike
 * curl, because a proxy elsewhere has another loopback device, and whoever tries the agent on a
 * machine with {@code http_proxy} set should not need to know. A rule that names a proxy holds for
 * it too. A variable that cannot be understood stops the start: going straight where a proxy was
 * meant could be what must not be. Where a proxy is used, only hosts that are addresses can be
 * judged by address, in every notation that resolvers know. Price: a name that the proxy resolves
 * to an address that is denied here is the proxy's to refuse.
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
 * <p>Decided: a 304 is believed only if it repeats the entity tag that was sent (RFC 9110 section
 * 15.4.5 demands it), because the dialects that leave it out were seen to answer for another
 * representation; price: one more request, for the whole body, at an origin that speaks so.
 *
 * <p>Decided: what an origin states in {@code Repr-Digest} or {@code Content-Digest} (RFC 9530) is
 * checked and, where it does not hold, treated as a wrong checksum: not asked again at this source.
 * Decided: a body with a content coding is not gone on with, because many origins give all codings
 * one tag, and a join of two would be stored as sound.
 *
 * <p>Decided: an origin's {@code stale-while-revalidate} and {@code stale-if-error} hold where the
 * caller has not said {@code maxStale}; what is handed out so is {@code stale}. A caller's {@code
 * maxAge} is heard also where the origin said {@code no-cache}, because it is the caller's explicit
 * wish to ask nobody.
 *
 * <p>Decided: for the circuit breaker ({@link org.cacheddownloads.fetch.Breakers}) any answer is a
 * sign of life, because one path that always answers 503 must not take the others from everybody.
 * Decided: a source that is not the last gets its share of the time that is left to begin its
 * answer, because a silent one would use it up and the mirrors would never be asked; one that has
 * begun gets all of it.
 *
 * <p>Decided: the addresses of a host race (RFC 8305): the families by turns, the next one 250 ms
 * after the one before or at once when that fails, the first connection wins. The address that
 * served an origin last goes first, so that a dead one is not waited for with each request, and
 * last when the request is a repetition. Names are looked up for each exchange, through the JVM's
 * cache, which {@code Main} tells to keep answers for 10 s and failures for 1 s, because the JVM
 * knows no lifetimes of DNS records and its own 30 s and 10 s are long where an origin moves.
 * Price: an address may be used 10 s longer than its record says.
 *
 * <p>Decided: a request whose connection had been used before and ended without a response head is
 * sent once more, on a fresh one, without being counted; and before a used connection of HTTP/1.1
 * is used again, the event loop turns once, so that its end, or surplus behind the last body, is
 * seen first. A stream that an origin of HTTP/2 refuses, since it goes away, is sent again up to
 * ten times. Price: what the origin sends later than that is still read as the answer to the next
 * request; if it is no HTTP, that is repeated too.
 *
 * <p>Decided: HTTP/2 only where the handshake of TLS chooses it (ALPN), with 32 streams of 2 MiB on
 * a connection whose window has room for all of them, because a stream whose reader waits for the
 * disk must not stop the others. A reset stream and a connection that goes away are cuts like any
 * other. Price: one event loop decrypts all of an origin's bodies, and a distance of 25 ms allows
 * 80 MB/s a download.
 *
 * <p>Decided: of sources that are asked side by side ({@link org.cacheddownloads.fetch.Hedge}) the
 * first to begin an answer goes on alone, and not the first to end one, because a body costs an
 * origin more than a head, and two writers of one key could publish in any order.
 *
 * <p>Decided: the limits on silence are checked with a tolerance of a tenth (at most one second),
 * because an origin that answers exactly at the limit should be served and not asked again. Looks
 * odd, is intended: the body reader is attached inside the response callback; awaiting the response
 * first loses bytes without any error (vert.x issue 5825).
 */
@NullMarked
package org.cacheddownloads.fetch;

import org.jspecify.annotations.NullMarked;
