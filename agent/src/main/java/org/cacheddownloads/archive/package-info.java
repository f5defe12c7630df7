/**
 * Archives made into trees, and what is done with trees on disk.
 *
 * <p>{@link org.cacheddownloads.archive.TreeMaker} is the way in for everybody else: the tree of a
 * digest, pinned, made of its blob if it is not here; one unpacking for each archive, in a lane of
 * its own. {@link org.cacheddownloads.archive.Unpacker} makes one: {@code Format} tells by the
 * first bytes what an archive is, {@code TarReader} or {@code ZipReader} takes its entries to a
 * {@code TreeWriter}, and {@code Seal} ends the tree with its {@link
 * org.cacheddownloads.archive.Manifest}. {@link org.cacheddownloads.archive.Trees} copies by hard
 * links, and compares. All but the first know no digests of blobs, no views and no quota:
 * directories are given to them, and they ask for {@link org.cacheddownloads.archive.Room}.
 *
 * <p>Invariants: nothing is written outside of the directory that was given, no symlink is
 * followed, and what fails leaves nothing. Room is promised before it is needed. Memory does not
 * grow with the archive, but for eight bytes an entry of a zip. The same archive makes the same
 * manifest on every machine, whatever its locale, time zone, umask, user and file system.
 *
 * <p>Decided: a package of its own, to the right of {@code space} and the left of {@code fetch} and
 * {@code view}, because both of those will use it and neither is about archives: fetch makes a tree
 * where its directory form is asked for, view hands it out. Price: one more room in the plan.
 *
 * <p>What an archive may hold:
 *
 * <ul>
 *   <li>Damaged, cut, without its end, or with more behind it: unsafe, every time. In a tar the
 *       rest of the last record may hold anything, as POSIX says, and zeros may follow.
 *   <li>Paths: relative, UTF-8, names of at most 255 bytes, no {@code ..} anywhere. Empty and
 *       {@code .} segments mean nothing. Letters are not compared in any cleverer way than Linux
 *       does. Names that views keep for themselves are free: trees lie below those.
 *   <li>A path through a symlink or a file is unsafe, also where it would stay inside; so is a
 *       directory in the place of anything else, and the other way round. What else has a path
 *       twice: in a tar the last one wins, in a zip it is unsafe.
 *   <li>A hard link leads to a file, or a symlink, that came before it; at most 10,000 names for a
 *       file, as ext4 has 65,000 for all copies together. Devices, pipes and sockets are unsafe;
 *       sparse files, parts of archives and encryption are not supported.
 *   <li>Modes become 0444 and 0555: any right to execute is one for all, since owners are not kept.
 *       Directories that are not mentioned have the time 0. Times are those of the archive, between
 *       1970 and 2446, which every file system keeps; a zip that has local time alone means UTC.
 *   <li>Names in a zip without a word on their encoding are UTF-8 if a Unix wrote it, and else code
 *       page 437.
 * </ul>
 *
 * <p>Decided: {@code TarGuard} looks at the blocks of a tar before the reader of Commons Compress
 * gets them, because that one strips leading slashes silently, believes long names without looking
 * at their checksums, keeps headers of any length in memory, recurses once for each of them, and
 * takes the end of the stream for the end of the archive. Price: 250 lines that know a block's sum,
 * type and size.
 *
 * <p>Decided: the directory of a zip is walked here, with the fields read by Commons Compress, and
 * not by its {@code ZipFile}, because that one holds the whole directory in memory, about a
 * kilobyte an entry: a million entries, as {@code archives.maxFiles} allows, would be four times
 * the heap. It does not compare local headers either, nor look for overlaps. Price: {@code ZipEnd},
 * {@code ZipRecord} and {@code ZipContent}. The same with more memory is what it replaces.
 *
 * <p>Decided: what is known of an entry is written to a {@code Ledger}, which sorts on disk what is
 * more than 8 MiB, because the manifest is sorted and the heap is not made for a million entries.
 *
 * <p>Decided: paths and not open directories, checked by what was seen of each directory above,
 * because the JDK can open files below an open directory and make nothing else there, and because
 * the directory is private until it is published: only the archive itself could put a symlink in
 * the way, and a directory that was seen once stays one. Files are made with {@code O_EXCL} and
 * {@code O_NOFOLLOW}.
 *
 * <p>Decided: decoders run on a platform thread of their own beside the one that writes, two
 * threads write the files of a zip, and none of them is virtual, because they compute for long and
 * would keep the carriers from everyone else's requests. Price: two threads for each unpacking.
 *
 * <p>Decided: one dictionary of xz above 20 MiB at a time, whoever asks, because two of 64 MiB, the
 * most that {@code xz -9} takes, are more than half of the heap. More than 80 MiB, or 128 MiB for
 * zstd, which is off the heap, are not supported.
 *
 * <p>Looks odd, is intended: the ratio is that of the files in a tree, while headers and padding
 * have an allowance of their own, because small tars are mostly padding and pack a hundredfold.
 *
 * <p>Decided: threads that unpack are nice (10), because hits must not wait for them: on two cores
 * with four archives at work the slowest hundredth of hits took 11 ms, and 5 ms since. Price: a
 * machine that is busy otherwise unpacks later.
 */
@NullMarked
package org.cacheddownloads.archive;

import org.jspecify.annotations.NullMarked;
