package org.cacheddownloads.catalog;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** One connection with its prepared statements. Used by one thread at a time. */
final class Sql implements AutoCloseable {
  private final Connection connection;
  private final Map<String, PreparedStatement> prepared = new HashMap<>();

  Sql(Connection connection) {
    this.connection = connection;
  }

  /** Makes a value of the row that the result stands on. */
  interface Row<T> {
    T of(ResultSet row) throws SQLException;
  }

  <T> List<T> list(String sql, Row<T> row, @Nullable Object... values) throws SQLException {
    var found = new ArrayList<T>();
    try (ResultSet result = bind(sql, values).executeQuery()) {
      while (result.next()) {
        found.add(read(row, result));
      }
    }
    return found;
  }

  <T> Optional<T> first(String sql, Row<T> row, @Nullable Object... values) throws SQLException {
    try (ResultSet result = bind(sql, values).executeQuery()) {
      return result.next() ? Optional.of(read(row, result)) : Optional.empty();
    }
  }

  private static <T> T read(Row<T> row, ResultSet result) throws SQLException {
    try {
      return row.of(result);
    } catch (RuntimeException e) {
      throw new UnreadableRow(e);
    }
  }

  boolean exists(String sql, @Nullable Object... values) throws SQLException {
    try (ResultSet result = bind(sql, values).executeQuery()) {
      return result.next();
    }
  }

  /** Runs a statement and tells how many rows it changed. */
  int run(String sql, @Nullable Object... values) throws SQLException {
    return bind(sql, values).executeUpdate();
  }

  /** Runs statements that have no parameters, such as a migration or {@code BEGIN}. */
  void script(String sql) throws SQLException {
    try (var statement = connection.createStatement()) {
      statement.executeUpdate(sql);
    }
  }

  private PreparedStatement bind(String sql, @Nullable Object... values) throws SQLException {
    PreparedStatement statement = prepared.get(sql);
    if (statement == null) {
      statement = connection.prepareStatement(sql);
      prepared.put(sql, statement);
    }
    for (int i = 0; i < values.length; i++) {
      switch (values[i]) {
        case null -> statement.setNull(i + 1, java.sql.Types.NULL);
        case Long number -> statement.setLong(i + 1, number);
        case Integer number -> statement.setInt(i + 1, number);
        case byte[] bytes -> statement.setBytes(i + 1, bytes);
        case Object text -> statement.setString(i + 1, text.toString());
      }
    }
    return statement;
  }

  @Override
  public void close() throws SQLException {
    connection.close(); // closes its statements
  }
}
