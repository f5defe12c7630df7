package org.cacheddownloads.failure;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A failure that a caller is told about. Messages are sentences for people; they contain no secret
 * and no query string of a URL.
 *
 * <p>Instances may reach several callers who waited for the same fetch. They are effectively
 * immutable: {@link #withAttempts} is called once, before an instance is handed on.
 */
public abstract sealed class CacheException extends RuntimeException {
  private static final long serialVersionUID = 1L;
  private transient List<Attempt> attempts = List.of();

  private CacheException(String message, @Nullable Throwable cause) {
    super(message, cause);
  }

  @Override
  public String getMessage() {
    return String.valueOf(super.getMessage());
  }

  /** The stable name of this kind in the contract, such as {@code origin-rejected}. */
  public abstract String code();

  /** Whether the same request may succeed later without any change by the caller. */
  public boolean retryable() {
    return false;
  }

  /** One item per source tried, in order; empty when no origin was concerned. */
  public final List<Attempt> attempts() {
    return attempts;
  }

  /** This failure, now telling what became of each source. */
  public final CacheException withAttempts(List<Attempt> tried) {
    attempts = List.copyOf(tried);
    return this;
  }

  /** The status that the origin answered with, where one belongs to the failure. */
  public @Nullable Integer originStatus() {
    return null;
  }

  /**
   * The request itself is wrong: nothing was tried and nothing is counted. {@link #field()} names
   * what to change.
   */
  public static final class InvalidRequest extends CacheException {
    private static final long serialVersionUID = 1L;
    private final @Nullable String field;

    public InvalidRequest(String message) {
      this(null, message);
    }

    public InvalidRequest(@Nullable String field, String message) {
      super(message, null);
      this.field = field;
    }

    public @Nullable String field() {
      return field;
    }

    /** The same fault, said of {@code name} unless a field is named already. */
    public InvalidRequest in(String name) {
      return field == null ? new InvalidRequest(name, getMessage()) : this;
    }

    @Override
    public String code() {
      return "invalid-request";
    }
  }

  /** A body of a request to this agent that is over the limit of the API. */
  public static final class BodyTooLarge extends CacheException {
    private static final long serialVersionUID = 1L;

    public BodyTooLarge(long limitBytes) {
      super(
          "the request body is larger than "
              + limitBytes
              + " bytes; send fewer downloads in one request",
          null);
    }

    @Override
    public String code() {
      return "too-large";
    }
  }

  /** Scheme, host or address of a source is outside the policy of the operator. */
  public static final class OriginNotAllowed extends CacheException {
    private static final long serialVersionUID = 1L;

    public OriginNotAllowed(String message) {
      super(message, null);
    }

    @Override
    public String code() {
      return "origin-not-allowed";
    }
  }

  /** The process at the other end of the socket runs as a user who may not use it. */
  public static final class PeerNotAllowed extends CacheException {
    private static final long serialVersionUID = 1L;

    public PeerNotAllowed(String message) {
      super(message, null);
    }

    @Override
    public String code() {
      return "peer-not-allowed";
    }
  }

  /** No such container, download, entry, blob or path. */
  public static final class NotFound extends CacheException {
    private static final long serialVersionUID = 1L;

    public NotFound(String message) {
      super(message, null);
    }

    @Override
    public String code() {
      return "not-found";
    }
  }

  /** The path exists, but not with this method. */
  public static final class MethodNotAllowed extends CacheException {
    private static final long serialVersionUID = 1L;
    private final String allowed;

    public MethodNotAllowed(String message, String allowed) {
      super(message, null);
      this.allowed = allowed;
    }

    /** The methods that the path has, as the {@code Allow} header lists them. */
    public String allowed() {
      return allowed;
    }

    @Override
    public String code() {
      return "method-not-allowed";
    }
  }

  /** The request contradicts what the container holds, such as a name below another name. */
  public static final class Conflict extends CacheException {
    private static final long serialVersionUID = 1L;

    public Conflict(String message) {
      super(message, null);
    }

    @Override
    public String code() {
      return "conflict";
    }
  }

  /** The download is larger than the largest one allowed. */
  public static final class TooLarge extends CacheException {
    private static final long serialVersionUID = 1L;

    public TooLarge(String message) {
      super(message, null);
    }

    @Override
    public String code() {
      return "too-large";
    }
  }

  /**
   * The archive cannot be unpacked as it is: it is damaged or cut, it reaches out of its tree, or
   * it is over a limit of {@code archives}. The same bytes fail every time.
   */
  public static final class UnsafeArchive extends CacheException {
    private static final long serialVersionUID = 1L;
    private final @Nullable String limit;

    private UnsafeArchive(String message, @Nullable String limit, @Nullable Throwable cause) {
      super(message, cause);
      this.limit = limit;
    }

    /** What the archive holds would be wrong or dangerous on disk. */
    public static UnsafeArchive of(String message) {
      return new UnsafeArchive(message, null, null);
    }

    /** The bytes are not what the format asks for. */
    public static UnsafeArchive damaged(String message, @Nullable Throwable cause) {
      return new UnsafeArchive(message, null, cause);
    }

    /**
     * A limit of the operator was met.
     *
     * @param limit its config key, such as {@code archives.maxFiles}
     */
    public static UnsafeArchive over(String limit, String message) {
      return new UnsafeArchive(message, limit, null);
    }

    /** The config key of the limit that was met, or null where it was none. */
    public @Nullable String limit() {
      return limit;
    }

    @Override
    public String code() {
      return "unsafe-archive";
    }
  }

  /** Not an archive, or one that uses what this agent does not unpack. */
  public static final class UnsupportedArchive extends CacheException {
    private static final long serialVersionUID = 1L;

    public UnsupportedArchive(String message) {
      super(message, null);
    }

    @Override
    public String code() {
      return "unsupported-archive";
    }
  }

  /** The origin answered with a status that is no download. */
  public static final class OriginRejected extends CacheException {
    private static final long serialVersionUID = 1L;
    private final int status;

    public OriginRejected(String message, int status) {
      super(message, null);
      this.status = status;
    }

    @Override
    public Integer originStatus() {
      return status;
    }

    @Override
    public String code() {
      return "origin-rejected";
    }

    @Override
    public boolean retryable() {
      return status >= 500 || status == 408 || status == 425 || status == 429;
    }
  }

  /** The bytes are complete but not the ones the caller wants. */
  public static final class ChecksumMismatch extends CacheException {
    private static final long serialVersionUID = 1L;

    public ChecksumMismatch(String message) {
      super(message, null);
    }

    @Override
    public String code() {
      return "checksum-mismatch";
    }
  }

  /** The origin broke HTTP: truncated, lied about a length, or sent what was not asked for. */
  public static final class BadResponse extends CacheException {
    private static final long serialVersionUID = 1L;
    private final @Nullable Integer status;
    private final boolean cut;

    private BadResponse(String message, @Nullable Integer status, boolean cut) {
      super(message, null);
      this.status = status;
      this.cut = cut;
    }

    /** The answer is complete, but not one to a download. */
    public static BadResponse of(String message, @Nullable Integer status) {
      return new BadResponse(message, status, false);
    }

    /** The connection ended before the body did. */
    public static BadResponse cut(String message, @Nullable Integer status) {
      return new BadResponse(message, status, true);
    }

    /** Whether the connection ended before the body did. */
    public boolean isCut() {
      return cut;
    }

    @Override
    public @Nullable Integer originStatus() {
      return status;
    }

    @Override
    public String code() {
      return "bad-response";
    }

    @Override
    public boolean retryable() {
      return true;
    }
  }

  /**
   * The origin could not be reached: refused, unknown host, TLS, connection lost before an answer.
   */
  public static final class OriginUnavailable extends CacheException {
    private static final long serialVersionUID = 1L;

    private final boolean lasting;

    public OriginUnavailable(String message, @Nullable Throwable cause) {
      this(message, cause, false);
    }

    private OriginUnavailable(String message, @Nullable Throwable cause, boolean lasting) {
      super(message, cause);
      this.lasting = lasting;
    }

    /**
     * One that stays until somebody changes something: a certificate that is not trusted, a proxy
     * that wants credentials.
     */
    public static OriginUnavailable lasting(String message) {
      return new OriginUnavailable(message, null, true);
    }

    @Override
    public String code() {
      return "origin-unavailable";
    }

    @Override
    public boolean retryable() {
      return !lasting;
    }
  }

  /**
   * A bound of time was reached: the caller's deadline, or one of the limits on an origin's silence
   * or slowness.
   */
  public static final class TimedOut extends CacheException {
    private static final long serialVersionUID = 1L;

    public TimedOut(String message, @Nullable Throwable cause) {
      super(message, cause);
    }

    @Override
    public String code() {
      return "timeout";
    }

    @Override
    public boolean retryable() {
      return true;
    }
  }

  /** The agent is stopping. */
  public static final class Draining extends CacheException {
    private static final long serialVersionUID = 1L;

    public Draining() {
      super("the agent is stopping and takes no new work; try again when it is back", null);
    }

    @Override
    public String code() {
      return "draining";
    }

    @Override
    public boolean retryable() {
      return true;
    }
  }

  /** The agent cannot work now: it is still starting, or its disk fails. */
  public static final class NotReady extends CacheException {
    private static final long serialVersionUID = 1L;
    private final boolean storageFault;

    public NotReady(String message, @Nullable Throwable cause) {
      this(message, cause, false);
    }

    private NotReady(String message, @Nullable Throwable cause, boolean storageFault) {
      super(message, cause);
      this.storageFault = storageFault;
    }

    /** An I/O error of the disk. */
    public static NotReady ofStorage(String message, Throwable cause) {
      return new NotReady(message, cause, true);
    }

    /** Whether the disk failed, which is a reason to doubt it. */
    public boolean isStorageFault() {
      return storageFault;
    }

    @Override
    public String code() {
      return "not-ready";
    }

    @Override
    public boolean retryable() {
      return true;
    }
  }

  /** A limit of the agent or the machine is reached for the moment, such as open files. */
  public static final class Busy extends CacheException {
    private static final long serialVersionUID = 1L;

    public Busy(String message, @Nullable Throwable cause) {
      super(message, cause);
    }

    @Override
    public String code() {
      return "busy";
    }

    @Override
    public boolean retryable() {
      return true;
    }
  }

  /**
   * There is no room and nothing left to evict: all the rest is in use, or the file system is full.
   * Sizes in bytes.
   */
  public static final class InsufficientSpace extends CacheException {
    private static final long serialVersionUID = 1L;
    private final long neededBytes;
    private final long inUseBytes;
    private final long quotaBytes;

    public InsufficientSpace(String message, long neededBytes, long inUseBytes, long quotaBytes) {
      super(message, null);
      this.neededBytes = neededBytes;
      this.inUseBytes = inUseBytes;
      this.quotaBytes = quotaBytes;
    }

    public long neededBytes() {
      return neededBytes;
    }

    public long inUseBytes() {
      return inUseBytes;
    }

    public long quotaBytes() {
      return quotaBytes;
    }

    @Override
    public String code() {
      return "insufficient-space";
    }

    @Override
    public boolean retryable() {
      return true;
    }
  }
}
