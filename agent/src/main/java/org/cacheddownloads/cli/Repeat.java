package org.cacheddownloads.cli;

import java.time.Duration;
import java.util.List;
import java.util.function.Function;

/** Shows something again and again: on a terminal in place, elsewhere one below the other. */
final class Repeat {
  private Repeat() {}

  /**
   * Until the thread is interrupted or {@code view} fails, as it does when the agent is gone.
   *
   * @param view is given the room there is, anew each time
   */
  static void every(
      Duration interval, Terminal terminal, Function<Terminal.Size, List<String>> view) {
    if (!terminal.outIsTerminal()) {
      do {
        view.apply(terminal.size()).forEach(terminal.out()::println);
      } while (pause(interval));
      return;
    }
    List<String> first = view.apply(terminal.size()); // what fails at once leaves the screen alone
    try (var screen = new Screen(terminal.out())) {
      screen.draw(first, terminal.size().rows());
      while (pause(interval)) {
        Terminal.Size size = terminal.size();
        screen.draw(view.apply(size), size.rows());
      }
    }
  }

  private static boolean pause(Duration interval) {
    try {
      Thread.sleep(interval);
      return true;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return false;
    }
  }
}
