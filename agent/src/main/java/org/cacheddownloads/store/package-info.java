/**
 * Bytes by digest, on one file system.
 *
 * <p>Invariants: a blob's name is the SHA-256 of its bytes, computed while they were written; no
 * code path opens a blob for writing; a blob appears under its name complete or not at all.
 *
 * <p>{@link org.cacheddownloads.store.StoreLayout} is the map of the disk and the only class that
 * knows paths. {@link org.cacheddownloads.store.Ingest} is one write transaction. {@link
 * org.cacheddownloads.store.BlobStore} keeps what was committed, {@link
 * org.cacheddownloads.store.TreeStore} what archives unpack to.
 *
 * <p>Decided: {@code Posix} lives here and not beside the views, because allocated blocks are
 * counted here too. It calls the C library by the JDK's own linker and not by jnr-posix, because
 * that made its code anew at each start (0.3 of 1.4 seconds) and brought ten jars; price: the
 * layout of {@code statx} is written down here. Decided: SHA-256 comes from the Amazon Corretto
 * Crypto Provider where its native library loads, because the JDK's own intrinsic was measured to
 * stick at a hundredth of its speed for the rest of a process; price: 3.4 MB; how to leave: {@code
 * Hashing} is the only class that names it.
 *
 * <p>Decided: an ingest that can be resumed keeps a CRC-32C of each 4 MiB beside its data, because
 * a later process must know how far the bytes are what was received, and SHA-256 of a prefix cannot
 * be stored; price: a tenth of a second for a gibibyte. Less than 4 MiB leaves no note and is
 * fetched again.
 *
 * <p>Decided: {@link org.cacheddownloads.store.StorageHealth} tells that the disk fails and refuses
 * nothing, because a hit may need nothing of what fails; price: while the disk fails every request
 * finds out for itself. Only a sync counts as a success, because a write may end in memory.
 *
 * <p>Looks odd, is intended: a commit first gives the data in the ingest directory its digest as
 * name, then links it into the store, and that second name stays until the catalog knows the blob.
 * After a {@code kill -9} between the two the few ingest directories name the only blobs that no
 * row accounts for, so nobody has to search the whole store before the first reservation can be
 * trusted. A link and not a rename, because a link never replaces: of two downloads of equal bytes
 * the second finds the first, and no view's inode is cut off from the store. A tree, which is a
 * directory and has no second name, leaves a marker of its name in its ingest instead.
 */
@NullMarked
package org.cacheddownloads.store;

import org.jspecify.annotations.NullMarked;
