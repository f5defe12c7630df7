-- Layout 1. Times are microseconds since 1970; digests are the 32 bytes of a SHA-256; flags are 0 or 1.
CREATE TABLE meta (
    name  TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- One row per file under blobs/. allocated: the blocks it occupies, in bytes.
CREATE TABLE blobs (
    id        INTEGER PRIMARY KEY,
    digest    BLOB    NOT NULL,
    form      INTEGER NOT NULL,             -- content.Form
    size      INTEGER NOT NULL,
    allocated INTEGER NOT NULL,
    last_used INTEGER NOT NULL,             -- when last handed out; no two are equal
    durable   INTEGER NOT NULL,             -- 1 synced; 0 not yet; -1 not synced before a power cut: hashed before its first use
    idle      INTEGER NOT NULL,             -- a hint for choosing victims; link counts are the truth
    for_anybody INTEGER NOT NULL DEFAULT 0, -- 1 once an origin gave the bytes to somebody without credentials
    UNIQUE (digest, form)
) STRICT;
CREATE INDEX blobs_victims ON blobs (last_used) WHERE idle = 1;
CREATE INDEX blobs_in_use ON blobs (id) WHERE idle = 0;
CREATE INDEX blobs_not_durable ON blobs (durable) WHERE durable <> 1;

CREATE TABLE entries (
    id            INTEGER PRIMARY KEY,
    key           TEXT    NOT NULL UNIQUE,
    digest        BLOB    NOT NULL,
    size          INTEGER NOT NULL,
    source        TEXT,                     -- identity of the URL; NULL where it is the key
    etag          TEXT,
    last_modified TEXT,
    fetched_at    INTEGER NOT NULL,
    validated_at  INTEGER NOT NULL,
    fresh_until   INTEGER,
    directives    INTEGER NOT NULL,         -- 1: no-cache, 2: must-revalidate; added
    vary          TEXT,
    selecting     TEXT
) STRICT;
CREATE INDEX entries_digest ON entries (digest);
CREATE INDEX entries_source ON entries (source) WHERE source IS NOT NULL;

-- On whose authority an entry may be handed out: '' for anybody, else a keyed hash of credentials that the origin accepted.
CREATE TABLE grants (
    key         TEXT    NOT NULL,
    credentials TEXT    NOT NULL,
    granted_at  INTEGER NOT NULL,
    PRIMARY KEY (key, credentials)
) STRICT, WITHOUT ROWID;

-- Checksums other than SHA-256 that blobs are known to have.
CREATE TABLE checksums (
    algorithm TEXT NOT NULL,
    hex       TEXT NOT NULL,
    digest    BLOB NOT NULL,
    PRIMARY KEY (algorithm, hex)
) STRICT, WITHOUT ROWID;
CREATE INDEX checksums_digest ON checksums (digest);

-- What views cannot say of themselves.
CREATE TABLE containers (
    container  TEXT PRIMARY KEY,
    created_at INTEGER NOT NULL,
    expires_at INTEGER
) STRICT, WITHOUT ROWID;

CREATE TABLE downloads (
    container     TEXT    NOT NULL,
    name          TEXT    NOT NULL,
    digest        BLOB    NOT NULL,
    form          INTEGER NOT NULL,
    key           TEXT    NOT NULL,
    cache_key     TEXT,
    url           TEXT    NOT NULL,
    size          INTEGER NOT NULL,
    outcome       TEXT    NOT NULL,
    bytes_fetched INTEGER NOT NULL,
    duration      INTEGER NOT NULL,         -- milliseconds
    etag          TEXT,
    last_modified TEXT,
    fresh_until   INTEGER,
    PRIMARY KEY (container, name)
) STRICT, WITHOUT ROWID;

-- Sums kept by the triggers below, so that no start has to add up a million rows.
CREATE TABLE totals (
    id        INTEGER PRIMARY KEY CHECK (id = 1),
    blobs     INTEGER NOT NULL,
    allocated INTEGER NOT NULL,
    entries   INTEGER NOT NULL
) STRICT;
INSERT INTO totals VALUES (1, 0, 0, 0);
CREATE TRIGGER blob_added AFTER INSERT ON blobs BEGIN
    UPDATE totals SET blobs = blobs + 1, allocated = allocated + NEW.allocated;
END;
CREATE TRIGGER blob_removed AFTER DELETE ON blobs BEGIN
    UPDATE totals SET blobs = blobs - 1, allocated = allocated - OLD.allocated;
END;
CREATE TRIGGER blob_resized AFTER UPDATE OF allocated ON blobs BEGIN
    UPDATE totals SET allocated = allocated + NEW.allocated - OLD.allocated;
END;
CREATE TRIGGER entry_added AFTER INSERT ON entries BEGIN
    UPDATE totals SET entries = entries + 1;
END;
CREATE TRIGGER entry_removed AFTER DELETE ON entries BEGIN
    UPDATE totals SET entries = entries - 1;
    DELETE FROM grants WHERE key = OLD.key;
END;
