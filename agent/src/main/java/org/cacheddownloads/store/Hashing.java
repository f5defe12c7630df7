package org.cacheddownloads.store;

import com.amazon.corretto.crypto.provider.AmazonCorrettoCryptoProvider;
import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.security.Provider;
import org.jspecify.annotations.Nullable;

/** Where message digests come from, and how fast they are on this machine. */
public final class Hashing {
  private static final @Nullable Provider NATIVE = load();

  private Hashing() {}

  private static @Nullable Provider load() {
    try {
      // Without this detour the JVM loads the provider to verify this class, at every start.
      Object provider = AmazonCorrettoCryptoProvider.INSTANCE;
      return AmazonCorrettoCryptoProvider.INSTANCE.getLoadingError() == null
          ? (Provider) provider
          : null;
    } catch (LinkageError e) {
      return null; // no native library for this machine: the JDK's own digests do, see fallback()
    }
  }

  /** Whether the JDK's own digests are in use because the native provider does not load here. */
  public static boolean fallback() {
    return NATIVE == null;
  }

  /**
   * A digest to be used by one thread.
   *
   * @param algorithm a name of {@code java.security}, such as {@code SHA-256}
   */
  public static MessageDigest digest(String algorithm) {
    try {
      if (NATIVE != null && NATIVE.getService("MessageDigest", algorithm) != null) {
        return MessageDigest.getInstance(algorithm, NATIVE);
      }
      return MessageDigest.getInstance(algorithm);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("this JDK has no " + algorithm, e);
    }
  }

  /** Bytes per second of SHA-256 over 8 MiB of direct memory, now, on this thread. */
  public static double measureBytesPerSecond() {
    MessageDigest sha256 = digest("SHA-256");
    ByteBuffer block = ByteBuffer.allocateDirect(256 * 1024);
    long start = System.nanoTime();
    for (int i = 0; i < 32; i++) {
      block.clear();
      sha256.update(block);
    }
    byte[] result = sha256.digest();
    return result.length == 0
        ? 0
        : 32.0 * block.capacity() * 1e9 / Math.max(1, System.nanoTime() - start);
  }
}
