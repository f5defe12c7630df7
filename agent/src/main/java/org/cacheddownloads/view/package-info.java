/**
 * What containers see, and the references that this makes.
 *
 * <p>A view is a directory that the executor bind-mounts. It carries a hard link to each blob that
 * it uses, below {@code .cached-downloads}, and symlinks by name that point to them. The hard link
 * is the reference: it outlasts this process, and nobody can lose count of it.
 *
 * <p>A directory is given in one of two ways. By links, the view has a copy of the tree whose files
 * are hard links, and the name is a symlink to it. To be mounted, the name is an empty directory,
 * and a note ({@code .cached-downloads/mounts/NAME/1}) says which tree belongs there. Both hold the
 * manifest, which is the reference.
 *
 * <p>Invariants: the directory of a view stays the same inode as long as the container lives, so a
 * running container sees what is added; a name is switched by one rename; a change that fails is
 * undone before the failure is reported.
 *
 * <p>{@link org.cacheddownloads.view.Views} changes and lists views; {@code TreeCopy} is what a
 * view will have of a tree; {@code View} is one of them in memory; {@code ViewChange} is one change
 * on disk with its way back; {@code ViewScan} reads all of them at the start, when the file system
 * is the only truth; {@link org.cacheddownloads.view.Reconciler} compares store and catalog in the
 * background; {@link org.cacheddownloads.view.Rebuild} makes the rows of a catalog that was lost.
 *
 * <p>Decided: the lock of one view is held over the few system calls of a change, against the rule
 * of no I/O under a lock, because they must be one step for that container; no other container
 * waits for it, and waiting for space happens before. Decided: a release first renames the view
 * away ({@code .released-…}), so that after a kill a container is there whole or not at all.
 *
 * <p>Decided: a view's copy of a tree is made in {@code ingest/} and moved in by one rename, so
 * that no view is locked while thousands of links are made, and a kill leaves no half of one. A
 * name changes between symlink and mount point by an exchange of two names, which other renames
 * cannot do in one step; price: Linux 3.15, and a file system that can.
 *
 * <p>Decided: when a name to be mounted gets another tree, the note of the one before stays, and
 * with it the reference, until the name is released: a container that runs has it mounted, and
 * nobody can tell whether it still does. Price: the blocks of trees that nobody looks at any more.
 *
 * <p>Decided: the start walks the copies of trees that views hold, a microsecond for each file in
 * them, because the file system is the only truth about their directories. Looks odd, is intended:
 * a damaged tree that is held is renamed within {@code trees/} and not moved away, since it may be
 * mounted.
 */
@NullMarked
package org.cacheddownloads.view;

import org.jspecify.annotations.NullMarked;
