/**
 * The values of the domain: parsed once, immutable, without I/O.
 *
 * <p>Holding one of these proves that its text was checked. Each {@code parse} throws {@link
 * org.cacheddownloads.failure.CacheException.InvalidRequest}; who knows the field adds its name.
 *
 * <p>Decided: {@link org.cacheddownloads.content.SourceUrl} keeps the whole URL, because the origin
 * needs it, but its {@code toString} is the redacted form, so that a log line or an exception
 * cannot leak user info or a signed query by accident.
 */
@NullMarked
package org.cacheddownloads.content;

import org.jspecify.annotations.NullMarked;
