import java.nio.file.Path;

/** One thing that is measured, with its floor. */
interface Scenario {
  /** What every scenario works with. */
  record Setting(
      Bench.Scale scale,
      Path root,
      Path work,
      Children children,
      AgentProcess agent,
      Nginx nginx,
      Report report) {}

  void run(Setting setting) throws Exception;
}
