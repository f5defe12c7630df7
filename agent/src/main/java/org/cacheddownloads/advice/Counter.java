package org.cacheddownloads.advice;

/** What is added up in each bucket of time. */
enum Counter {
  REQUESTS(0),
  BYTES(1),
  /** Requests for keys that the stack did not know. */
  COLD_REQUESTS(2),
  COLD_BYTES(3),
  /** What the agent itself answered without a download. */
  HITS(4),
  HIT_BYTES(5),
  /** What the policy that runs on trial would have answered. */
  GHOST_HITS(6),
  GHOST_HIT_BYTES(7),
  /** Downloads of what had been evicted not long before. */
  REGRETS(8),
  REGRET_BYTES(9),
  REGRET_NANOS(10),
  /** Keys that the bound on keys has cost. */
  DROPPED(11);

  /** Where it stands among the counts, in memory and in the file. */
  final int place;

  Counter(int place) {
    this.place = place;
  }
}
