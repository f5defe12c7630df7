/**
 * What operators are told about their cache and its quota, and what tells how good an eviction
 * policy is: requests that are made up or were recorded, and policies that are played over them.
 * Nothing here serves a request.
 *
 * <p>Requests are known by 64-bit hashes of their keys; no key, URL or container is seen here.
 */
@NullMarked
package org.cacheddownloads.advice;

import org.jspecify.annotations.NullMarked;
