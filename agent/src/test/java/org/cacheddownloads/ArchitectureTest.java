package org.cacheddownloads;

import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAnyPackage;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideOutsideOfPackages;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;
import static java.util.stream.Collectors.joining;
import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.Dependency;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.lang.ArchCondition;
import com.tngtech.archunit.lang.ConditionEvents;
import com.tngtech.archunit.lang.SimpleConditionEvent;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/**
 * Which package may know which, and where each library stays. The order, from left to right: {@code
 * failure}, {@code content}, {@code trace}, {@code queues}, {@code store} and {@code catalog},
 * {@code space}, {@code archive}, {@code fetch} and {@code view}, {@code api} and {@code metrics},
 * root; left never imports right.
 */
class ArchitectureTest {
  private static final String ROOT = "org.cacheddownloads";

  /** Package → what it may import of the others. "" is the root package, which nobody imports. */
  private static final Map<String, Set<String>> MAY_IMPORT =
      Map.ofEntries(
          room("failure", ""),
          room("content", "failure"),
          room("config", "failure content"),
          room("queues", ""),
          room("advice", "failure content queues"),
          room("trace", "failure content"),
          room("store", "failure content config trace"),
          room("catalog", "failure content config"),
          room("space", "failure content config trace queues store catalog"),
          room("archive", "failure content config trace store catalog space"),
          room("fetch", "failure content config trace store catalog space archive view"),
          room("view", "failure content config trace store catalog space archive fetch"),
          room(
              "api",
              "failure content config trace store catalog space archive fetch view metrics advice"),
          room("metrics", "failure content config trace store catalog space fetch view api advice"),
          room("cli", "failure content config advice"),
          room(
              "",
              "failure content config trace store catalog space archive fetch view api metrics cli advice"));

  private static final JavaClasses AGENT =
      new ClassFileImporter()
          .withImportOption(ImportOption.Predefined.DO_NOT_INCLUDE_TESTS)
          .importPackages(ROOT);

  @Test
  void theClassesOfTheAgentAreLookedAt() {
    assertThat(AGENT).isNotEmpty();
  }

  @Test
  void packagesImportOnlyWhatLiesToTheirLeft() {
    classes().should(importOnlyWhatTheTableAllows()).check(AGENT);
  }

  /** Of two packages side by side, such as fetch and view, at most one imports the other. */
  @Test
  void packagesFormNoCycle() {
    slices()
        .matching(ROOT + ".(*)..")
        .should()
        .beFreeOfCycles()
        .allowEmptyShould(true)
        .check(AGENT);
  }

  @Test
  void sqlStaysInCatalog() {
    onlyIn(Set.of("catalog"), "java.sql..", "javax.sql..", "org.sqlite..");
  }

  @Test
  void vertxStaysInApiFetchCliAndRoot() {
    onlyIn(Set.of("api", "fetch", "cli", ""), "io.vertx..", "io.netty..");
  }

  @Test
  void jacksonStaysInApiConfigAndCli() {
    onlyIn(Set.of("api", "config", "cli"), "com.fasterxml.jackson..", "org.yaml..");
  }

  @Test
  void micrometerStaysInMetrics() {
    onlyIn(Set.of("metrics"), "io.micrometer..", "io.prometheus..");
  }

  @Test
  void codecsStayInArchive() {
    onlyIn(
        Set.of("archive"), "org.apache.commons.compress..", "com.github.luben..", "org.tukaani..");
  }

  @Test
  void picocliStaysInCliAndRoot() {
    onlyIn(Set.of("cli", ""), "picocli..");
  }

  /** System calls that the JDK lacks are made in one place, which is then the one to audit. */
  @Test
  void nativeCallsStayInOneClassNamedPosix() {
    assertThat(AGENT.stream().filter(c -> c.getSimpleName().equals("Posix")))
        .as("classes named Posix")
        .hasSizeLessThanOrEqualTo(1);
    noClasses()
        .that(
            DescribedPredicate.describe(
                "are not Posix", c -> !outermost(c).getSimpleName().equals("Posix")))
        .should()
        .dependOnClassesThat(resideInAnyPackage("java.lang.foreign.."))
        .allowEmptyShould(true)
        .check(AGENT);
  }

  private static Map.Entry<String, Set<String>> room(String name, String mayImport) {
    return Map.entry(name, mayImport.isEmpty() ? Set.of() : Set.of(mayImport.split(" ", -1)));
  }

  private static void onlyIn(Set<String> packages, String... library) {
    String[] rooms =
        packages.stream()
            .flatMap(p -> p.isEmpty() ? Stream.of(ROOT) : Stream.of(ROOT + "." + p + ".."))
            .toArray(String[]::new);
    noClasses()
        .that(resideOutsideOfPackages(rooms))
        .should()
        .dependOnClassesThat(resideInAnyPackage(library))
        .because("each library has its rooms, so that it can be replaced there")
        .allowEmptyShould(true)
        .check(AGENT);
  }

  private static ArchCondition<JavaClass> importOnlyWhatTheTableAllows() {
    return new ArchCondition<>("import only packages to the left of their own") {
      @Override
      public void check(JavaClass importer, ConditionEvents events) {
        String from = roomOf(importer);
        if (!MAY_IMPORT.containsKey(from)) {
          events.add(
              SimpleConditionEvent.violated(
                  importer,
                  importer.getName() + " is in a package that has no place in the order"));
          return;
        }
        String wrong =
            importer.getDirectDependenciesFromSelf().stream()
                .filter(d -> isOurs(d.getTargetClass()))
                .filter(d -> !roomOf(d.getTargetClass()).equals(from))
                .filter(d -> !MAY_IMPORT.get(from).contains(roomOf(d.getTargetClass())))
                .map(Dependency::getDescription)
                .collect(joining("\n"));
        if (!wrong.isEmpty()) {
          events.add(SimpleConditionEvent.violated(importer, wrong));
        }
      }
    };
  }

  private static boolean isOurs(JavaClass target) {
    String name = target.getBaseComponentType().getPackageName();
    return name.equals(ROOT) || name.startsWith(ROOT + ".");
  }

  /** The package below root that a class lives in; "" for root itself. */
  private static String roomOf(JavaClass javaClass) {
    String name = javaClass.getBaseComponentType().getPackageName();
    return name.equals(ROOT) ? "" : name.substring(ROOT.length() + 1).split("\\.", 2)[0];
  }

  private static JavaClass outermost(JavaClass javaClass) {
    return javaClass.getEnclosingClass().map(ArchitectureTest::outermost).orElse(javaClass);
  }
}
