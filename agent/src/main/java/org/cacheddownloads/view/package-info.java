/**
 * What containers see, and the references that this makes.
 *
 * <p>A view is a directory that the executor bind-mounts. It carries a hard link to each blob that
 * it uses, below {@code .cached-downloads}, and symlinks by name that point to them. The hard link
 * is the reference: it outlasts this process, and nobody can lose count of it.
 *
 * <p>Invariants: the directory of a view stays the same inode as long as the container lives, so a
 * running container sees what is added; a name is switched by one rename; a change that fails is
 * undone before the failure is reported.
 *
 * <p>{@link org.cacheddownloads.view.Views} changes and lists views; {@code View} is one of them in
 * memory; {@code ViewChange} is one change on disk with its way back; {@code ViewScan} reads all of
 * them at the start, when the file system is the only truth; {@link
 * org.cacheddownloads.view.Reconciler} compares store and catalog in the background; {@link
 * org.cacheddownloads.view.Rebuild} makes the rows of a catalog that was lost.
 *
 * <p>Decided: the lock of one view is held over the few system calls of a change, against the rule
 * of no I/O under a lock, because they must be one step for that container; no other container
 * waits for it, and waiting for space happens before. Decided: a release first renames the view
 * away ({@code .released-…}), so that after a kill a container is there whole or not at all.
 */
@NullMarked
package org.cacheddownloads.view;

import org.jspecify.annotations.NullMarked;
