package org.cacheddownloads.space;

import java.io.IOException;
import java.nio.file.NoSuchFileException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.cacheddownloads.catalog.Catalog;
import org.cacheddownloads.catalog.Catalog.NumberedBlob;
import org.cacheddownloads.content.Digest;
import org.cacheddownloads.content.Stored;
import org.cacheddownloads.store.BlobStore;
import org.cacheddownloads.store.StorageFault;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Reads blobs again and takes those that differ from their digest out of the store: what is idle
 * goes to quarantine, what is in use keeps its place in the views that hold it and nowhere else.
 * Their entries go, so the next request fetches anew. Thread-safe.
 */
public final class Verifier {
  private static final Logger log = LoggerFactory.getLogger(Verifier.class);
  private static final int PAGE = 200;

  private final Catalog catalog;
  private final BlobStore store;
  private final Evictor evictor;

  /** A digest whose bytes are damaged. */
  public record Corrupt(Digest digest, boolean inUse) {}

  public record Report(long checked, List<Corrupt> corrupt) {}

  public Verifier(Catalog catalog, BlobStore store, Evictor evictor) {
    this.catalog = catalog;
    this.store = store;
    this.evictor = evictor;
  }

  /** Checks every form of one digest. @return empty if it is not in the store */
  public Optional<Report> verify(Digest digest) {
    List<Stored> forms = catalog.forms(digest);
    return forms.isEmpty() ? Optional.empty() : Optional.of(check(forms));
  }

  /** Checks everything that is in the store now. Ends early when interrupted. */
  public Report verifyAll() {
    long checked = 0;
    var corrupt = new ArrayList<Corrupt>();
    long after = 0;
    List<NumberedBlob> page = catalog.blobs(after, PAGE);
    while (!page.isEmpty() && !Thread.currentThread().isInterrupted()) {
      Report report = check(page.stream().map(blob -> blob.row().stored()).toList());
      checked += report.checked();
      corrupt.addAll(report.corrupt());
      after = page.getLast().id();
      page = catalog.blobs(after, PAGE);
    }
    return new Report(checked, corrupt);
  }

  private Report check(List<Stored> blobs) {
    long checked = 0;
    Map<Digest, Boolean> corrupt = new LinkedHashMap<>();
    for (Stored stored : blobs) {
      try (Pin _ = evictor.pin(stored)) {
        if (store.verify(stored)) {
          checked++;
          continue;
        }
        checked++;
        corrupt.merge(stored.digest(), evictor.condemn(stored), Boolean::logicalOr);
        if (!stored.isTree()) { // else its blob is sound as far as is known, and unpacked again
          catalog.deleteEntriesOf(stored.digest());
        }
      } catch (NoSuchFileException e) {
        log.debug("evicted before it was checked digest={}", stored);
      } catch (IOException e) {
        throw StorageFault.of("verify " + stored, e);
      }
    }
    var found = new ArrayList<Corrupt>();
    corrupt.forEach((digest, inUse) -> found.add(new Corrupt(digest, inUse)));
    return new Report(checked, found);
  }
}
