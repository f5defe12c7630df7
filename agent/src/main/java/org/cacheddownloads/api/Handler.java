package org.cacheddownloads.api;

/** Answers one kind of request; blocking, on a virtual thread. */
@FunctionalInterface
interface Handler {
  Answer answer(ApiRequest request);
}
