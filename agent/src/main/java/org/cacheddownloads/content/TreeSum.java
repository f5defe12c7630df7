package org.cacheddownloads.content;

/**
 * What a tree holds.
 *
 * @param digest SHA-256 of its manifest: the same archive has the same one everywhere
 * @param bytes sizes of its regular files together
 * @param files how many regular files; one with several names counts once
 */
public record TreeSum(Digest digest, long bytes, long files) {}
