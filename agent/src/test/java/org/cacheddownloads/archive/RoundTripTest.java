package org.cacheddownloads.archive;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.Collectors;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.ShrinkingMode;
import net.jqwik.api.lifecycle.AfterContainer;
import net.jqwik.api.lifecycle.BeforeContainer;
import org.cacheddownloads.archive.TreeModel.Thing;
import org.cacheddownloads.store.Removal;

/** Whatever a tree looks like, every format brings it back, and all bring the same. */
class RoundTripTest {
  private static Path base;

  @BeforeContainer
  static void open() throws IOException {
    base = Files.createTempDirectory("round-trip");
  }

  @AfterContainer
  static void close() throws IOException {
    Removal.delete(base);
  }

  @Provide
  Arbitrary<TreeModel> trees() {
    return Combinators.combine(paths(), things())
        .as(Map::entry)
        .list()
        .ofMaxSize(25)
        .map(TreeModel::of);
  }

  /** Short names often meet; long and strange ones go through each format's own detours. */
  private static Arbitrary<String> paths() {
    Arbitrary<String> few = Arbitraries.of("a", "b", "c", "a-b", "a.b", "A");
    Arbitrary<String> strange =
        Arbitraries.strings()
            .withCharRange((char) 1, '~')
            .withChars('ü', 'ß', '漢', '\u0301', '\u202e')
            .ofMinLength(1)
            .ofMaxLength(60)
            .map(
                name ->
                    name.replace('/', '|').replace('\\', '|')) // the zip writer makes it a slash
            .filter(name -> !name.equals(".") && !name.equals(".."));
    Arbitrary<String> emoji = Arbitraries.of("😀", "x".repeat(255), "🏴‍☠️".repeat(15));
    return Arbitraries.frequencyOf(
            net.jqwik.api.Tuple.of(6, few),
            net.jqwik.api.Tuple.of(2, strange),
            net.jqwik.api.Tuple.of(1, emoji))
        .list()
        .ofMinSize(1)
        .ofMaxSize(5)
        .map(names -> String.join("/", names));
  }

  private static Arbitrary<Thing> things() {
    // Zip has whole seconds in 32 bits.
    Arbitrary<Instant> times =
        Arbitraries.longs().between(0, Integer.MAX_VALUE).map(Instant::ofEpochSecond);
    Arbitrary<Thing> directories = times.map(Thing.Directory::new);
    Arbitrary<Thing> symlinks =
        Combinators.combine(
                times,
                Arbitraries.strings()
                    .ascii()
                    .ofMinLength(1)
                    .ofMaxLength(200)
                    .map(RoundTripTest::target))
            .as(Thing.Symlink::new);
    Arbitrary<Thing> files =
        Combinators.combine(
                times,
                Arbitraries.of(true, false),
                Arbitraries.integers()
                    .between(0, 300_000)
                    .withDistribution(net.jqwik.api.RandomDistribution.biased()),
                Arbitraries.longs())
            .as(Thing.File::new);
    return Arbitraries.frequencyOf(
        net.jqwik.api.Tuple.of(2, directories),
        net.jqwik.api.Tuple.of(1, symlinks),
        net.jqwik.api.Tuple.of(4, files));
  }

  private static String target(String text) {
    return text.replace('\0', '0');
  }

  @Property(tries = 60, shrinking = ShrinkingMode.BOUNDED)
  void everyFormatBringsTheSameTreeBack(@ForAll("trees") TreeModel model) throws IOException {
    try (var workshop = new Workshop(Files.createTempDirectory(base, "try"))) {
      byte[] tar = model.tar();
      var tree = workshop.unpack(tar);
      assertEquals(model.list(), mentioned(tree, model));
      assertEquals(
          model.things().values().stream().filter(t -> t instanceof Thing.File).count(),
          tree.unpacked().files());
      var others = new ArrayList<>(List.of(model.zip()));
      Workshop.packings().forEach(packing -> others.add(Workshop.pack(packing, tar)));
      for (byte[] other : others) {
        assertEquals(tree.unpacked(), workshop.unpack(other).unpacked());
      }
    }
  }

  /** In any order, since whatever is missing above is made. */
  @Property(tries = 30, shrinking = ShrinkingMode.BOUNDED)
  void theOrderOfEntriesIsOfNoConsequence(@ForAll("trees") TreeModel model, @ForAll Random random)
      throws IOException {
    var shuffled = new ArrayList<>(model.things().entrySet());
    Collections.shuffle(shuffled, random);
    Map<String, Thing> inOtherOrder =
        shuffled.stream()
            .collect(
                Collectors.toMap(
                    Map.Entry::getKey,
                    Map.Entry::getValue,
                    (a, _) -> a,
                    java.util.LinkedHashMap::new));
    try (var workshop = new Workshop(Files.createTempDirectory(base, "try"))) {
      assertEquals(
          workshop.unpack(model.tar()).unpacked().treeDigest(),
          workshop.unpack(new TreeModel(inOtherOrder).tar()).unpacked().treeDigest());
    }
  }

  private static Map<String, String> mentioned(Workshop.Tree tree, TreeModel model) {
    Map<String, String> listed = tree.list();
    listed.keySet().retainAll(model.things().keySet());
    return listed;
  }
}
