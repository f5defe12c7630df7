package org.cacheddownloads.catalog;

import java.sql.SQLException;

/**
 * A row whose values cannot be what was written: the file is damaged in a way SQLite cannot see.
 */
final class UnreadableRow extends SQLException {
  private static final long serialVersionUID = 1L;

  UnreadableRow(RuntimeException cause) {
    super("a row of the catalog cannot be read (" + cause.getMessage() + ")", cause);
  }
}
