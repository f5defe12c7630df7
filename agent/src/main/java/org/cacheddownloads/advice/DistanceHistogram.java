package org.cacheddownloads.advice;

import java.util.Arrays;

/**
 * How often which stack distance was met, and how many bytes were asked for with it. Distances that
 * agree in their first 21 bits share a bin, which knows the smallest and the largest of them. Only
 * bins that were met are there, in an open hash table; when there would be more than {@link
 * #MOST_BINS}, they become 512 an octave, and then half as many until they are few enough. So
 * loops, which have few distances, keep each to the unit, and of many distances each is right to
 * about a hundredth.
 *
 * <p>Not thread-safe. At most {@link #MOST_HEAP_BYTES}.
 */
final class DistanceHistogram {
  static final int MOST_BINS = 1_536;
  static final long MOST_HEAP_BYTES = 5 * 16 + MOST_BINS / 3 * 4 * (4 + 4 * 8);

  /** By then all distances lie in one bin. */
  static final int MOST_COARSENESS = 26;

  private static final int BITS = 20;

  /** Leaves 512 bins an octave. */
  private static final int FIRST_COARSENESS = 11;

  private static final int FIRST_CELLS = 16;
  private static final int EMPTY = 0;

  /** The number of the bin and 1. */
  private int[] bins = new int[FIRST_CELLS];

  private long[] counts = new long[FIRST_CELLS];
  private long[] bytes = new long[FIRST_CELLS];
  private long[] least = new long[FIRST_CELLS];
  private long[] most = new long[FIRST_CELLS];
  private int size;

  /** Last bits of the number of a bin that do not count. */
  private int coarseness;

  void record(long distance, long requestBytes) {
    add(1, requestBytes, distance, distance);
  }

  /**
   * Adds requests whose distances are from {@code smallest} to {@code largest}, both in one bin.
   */
  void add(long requests, long requestBytes, long smallest, long largest) {
    int at = cellOf(smallest);
    if (bins[at] == EMPTY) {
      if (size == MOST_BINS) {
        rebuild(bins.length, Math.max(FIRST_COARSENESS, coarseness + 1));
        add(requests, requestBytes, smallest, largest);
        return;
      }
      if ((size + 1) * 4 > bins.length * 3) {
        rebuild(bins.length * 2, coarseness);
        at = cellOf(smallest);
      }
      size++;
      bins[at] = binOf(smallest) + 1;
      least[at] = smallest;
      most[at] = largest;
    }
    counts[at] += requests;
    bytes[at] += requestBytes;
    least[at] = Math.min(least[at], smallest);
    most[at] = Math.max(most[at], largest);
  }

  private int cellOf(long distance) {
    int bin = binOf(distance) + 1;
    int at = (bin * 0x9e37_79b9) >>> (Integer.numberOfLeadingZeros(bins.length) + 1);
    while (bins[at] != bin && bins[at] != EMPTY) {
      at = (at + 1) & (bins.length - 1);
    }
    return at;
  }

  /** The octave, then the bits that follow the first one. */
  private int binOf(long distance) {
    int zeros = Long.numberOfLeadingZeros(distance);
    int fraction = (int) (distance << zeros << 1 >>> (Long.SIZE - BITS));
    return (((Long.SIZE - 1 - zeros) << BITS) + fraction) >>> coarseness;
  }

  private void rebuild(int cells, int coarser) {
    int[] oldBins = bins;
    long[] oldCounts = counts;
    long[] oldBytes = bytes;
    long[] oldLeast = least;
    long[] oldMost = most;
    bins = new int[cells];
    counts = new long[cells];
    bytes = new long[cells];
    least = new long[cells];
    most = new long[cells];
    size = 0;
    coarseness = coarser;
    for (int i = 0; i < oldBins.length; i++) {
      if (oldBins[i] != EMPTY) {
        add(oldCounts[i], oldBytes[i], oldLeast[i], oldMost[i]);
      }
    }
  }

  /** What happens with the bins, one after the other, in no order. */
  interface Bins {
    void bin(long requests, long requestBytes, long smallest, long largest);
  }

  void forEach(Bins reader) {
    for (int i = 0; i < bins.length; i++) {
      if (bins[i] != EMPTY) {
        reader.bin(counts[i], bytes[i], least[i], most[i]);
      }
    }
  }

  /** How many of the requests had at most this distance. */
  double requestsWithin(long distance) {
    double total = 0;
    for (int i = 0; i < bins.length; i++) {
      total += counts[i] * share(i, distance);
    }
    return total;
  }

  /** How many of the bytes were asked for with at most this distance. */
  double bytesWithin(long distance) {
    double total = 0;
    for (int i = 0; i < bins.length; i++) {
      total += bytes[i] * share(i, distance);
    }
    return total;
  }

  /**
   * The share of a bin that has at most this distance. Its smallest and its largest one are each of
   * one request at least; those between are taken to lie evenly.
   */
  private double share(int cell, long distance) {
    if (bins[cell] == EMPTY || distance < least[cell]) {
      return 0;
    }
    if (distance >= most[cell]) {
      return 1;
    }
    double between = (double) (distance - least[cell]) / (most[cell] - least[cell]);
    return (1 + between * (counts[cell] - 2)) / counts[cell];
  }

  /** 0 if there is none. */
  long largest() {
    return Arrays.stream(most).max().orElse(0);
  }

  int bins() {
    return size;
  }

  boolean inOneBin(long smallest, long largest) {
    return binOf(smallest) == binOf(largest);
  }

  /** What its arrays hold, headers included. */
  long heapBytes() {
    return 5 * 16 + bins.length * (4L + 4 * 8);
  }

  int coarseness() {
    return coarseness;
  }

  static DistanceHistogram ofCoarseness(int coarseness) {
    var histogram = new DistanceHistogram();
    histogram.coarseness = coarseness;
    return histogram;
  }

  DistanceHistogram copy() {
    var copy = new DistanceHistogram();
    copy.bins = bins.clone();
    copy.counts = counts.clone();
    copy.bytes = bytes.clone();
    copy.least = least.clone();
    copy.most = most.clone();
    copy.size = size;
    copy.coarseness = coarseness;
    return copy;
  }
}
