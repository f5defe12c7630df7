package org.cacheddownloads.advice;

import java.util.Arrays;
import java.util.SplittableRandom;

/** Ranks from 0 to {@code ranks - 1}, the rank r with a weight of 1 / (r + 1)^{@code exponent}. */
final class Zipf {
  /** Of each rank, the share of all requests that go to it or to a rank before it. */
  private final double[] reached;

  Zipf(int ranks, double exponent) {
    reached = new double[ranks];
    double sum = 0;
    for (int rank = 0; rank < ranks; rank++)
      reached[rank] = sum += StrictMath.pow(rank + 1.0, -exponent);
    for (int rank = 0; rank < ranks; rank++) reached[rank] /= sum;
  }

  int draw(SplittableRandom random) {
    int found = Arrays.binarySearch(reached, random.nextDouble());
    return Math.min(found < 0 ? -found - 1 : found + 1, reached.length - 1);
  }
}
