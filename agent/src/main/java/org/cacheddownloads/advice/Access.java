package org.cacheddownloads.advice;

/**
 * One request for an object, as far as a cache of bytes cares.
 *
 * @param millis when; of one stream never less than of the one before
 * @param key names the object; spread evenly over all longs, as a hash is
 * @param bytes how large the object is; at least 0, and the same at every request for the key
 */
public record Access(long millis, long key, long bytes) {}
