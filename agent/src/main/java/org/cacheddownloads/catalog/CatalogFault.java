package org.cacheddownloads.catalog;

import java.sql.SQLException;
import org.cacheddownloads.failure.CacheException;
import org.cacheddownloads.failure.CacheException.InsufficientSpace;
import org.cacheddownloads.failure.CacheException.NotReady;
import org.sqlite.SQLiteErrorCode;
import org.sqlite.SQLiteException;

/** Translates what SQLite refuses. */
final class CatalogFault {
  private CatalogFault() {}

  static CacheException of(SQLException fault) {
    if (fault instanceof SQLiteException e && e.getResultCode() == SQLiteErrorCode.SQLITE_FULL) {
      return new InsufficientSpace(
          "cannot write the catalog: the file system of the state directory is full; free space on it",
          0,
          0,
          0);
    }
    String told = "the catalog failed: " + fault.getMessage();
    return isOfDisk(fault) ? NotReady.ofStorage(told, fault) : new NotReady(told, fault);
  }

  private static boolean isOfDisk(SQLException fault) {
    if (!(fault instanceof SQLiteException failure)) {
      return false;
    }
    int primary = failure.getResultCode().code & 0xff;
    return primary == SQLiteErrorCode.SQLITE_IOERR.code
        || primary == SQLiteErrorCode.SQLITE_READONLY.code
        || primary == SQLiteErrorCode.SQLITE_CANTOPEN.code;
  }
}
