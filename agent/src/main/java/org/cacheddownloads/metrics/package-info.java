/**
 * Every meter's name, unit and labels, in one file: {@link org.cacheddownloads.metrics.Meters}.
 *
 * <p>Invariant: {@code /v1/stats} and {@code /metrics} read the same meters and the same sums, so
 * they cannot disagree.
 *
 * <p>Decided: figures of process and JVM are read from {@code /proc/self} and the JVM's beans when
 * somebody looks, under the names that the client libraries of Prometheus use ({@code
 * process_resident_memory_bytes}, {@code jvm_gc_collection_seconds}), because common dashboards
 * know these, and because Micrometer's binders take 170 to 200 ms of a start and 2 to 3 MiB where
 * this takes 20 ms of the first look and 1 MiB. Price: a hundred lines here, and no figures of
 * single memory pools or of the causes of collections.
 *
 * <p>Decided: the first 50 hosts of origins since the start have series of their own, and all
 * others together one, because a label that callers choose must not make series without end. Price:
 * a host that comes late is not seen by itself until a restart; the log has it.
 *
 * <p>Decided: the code of a problem is counted where it is answered, so that refusals count which
 * never become a download; {@code requests_total} counts downloads alone. Health probes are no
 * requests and are not counted.
 */
@NullMarked
package org.cacheddownloads.metrics;

import org.jspecify.annotations.NullMarked;
