package org.cacheddownloads.catalog;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.cacheddownloads.catalog.Catalog.EntryFilter;
import org.cacheddownloads.content.CacheKey;
import org.cacheddownloads.content.Checksum;
import org.cacheddownloads.content.ContainerId;
import org.cacheddownloads.content.Deliver;
import org.cacheddownloads.content.Digest;
import org.cacheddownloads.content.DownloadName;
import org.cacheddownloads.content.Entry;
import org.cacheddownloads.content.Entry.Directive;
import org.cacheddownloads.content.Form;
import org.cacheddownloads.content.Lifetime;
import org.cacheddownloads.content.Outcome;
import org.cacheddownloads.content.Sha256;
import org.cacheddownloads.content.Stored;
import org.cacheddownloads.content.TreeSum;
import org.cacheddownloads.content.Validator;
import org.cacheddownloads.content.Variant;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
class CatalogTest {
  private static final long STAMP = 1_700_000_000_000_001L;
  private static final Instant NOW = Instant.parse("2026-03-01T12:00:00.123456Z");
  private static final String NOBODY = "";

  private @TempDir Path directory;
  private final Set<Stored> inUse = new HashSet<>();
  private Catalog catalog;
  private long uses;

  @BeforeEach
  void open() throws IOException {
    catalog = Catalog.open(directory.resolve("catalog.db"), inUse::contains);
  }

  @AfterEach
  void close() {
    catalog.close();
  }

  private void reopen() throws IOException {
    catalog.close();
    open();
  }

  private static CacheKey key(String text) {
    return new CacheKey(text);
  }

  private static Digest digest(String body) {
    return new Digest(Sha256.hexOf(body));
  }

  private static Stored file(String body) {
    return Stored.file(digest(body));
  }

  private static Stored executable(String body) {
    return new Stored(digest(body), Form.EXECUTABLE);
  }

  private static Entry entry(String key, String body) {
    String url = "http://origin/" + key;
    return new Entry(
        key(key),
        digest(body),
        body.length(),
        url,
        url,
        new Validator("\"v1\"", "Sun, 01 Mar 2026 11:00:00 GMT"),
        NOW,
        NOW,
        NOW.plusSeconds(60),
        Set.of(),
        Variant.NONE,
        Lifetime.NONE);
  }

  private Instant nextUse() {
    return NOW.plusSeconds(++uses);
  }

  private Optional<Digest> publish(Entry entry, String credentials) {
    return catalog.publish(new Publication(entry, 4096, credentials, Optional.empty()), nextUse());
  }

  private Optional<Digest> publish(String key, String body) {
    return publish(entry(key, body), NOBODY);
  }

  private List<Stored> idle() {
    return catalog.idleBlobs(Instant.EPOCH, 100).stream().map(BlobRow::stored).toList();
  }

  /** The sums that triggers keep, added up anew. */
  private void assertTotalsAreTheSums() {
    var blobs = catalog.blobs(0, 1000);
    assertEquals(
        new Totals(
            blobs.stream().filter(blob -> !blob.row().stored().isTree()).count(),
            blobs.stream().filter(blob -> blob.row().stored().isTree()).count(),
            blobs.stream().mapToLong(blob -> blob.row().allocatedBytes()).sum(),
            blobs.stream().mapToLong(blob -> blob.row().inodes()).sum(),
            catalog.entries(EntryFilter.ALL, "", 1000).size()),
        catalog.totals());
  }

  // ---- entries ----

  @Test
  void whatIsPublishedIsFoundAsItWas() {
    var entry =
        new Entry(
            key("buildpack-ruby"),
            digest("a"),
            123,
            "http://origin/a",
            "http://origin/a?q=0123456789abcdef",
            new Validator("W/\"x\"", null),
            NOW,
            NOW.plusSeconds(1),
            NOW.plusSeconds(2),
            Set.of(Directive.NO_CACHE, Directive.MUST_REVALIDATE),
            new Variant("accept", "hash"),
            new Lifetime("max-age=5, x", "never"));
    publish(entry, NOBODY);
    assertEquals(Optional.of(new Known(entry, true)), catalog.find(entry.key(), "someone"));
  }

  @Test
  void anEntryWithTheLeastIsFoundAsItWas() {
    var entry =
        new Entry(
            key("http://origin/a"),
            digest("a"),
            0,
            "http://origin/a",
            "http://origin/a",
            Validator.NONE,
            NOW,
            NOW,
            null,
            Set.of(),
            Variant.NONE,
            Lifetime.NONE);
    publish(entry, NOBODY);
    assertEquals(entry, catalog.find(entry.key(), NOBODY).orElseThrow().entry());
  }

  @Test
  void whatIsUnknownIsNotFound() {
    publish("k", "a");
    assertTrue(catalog.find(key("K"), NOBODY).isEmpty());
    assertTrue(catalog.entry(key("other")).isEmpty());
    assertTrue(catalog.findGranted(digest("other"), NOBODY).isEmpty());
    assertTrue(catalog.blob(executable("a")).isEmpty());
  }

  @Test
  void aKeyThatIsPublishedAgainTellsWhichBytesNobodyHasAnyMore() {
    assertEquals(Optional.empty(), publish("k", "a"));
    assertEquals(Optional.empty(), publish("k", "a"));
    assertEquals(Optional.of(digest("a")), publish("k", "b"));
    publish("other", "b");
    assertEquals(Optional.empty(), publish("k", "c"), "another key has them");
    assertEquals(digest("c"), catalog.find(key("k"), NOBODY).orElseThrow().entry().digest());
    assertTotalsAreTheSums();
  }

  @Test
  void anEntryWithoutBytesIsNotFound() {
    publish("k", "a");
    assertEquals(List.of(key("k")), catalog.removeBlobs(List.of(file("a"))));
    assertTrue(catalog.find(key("k"), NOBODY).isEmpty());
  }

  // ---- grants ----

  @Test
  void whatWasFetchedWithCredentialsIsGrantedToTheirHolderOnly() {
    publish(entry("k", "a"), "alice");
    assertTrue(catalog.find(key("k"), "alice").orElseThrow().granted());
    assertFalse(catalog.find(key("k"), "bob").orElseThrow().granted());
    assertFalse(catalog.find(key("k"), NOBODY).orElseThrow().granted());
    assertTrue(catalog.findGranted(digest("a"), "alice").isPresent());
    assertTrue(catalog.findGranted(digest("a"), "bob").isEmpty());
    assertTrue(catalog.findGranted(digest("a"), NOBODY).isEmpty());
  }

  @Test
  void whatWasFetchedWithoutCredentialsIsGrantedToAll() {
    publish("k", "a");
    assertTrue(catalog.find(key("k"), "bob").orElseThrow().granted());
    assertTrue(catalog.findGranted(digest("a"), "bob").isPresent());
  }

  @Test
  void oneOpenEntryOpensTheBytesToAll() {
    publish(entry("restricted", "a"), "alice");
    publish(entry("open", "a"), NOBODY);
    assertEquals(key("open"), catalog.findGranted(digest("a"), "bob").orElseThrow().entry().key());
    assertFalse(catalog.find(key("restricted"), "bob").orElseThrow().granted());
  }

  @Test
  void aConfirmationGrants() {
    publish(entry("k", "a"), "alice");
    catalog.confirm(entry("k", "a"), "bob", false, NOW);
    assertTrue(catalog.find(key("k"), "bob").orElseThrow().granted());
    assertTrue(catalog.find(key("k"), "alice").orElseThrow().granted());
    assertFalse(catalog.find(key("k"), "carol").orElseThrow().granted());
  }

  @Test
  void otherBytesEndAllGrants() {
    publish(entry("k", "a"), "alice");
    publish(entry("k", "b"), "bob");
    assertFalse(catalog.find(key("k"), "alice").orElseThrow().granted());
    catalog.deleteEntry(key("k"));
    publish(entry("k", "b"), "carol");
    assertFalse(catalog.find(key("k"), "bob").orElseThrow().granted());
  }

  @Test
  void theNewestGrantsStayWhenThereAreMany() {
    publish(entry("k", "a"), "first");
    for (int i = 0; i < 40; i++) {
      catalog.confirm(entry("k", "a"), "c" + i, false, NOW.plusSeconds(100 + i));
    }
    assertFalse(catalog.find(key("k"), "first").orElseThrow().granted());
    assertFalse(catalog.find(key("k"), "c7").orElseThrow().granted());
    assertTrue(catalog.find(key("k"), "c8").orElseThrow().granted());
    assertTrue(catalog.find(key("k"), "c39").orElseThrow().granted());
  }

  // ---- what is deferred ----

  @Test
  void aConfirmationIsSeenBeforeAndAfterItIsWritten() throws IOException {
    publish("k", "a");
    var confirmed =
        new Entry(
            key("k"),
            digest("a"),
            1,
            "http://origin/k",
            "http://origin/k",
            new Validator("\"v2\"", null),
            NOW,
            NOW.plusSeconds(500),
            NOW.plusSeconds(900),
            Set.of(Directive.MUST_REVALIDATE),
            Variant.NONE,
            Lifetime.NONE);
    catalog.confirm(confirmed, NOBODY, true, NOW);
    assertEquals(confirmed, catalog.find(key("k"), NOBODY).orElseThrow().entry());
    assertEquals(confirmed, catalog.findGranted(digest("a"), NOBODY).orElseThrow().entry());
    assertEquals(confirmed, catalog.entry(key("k")).orElseThrow().entry());
    assertEquals(List.of(confirmed), catalog.entriesOf(digest("a")));
    assertEquals(confirmed, catalog.entries(EntryFilter.ALL, "", 1).getFirst().entry());
    catalog.flush();
    assertEquals(confirmed, catalog.find(key("k"), NOBODY).orElseThrow().entry());
    reopen();
    assertEquals(confirmed, catalog.find(key("k"), NOBODY).orElseThrow().entry());
  }

  @Test
  void aConfirmationOfOldBytesDoesNotTouchNewOnes() {
    publish("k", "a");
    Entry old = catalog.find(key("k"), NOBODY).orElseThrow().entry();
    publish("k", "b");
    Entry now = catalog.find(key("k"), NOBODY).orElseThrow().entry();
    catalog.confirm(old, NOBODY, true, NOW);
    assertEquals(now, catalog.find(key("k"), NOBODY).orElseThrow().entry());
    catalog.flush();
    assertEquals(now, catalog.find(key("k"), NOBODY).orElseThrow().entry());
  }

  @Test
  void aConfirmationOfWhatWasDeletedBringsNothingBack() {
    publish("k", "a");
    Entry entry = catalog.find(key("k"), NOBODY).orElseThrow().entry();
    catalog.deleteEntry(key("k"));
    catalog.confirm(entry, NOBODY, true, NOW);
    catalog.flush();
    assertTrue(catalog.find(key("k"), NOBODY).isEmpty());
  }

  @Test
  void aUseIsSeenInListsBeforeItIsWritten() {
    publish("k", "a");
    Instant later = NOW.plusSeconds(1000);
    catalog.used(file("a"), later);
    catalog.used(file("a"), NOW); // came second and is older
    assertEquals(later, catalog.entry(key("k")).orElseThrow().lastUsedAt());
    catalog.flush();
    assertEquals(later, catalog.entry(key("k")).orElseThrow().lastUsedAt());
    assertEquals(later, catalog.blob(file("a")).orElseThrow().lastUsed());
  }

  @Test
  void whatWasDeferredIsWrittenWhenTheCatalogCloses() throws IOException {
    publish("k", "a");
    catalog.used(file("a"), NOW.plusSeconds(1000));
    reopen();
    assertEquals(NOW.plusSeconds(1000), catalog.blob(file("a")).orElseThrow().lastUsed());
  }

  // ---- idle ----

  @Test
  void idleBlobsComeLeastRecentlyUsedFirst() {
    publish("a", "a");
    publish("b", "b");
    publish("c", "c");
    assertEquals(List.of(file("a"), file("b"), file("c")), idle());
    catalog.used(file("a"), nextUse());
    assertEquals(List.of(file("b"), file("c"), file("a")), idle());
    publish("again", "b");
    assertEquals(List.of(file("c"), file("a"), file("b")), idle());
    assertEquals(
        catalog.blob(file("c")).orElseThrow().lastUsed(), catalog.oldestIdle().orElseThrow());
  }

  @Test
  void idleBlobsComeInPages() {
    for (int i = 0; i < 5; i++) {
      publish("k" + i, "body " + i);
    }
    List<BlobRow> first = catalog.idleBlobs(Instant.EPOCH, 2);
    List<BlobRow> second = catalog.idleBlobs(first.getLast().lastUsed(), 2);
    assertEquals(List.of(file("body 0"), file("body 1")), stored(first));
    assertEquals(List.of(file("body 2"), file("body 3")), stored(second));
  }

  private static List<Stored> stored(List<BlobRow> rows) {
    return rows.stream().map(BlobRow::stored).toList();
  }

  @Test
  void whatAViewHoldsIsNotIdle() {
    publish("a", "a");
    publish("b", "b");
    inUse.add(file("a"));
    catalog.holdingChanged(file("a"));
    assertEquals(List.of(file("b")), idle());
    assertEquals(List.of(file("a")), catalog.believedInUse());
    inUse.remove(file("a"));
    catalog.holdingChanged(file("a"));
    assertEquals(List.of(file("a"), file("b")), idle());
    assertEquals(List.of(), catalog.believedInUse());
  }

  // ---- blobs ----

  @Test
  void entriesGoWithTheLastFormOfTheirBytes() {
    publish("k", "a");
    publish("same", "a");
    publish("other", "b");
    catalog.addBlob(executable("a"), 1, 8192, nextUse());
    assertTotalsAreTheSums();
    assertEquals(List.of(), catalog.removeBlobs(List.of(file("a"))));
    assertTrue(catalog.find(key("k"), NOBODY).isPresent());
    assertEquals(
        Set.of(key("k"), key("same")), Set.copyOf(catalog.removeBlobs(List.of(executable("a")))));
    assertTrue(catalog.find(key("k"), NOBODY).isEmpty());
    assertTrue(catalog.find(key("other"), NOBODY).isPresent());
    assertTotalsAreTheSums();
    assertEquals(new Totals(1, 0, 4096, 1, 1), catalog.totals());
  }

  @Test
  void whatIsRemovedTwiceIsRemovedOnce() {
    publish("k", "a");
    catalog.removeBlobs(List.of(file("a"), file("a"), file("unknown")));
    assertEquals(new Totals(0, 0, 0, 0, 0), catalog.totals());
  }

  @Test
  void aBlobThatIsAddedAgainIsCountedOnce() {
    publish("k", "a");
    catalog.addBlob(file("a"), 1, 4096, nextUse());
    publish("other", "a");
    assertEquals(new Totals(1, 0, 4096, 1, 2), catalog.totals());
  }

  @Test
  void deletingAnEntryLeavesItsBlob() {
    publish("k", "a");
    publish("same", "a");
    assertEquals(Optional.of(digest("a")), catalog.deleteEntry(key("k")));
    assertEquals(Optional.empty(), catalog.deleteEntry(key("k")));
    assertTrue(catalog.hasEntry(digest("a")));
    assertEquals(List.of(key("same")), catalog.deleteEntriesOf(digest("a")));
    assertFalse(catalog.hasEntry(digest("a")));
    assertEquals(List.of(file("a")), catalog.forms(digest("a")));
    assertTotalsAreTheSums();
  }

  @Test
  void formsAreToldApart() {
    publish("k", "a");
    catalog.addBlob(executable("a"), 1, 4096, nextUse());
    assertEquals(Set.of(file("a"), executable("a")), Set.copyOf(catalog.forms(digest("a"))));
    assertTrue(catalog.entry(key("k")).orElseThrow().hasFile());
    catalog.removeBlobs(List.of(file("a")));
    assertFalse(catalog.entry(key("k")).orElseThrow().hasFile());
  }

  // ---- checksums ----

  @Test
  void checksumsAreKnownOnceLearnt() {
    var md5 = Checksum.parse("md5:" + "0".repeat(32));
    assertEquals(Optional.empty(), catalog.digestOf(md5));
    catalog.publish(new Publication(entry("k", "a"), 4096, NOBODY, Optional.of(md5)), nextUse());
    assertEquals(Optional.of(digest("a")), catalog.digestOf(md5));
    assertTrue(catalog.isChecksumKnown(digest("a"), Checksum.Algorithm.MD5));
    assertFalse(catalog.isChecksumKnown(digest("a"), Checksum.Algorithm.SHA1));
    var sha1 = Checksum.parse("sha1:" + "1".repeat(40));
    catalog.learnChecksum(digest("a"), sha1);
    assertEquals(Optional.of(digest("a")), catalog.digestOf(sha1));
    catalog.removeBlobs(List.of(file("a")));
    assertEquals(Optional.empty(), catalog.digestOf(md5));
  }

  @Test
  void aSha256IsItsOwnDigest() {
    assertEquals(
        Optional.of(digest("x")), catalog.digestOf(Checksum.parse("sha256:" + digest("x").hex())));
  }

  // ---- listing ----

  @Test
  void entriesAreListedByKeyInPagesAndByPrefix() {
    for (String key : List.of("b/2", "a", "b/1", "c%", "c%d")) {
      publish(key, key);
    }
    assertEquals(List.of("a", "b/1"), keys(EntryFilter.ALL, "", 2));
    assertEquals(List.of("b/2", "c%"), keys(EntryFilter.ALL, "b/1", 2));
    assertEquals(List.of("b/1", "b/2"), keys(new EntryFilter("b/", null, false), "", 9));
    assertEquals(List.of("c%", "c%d"), keys(new EntryFilter("c%", null, false), "", 9));
    assertEquals(List.of(), keys(new EntryFilter("B/", null, false), "", 9));
  }

  @Test
  void entriesOfAUrlAreFoundWithAndWithoutItsQuery() {
    String url = "http://origin/a";
    publish(entryFrom(url, url), NOBODY);
    publish(entryFrom(url + "?q=1111111111111111", url + "?q=1111111111111111"), NOBODY);
    publish(entryFrom("named", url), NOBODY);
    publish(entryFrom("http://origin/ab", "http://origin/ab"), NOBODY);
    assertEquals(List.of(url, "named"), keys(new EntryFilter("", url, false), "", 9));
    assertEquals(
        List.of(url, url + "?q=1111111111111111", "named"),
        keys(new EntryFilter("", url, true), "", 9));
    assertEquals(
        List.of(url + "?q=1111111111111111"),
        keys(new EntryFilter("", url + "?q=1111111111111111", false), "", 9));
  }

  private static Entry entryFrom(String key, String source) {
    Entry like = entry("x", key);
    int query = source.indexOf('?');
    return new Entry(
        key(key),
        like.digest(),
        1,
        query < 0 ? source : source.substring(0, query),
        source,
        like.validator(),
        NOW,
        NOW,
        null,
        Set.of(),
        Variant.NONE,
        Lifetime.NONE);
  }

  private List<String> keys(EntryFilter filter, String after, int limit) {
    return catalog.entries(filter, after, limit).stream()
        .map(row -> row.entry().key().text())
        .toList();
  }

  // ---- durability ----

  @Test
  void newBlobsAreNotDurableUntilTheyAreSynced() {
    publish("k", "a");
    assertEquals(List.of(file("a")), catalog.notDurable(10));
    catalog.markDurable(List.of(new Synced(file("a"), STAMP)));
    assertEquals(List.of(), catalog.notDurable(10));
    catalog.resize(file("a"), 8192, 1);
    assertEquals(8192, catalog.blob(file("a")).orElseThrow().allocatedBytes());
    assertTotalsAreTheSums();
  }

  @Test
  void afterAnotherBootWhatWasNotDurableIsSuspect() throws IOException {
    publish("synced", "a");
    catalog.markDurable(List.of(new Synced(file("a"), STAMP)));
    publish("waiting", "b");
    assertFalse(catalog.noteBoot("boot 1"), "nothing is known of an earlier one");
    assertFalse(catalog.noteBoot("boot 1"));
    reopen();
    assertFalse(catalog.noteBoot("boot 1"), "kill -9 loses nothing");
    assertFalse(catalog.isSuspect(file("b"), STAMP));
    assertTrue(catalog.noteBoot("boot 2"));
    assertTrue(catalog.isSuspect(file("b"), STAMP));
    assertFalse(catalog.isSuspect(file("a"), STAMP));
    assertEquals(List.of(), catalog.notDurable(10), "syncing it would prove nothing");
    assertFalse(catalog.noteBoot("boot 2"));
    assertTrue(catalog.isSuspect(file("b"), STAMP));
  }

  @Test
  void aFileThatCameAfterTheOneThatWasSyncedIsSuspectUntilRowsAndFilesAreKnownToFit() {
    publish("k", "a");
    catalog.markDurable(List.of(new Synced(file("a"), STAMP)));
    assertFalse(catalog.isSuspect(file("a"), STAMP));
    assertTrue(catalog.isSuspect(file("a"), STAMP + 1));
    assertTrue(catalog.isSuspect(file("b"), STAMP), "no row knows it");
    catalog.reconciled();
    assertFalse(catalog.isSuspect(file("a"), STAMP + 1));
  }

  @Test
  void whatWasHashedIsTrustedAgainAndToBeSynced() {
    publish("k", "a");
    catalog.addBlob(executable("a"), 1, 4096, nextUse());
    catalog.noteBoot("boot 1");
    catalog.noteBoot("boot 2");
    catalog.trust(file("a"));
    assertFalse(catalog.isSuspect(file("a"), STAMP));
    assertTrue(catalog.isSuspect(executable("a"), STAMP), "it was not hashed");
    assertEquals(List.of(file("a")), catalog.notDurable(10));
  }

  @Test
  void suspectsAreKnownAfterAReopening() throws IOException {
    publish("k", "a");
    catalog.noteBoot("boot 1");
    catalog.noteBoot("boot 2");
    reopen();
    catalog.noteBoot("boot 2");
    assertTrue(catalog.isSuspect(file("a"), STAMP));
  }

  @Test
  void aConfirmationOfOldBytesGrantsNothingOnNewOnes() {
    publish(entry("k", "a"), "alice");
    Entry old = catalog.find(key("k"), "alice").orElseThrow().entry();
    publish(entry("k", "private of bob"), "bob");
    catalog.confirm(old, "carol", false, NOW);
    assertFalse(catalog.find(key("k"), "carol").orElseThrow().granted());
  }

  @Test
  void whatCouldNotBeSyncedLosesItsEntriesAndIsNeverTrustedAgain() throws IOException {
    publish("k", "a");
    assertFalse(catalog.isRefused(file("a")));
    catalog.refuse(file("a"));
    assertTrue(catalog.find(key("k"), NOBODY).isEmpty());
    assertEquals(List.of(), catalog.notDurable(10));
    assertTrue(catalog.isSuspect(file("a"), STAMP));
    assertTotalsAreTheSums();
    reopen();
    catalog.noteBoot("boot");
    assertTrue(catalog.isSuspect(file("a"), STAMP));
    assertTrue(catalog.isRefused(file("a")));
    catalog.removeBlobs(List.of(file("a")));
    publish("k", "a");
    assertFalse(catalog.isRefused(file("a")), "another file");
  }

  @Test
  void aKeptValueIsMadeOnce() throws IOException {
    assertEquals("one", catalog.keep("authority", "one"));
    reopen();
    assertEquals("one", catalog.keep("authority", "two"));
  }

  // ---- views ----

  private static DownloadRow download(String container, String name, String body) {
    return new DownloadRow(
        new ContainerId(container),
        DownloadName.parse(name),
        file(body),
        "key",
        "key",
        "http://origin/x",
        1,
        Outcome.REVALIDATED,
        0,
        Duration.ofMillis(12),
        new Validator("\"e\"", null),
        NOW,
        Deliver.LINK,
        null);
  }

  @Test
  void containersAndTheirDownloadsOutlastAReopening() throws IOException {
    var expiring = new ContainerRow(new ContainerId("c1"), NOW, NOW.plusSeconds(60));
    var staying = new ContainerRow(new ContainerId("c2"), NOW, null);
    catalog.saveContainer(expiring);
    assertEquals(List.of(expiring), catalog.containers());
    catalog.noteContainer(staying);
    DownloadRow row = download("c1", "d/ä", "a");
    catalog.noteDownload(row);
    catalog.noteDownload(download("c2", "x", "a"));
    catalog.forgetDownload(new ContainerId("c2"), DownloadName.parse("x"));
    reopen();
    assertEquals(Set.of(expiring, staying), Set.copyOf(catalog.containers()));
    assertEquals(List.of(row), catalog.downloads());
  }

  @Test
  void aContainerIsForgottenWithItsDownloads() {
    catalog.noteContainer(new ContainerRow(new ContainerId("c1"), NOW, null));
    catalog.noteDownload(download("c1", "a", "a"));
    catalog.flush();
    catalog.forgetContainer(new ContainerId("c1"));
    catalog.forgetDownload(new ContainerId("c1"), DownloadName.parse("a"));
    catalog.noteContainer(new ContainerRow(new ContainerId("c1"), NOW.plusSeconds(1), null));
    catalog.noteDownload(download("c1", "b", "b"));
    catalog.flush();
    assertEquals(
        List.of("b"), catalog.downloads().stream().map(row -> row.name().toString()).toList());
    catalog.forgetContainer(new ContainerId("c1"));
    catalog.forgetDownload(new ContainerId("c1"), DownloadName.parse("b"));
    catalog.flush();
    assertEquals(List.of(), catalog.containers());
    assertEquals(List.of(), catalog.downloads());
  }

  @Test
  void theLastOfSeveralDescriptionsStays() {
    catalog.noteContainer(new ContainerRow(new ContainerId("c1"), NOW, null));
    catalog.noteDownload(download("c1", "a", "a"));
    catalog.noteDownload(download("c1", "a", "b"));
    catalog.flush();
    assertEquals(List.of(download("c1", "a", "b")), catalog.downloads());
  }

  // ---- the file ----

  @Test
  void everythingIsThereAfterAReopening() throws IOException {
    publish(entry("k", "a"), "alice");
    catalog.addBlob(executable("a"), 1, 8192, nextUse());
    Totals totals = catalog.totals();
    var found = catalog.find(key("k"), "alice");
    reopen();
    assertEquals(found, catalog.find(key("k"), "alice"));
    assertEquals(totals, catalog.totals());
    assertTotalsAreTheSums();
    assertEquals(List.of(file("a"), executable("a")), idle());
  }

  @Test
  void aCatalogOfALaterProgramIsRefused() throws Exception {
    catalog.close();
    Path file = directory.resolve("later.db");
    try (var connection = java.sql.DriverManager.getConnection("jdbc:sqlite:" + file);
        var statement = connection.createStatement()) {
      statement.execute("PRAGMA user_version = 99");
    }
    var refusal = assertThrows(IOException.class, () -> Catalog.open(file, inUse::contains));
    assertTrue(refusal.getMessage().contains("schema 99"), refusal.getMessage());
    open();
  }

  @Test
  void whatIsNoCatalogIsSetAsideAndBegunAnew() throws IOException {
    Path file = directory.resolve("text.db");
    String text = "this is no database, whatever its name says. ".repeat(50);
    Files.writeString(file, text);
    try (Catalog anew = Catalog.open(file, inUse::contains)) {
      assertTrue(anew.mustBeRebuilt());
      assertEquals(0, anew.totals().entries());
      anew.rebuilt();
      assertFalse(anew.mustBeRebuilt());
    }
    assertEquals(text, Files.readString(directory.resolve("text.db.damaged")));
  }

  @Test
  void aRebuildThatAKillCutShortIsDoneAgain() throws IOException {
    Path file = directory.resolve("text.db");
    Files.writeString(file, "no database".repeat(100));
    Catalog.open(file, inUse::contains).close();
    try (Catalog again = Catalog.open(file, inUse::contains)) {
      assertTrue(again.mustBeRebuilt());
    }
  }

  @Test
  void rebuiltBlobsAreSuspectAndHaveAnEntryThatNobodyIsGranted() throws IOException {
    var found = new BlobRow(file("a"), 3, 4096, Instant.EPOCH);
    assertEquals(1, catalog.addRebuilt(List.of(found, found)));
    assertTrue(catalog.isSuspect(file("a"), STAMP));
    assertTrue(catalog.hasEntry(file("a").digest()));
    assertEquals(Optional.empty(), catalog.findGranted(file("a").digest(), ""));
  }

  @Test
  void aCatalogOfTheFirstLayoutIsMigratedWithItsEntries() throws Exception {
    Path file = directory.resolve("first.db");
    try (var connection = java.sql.DriverManager.getConnection("jdbc:sqlite:" + file);
        var statement = connection.createStatement()) {
      try (var script = Catalog.class.getResourceAsStream("migration-1.sql")) {
        statement.executeUpdate(
            new String(script.readAllBytes(), java.nio.charset.StandardCharsets.UTF_8));
      }
      String digest = file("a").digest().hex();
      statement.execute("INSERT INTO blobs VALUES (7, x'" + digest + "', 0, 3, 4096, 5, 1, 1, 1)");
      statement.execute(
          "INSERT INTO entries VALUES (1, 'http://o/a', x'"
              + digest
              + "', 3, NULL, '\"e\"', NULL, 1, 1, NULL, 0, NULL, NULL)");
      statement.execute("INSERT INTO grants VALUES ('http://o/a', '', 1)");
      statement.execute("PRAGMA user_version = 1");
    }
    try (Catalog migrated = Catalog.open(file, inUse::contains)) {
      Known known = migrated.find(new CacheKey("http://o/a"), "").orElseThrow();
      assertEquals(file("a").digest(), known.entry().digest());
      assertTrue(known.granted());
      assertEquals(1, migrated.totals().entries());
    }
  }

  @Test
  void anEntryInWhichABitFlippedIsNotUsed() throws Exception {
    publish("k", "a");
    catalog.close();
    for (String damage :
        List.of(
            "etag = '\"x\"'",
            "fresh_until = 99999999999999999",
            "size = 4",
            "directives = 2",
            "cache_control = 'stale-if-error=9'")) {
      try (var connection =
              java.sql.DriverManager.getConnection(
                  "jdbc:sqlite:" + directory.resolve("catalog.db"));
          var statement = connection.createStatement()) {
        statement.execute("UPDATE entries SET " + damage);
      }
      open();
      assertEquals(Optional.empty(), catalog.find(new CacheKey("k"), ""), damage);
      publish("k", "a");
      assertTrue(catalog.find(new CacheKey("k"), "").isPresent());
      catalog.close();
    }
    open();
  }

  @Test
  void wrongSumsAreCountedAnew() throws Exception {
    publish("k", "a");
    var right = catalog.totals();
    catalog.close();
    try (var connection =
            java.sql.DriverManager.getConnection("jdbc:sqlite:" + directory.resolve("catalog.db"));
        var statement = connection.createStatement()) {
      statement.execute("UPDATE totals SET blobs = 5, allocated = 1, entries = 0");
    }
    open();
    assertEquals(right.blobs() - 5, catalog.recountTotals().blobs());
    assertEquals(right, catalog.totals());
    assertEquals(new Totals(0, 0, 0, 0, 0), catalog.recountTotals());
  }

  // ---- trees

  private static BlobRow tree(String body, long inodes) {
    return new BlobRow(
        Stored.tree(file(body).digest()),
        7,
        12_288,
        inodes,
        NOW,
        new TreeSum(file("manifest of " + body).digest(), 25, 2));
  }

  @Test
  void aTreeIsKeptAsItIsAndCountedWithAllItsInodes() {
    publish("k", "a");
    catalog.addTree(tree("a", 9));

    assertEquals(tree("a", 9), catalog.blob(Stored.tree(file("a").digest())).orElseThrow());
    assertEquals(new Totals(1, 1, 4096 + 12_288, 10, 1), catalog.totals());
    catalog.resize(Stored.tree(file("a").digest()), 16_384, 11);
    assertTotalsAreTheSums();
    assertTrue(catalog.entry(key("k")).orElseThrow().hasTree());
  }

  @Test
  void anEntryStaysAsLongAsOneOfItsFormsDoes() {
    publish("k", "a");
    catalog.addTree(tree("a", 9));

    catalog.removeBlobs(List.of(file("a")));
    assertTrue(catalog.find(key("k"), NOBODY).isPresent());
    assertFalse(catalog.entry(key("k")).orElseThrow().hasFile());
    catalog.removeBlobs(List.of(Stored.tree(file("a").digest())));
    assertTrue(catalog.find(key("k"), NOBODY).isEmpty());
    assertTotalsAreTheSums();
  }

  @Test
  void aTreeIsForAnybodyIfItsArchiveIs() {
    publish("k", "a");
    catalog.addTree(tree("a", 9));
    catalog.removeBlobs(List.of(file("a")));
    assertTrue(catalog.isForAnybody(file("a").digest()));
  }
}
