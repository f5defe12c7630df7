package org.cacheddownloads.archive;

import org.cacheddownloads.content.Digest;

/**
 * What became of an archive.
 *
 * @param treeDigest SHA-256 of the manifest: the same archive has the same one everywhere
 * @param files regular files; one with several names counts once
 * @param bytes their sizes together
 * @param allocatedBytes blocks of all files, once per inode, of the manifest, and of all
 *     directories with the one that was given; symlinks are not counted
 * @param inodes all of these, and the symlinks
 */
public record Unpacked(
    Digest treeDigest, long files, long bytes, long allocatedBytes, long inodes) {}
