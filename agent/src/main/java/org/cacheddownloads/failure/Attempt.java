package org.cacheddownloads.failure;

import org.jspecify.annotations.Nullable;

/**
 * What became of one source (the URL or a mirror) of a download that failed.
 *
 * @param url the source without user info and query
 * @param requests how many requests it got, 0 when it was refused before one was sent
 * @param status the last status it answered with, or null when it never answered
 * @param code the {@link CacheException#code()} of its last failure
 */
public record Attempt(String url, int requests, @Nullable Integer status, String code) {}
