import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/** The figures of one candidate, one per run. Not thread-safe. */
final class Samples {
  private final List<Double> values = new ArrayList<>();

  void add(double value) {
    values.add(value);
  }

  List<Double> values() {
    return List.copyOf(values);
  }

  double median() {
    return median(values);
  }

  double min() {
    return Collections.min(values);
  }

  double max() {
    return Collections.max(values);
  }

  /** The median of the ratios run by run: both of a pair met the same machine. */
  double ratioTo(Samples floor) {
    var ratios = new ArrayList<Double>();
    for (int run = 0; run < values.size(); run++) {
      ratios.add(values.get(run) / floor.values.get(run));
    }
    return median(ratios);
  }

  private static double median(List<Double> values) {
    List<Double> sorted = values.stream().sorted().toList();
    int middle = sorted.size() / 2;
    return sorted.size() % 2 == 1
        ? sorted.get(middle)
        : (sorted.get(middle - 1) + sorted.get(middle)) / 2;
  }
}
