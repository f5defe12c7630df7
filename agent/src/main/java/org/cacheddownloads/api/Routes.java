package org.cacheddownloads.api;

import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.cacheddownloads.failure.CacheException.MethodNotAllowed;
import org.cacheddownloads.failure.CacheException.NotFound;
import org.jspecify.annotations.Nullable;

/** Which handler a method and a path have. Immutable after it was filled. */
final class Routes {
  private final Map<String, Map<String, Handler>> byShape = new TreeMap<>();

  /**
   * @param shape segments of the path: a word for itself, {@code *} for any one, {@code **} at the
   *     end for all that follow, at least one
   */
  Routes add(String method, String shape, Handler handler) {
    byShape.computeIfAbsent(shape, _ -> new TreeMap<>()).put(method, handler);
    return this;
  }

  /**
   * @throws NotFound or {@link MethodNotAllowed}
   */
  Handler find(String method, List<String> segments) {
    Map<String, Handler> methods = methods(segments);
    if (methods == null) {
      throw new NotFound("there is nothing at this path; see the contract for what there is");
    }
    Handler handler = methods.get(method);
    if (handler == null) {
      String allowed = String.join(", ", methods.keySet());
      throw new MethodNotAllowed("this path has " + allowed + ", not " + method, allowed);
    }
    return handler;
  }

  /** The handler, or null if this has none for the path. */
  @Nullable Handler findOrNull(String method, List<String> segments) {
    return methods(segments) == null ? null : find(method, segments);
  }

  private @Nullable Map<String, Handler> methods(List<String> segments) {
    for (var route : byShape.entrySet()) {
      if (matches(route.getKey().split("/"), segments)) {
        return route.getValue();
      }
    }
    return null;
  }

  private static boolean matches(String[] shape, List<String> segments) {
    boolean open = shape[shape.length - 1].equals("**");
    int fixed = open ? shape.length - 1 : shape.length;
    if (open ? segments.size() <= fixed : segments.size() != fixed) {
      return false;
    }
    for (int i = 0; i < fixed; i++) {
      if (!shape[i].equals("*") && !shape[i].equals(segments.get(i))) {
        return false;
      }
    }
    return true;
  }
}
