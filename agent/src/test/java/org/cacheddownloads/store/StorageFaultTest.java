package org.cacheddownloads.store;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.channels.ClosedByInterruptException;
import java.nio.file.FileSystemException;
import org.cacheddownloads.failure.CacheException;
import org.cacheddownloads.failure.CacheException.Busy;
import org.cacheddownloads.failure.CacheException.NotReady;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class StorageFaultTest {
  /** The texts are those that Linux gives these errors. */
  @ParameterizedTest
  @CsvSource({
    "ENOSPC, No space left on device, InsufficientSpace",
    "EDQUOT, Disk quota exceeded, InsufficientSpace",
    "EMFILE, Too many open files, Busy",
    "ENFILE, Too many open files in system, Busy",
    "EIO, Input/output error, NotReady",
    "EROFS, Read-only file system, NotReady"
  })
  void eachErrorOfTheDiskHasItsKind(String error, String text, String kind) {
    for (IOException fault :
        new IOException[] {
          new IOException(text), new FileSystemException("blobs/sha256/ab", null, text)
        }) {
      CacheException told = StorageFault.of("write the download", fault);
      assertEquals(kind, told.getClass().getSimpleName(), error);
      assertTrue(told.getMessage().startsWith("cannot write the download: "), told.getMessage());
      assertEquals(kind.equals("NotReady"), isDoubtAboutTheDisk(told), error);
    }
  }

  private static boolean isDoubtAboutTheDisk(CacheException told) {
    return told instanceof NotReady notReady && notReady.isStorageFault();
  }

  @Test
  void aCallerWhoHungUpIsNoErrorOfTheDisk() {
    assertEquals(Busy.class, StorageFault.of("read", new ClosedByInterruptException()).getClass());
  }
}
