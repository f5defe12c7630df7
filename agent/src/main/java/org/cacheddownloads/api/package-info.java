/**
 * The HTTP side: framing, routes, JSON, problems. Domain code is not known to speak HTTP; this
 * package turns requests into its values, once, and its results and failures into replies.
 *
 * <p>{@link org.cacheddownloads.api.SocketServer} listens. {@code RequestBridge} takes a request
 * off the event loop: it collects the small body there and starts one plain virtual thread, in
 * which everything else runs. {@code Routes} finds the handler; {@code Problems} is the one place
 * that knows statuses.
 *
 * <p>Decided: a router of a hundred lines and no web framework, because names with slashes and keys
 * with escapes need the raw path anyway, and the contract has twenty routes. Decided: bodies are
 * read as trees by {@code Fields} and not bound to classes, because every fault has to name its
 * field.
 */
@NullMarked
package org.cacheddownloads.api;

import org.jspecify.annotations.NullMarked;
