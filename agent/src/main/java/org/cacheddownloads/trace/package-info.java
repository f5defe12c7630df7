/**
 * What happens while it happens, for whoever asks afterwards: where the time of one request goes,
 * the requests that took long, and the events that a tool would otherwise have to poll for.
 *
 * <p>Decided: a trace travels with its thread as a {@link java.lang.ScopedValue} and not as an
 * argument, because the waits lie far below the request (slots, space, links), in code that serves
 * chores as well; price: a thread that works for a request has to be started with {@link
 * org.cacheddownloads.trace.Trace#run}, or its time is told of nobody.
 *
 * <p>Decided: requests and events are kept in memory in rings of a fixed length, because they are
 * for looking at what just happened; price: a restart forgets them. Metrics and log keep the rest.
 */
@NullMarked
package org.cacheddownloads.trace;

import org.jspecify.annotations.NullMarked;
