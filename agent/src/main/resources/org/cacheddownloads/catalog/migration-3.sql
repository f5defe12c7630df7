-- Layout 3: trees are blobs of form 2. allocated and inodes: of all that is in them; tree: SHA-256 of the manifest; tree_bytes and
-- tree_files: sizes of the regular files, and how many there are.
ALTER TABLE blobs ADD COLUMN inodes INTEGER NOT NULL DEFAULT 1;
ALTER TABLE blobs ADD COLUMN tree BLOB;
ALTER TABLE blobs ADD COLUMN tree_bytes INTEGER NOT NULL DEFAULT 0;
ALTER TABLE blobs ADD COLUMN tree_files INTEGER NOT NULL DEFAULT 0;

-- deliver: content.Deliver.
ALTER TABLE downloads ADD COLUMN deliver INTEGER NOT NULL DEFAULT 0;
ALTER TABLE downloads ADD COLUMN tree BLOB;
ALTER TABLE downloads ADD COLUMN tree_bytes INTEGER NOT NULL DEFAULT 0;
ALTER TABLE downloads ADD COLUMN tree_files INTEGER NOT NULL DEFAULT 0;

-- blobs: rows but trees.
ALTER TABLE totals ADD COLUMN trees INTEGER NOT NULL DEFAULT 0;
ALTER TABLE totals ADD COLUMN inodes INTEGER NOT NULL DEFAULT 0;
UPDATE totals SET inodes = blobs;
DROP TRIGGER blob_added;
DROP TRIGGER blob_removed;
DROP TRIGGER blob_resized;
CREATE TRIGGER blob_added AFTER INSERT ON blobs BEGIN
    UPDATE totals SET blobs = blobs + (NEW.form <> 2), trees = trees + (NEW.form = 2), allocated = allocated + NEW.allocated,
        inodes = inodes + NEW.inodes;
END;
CREATE TRIGGER blob_removed AFTER DELETE ON blobs BEGIN
    UPDATE totals SET blobs = blobs - (OLD.form <> 2), trees = trees - (OLD.form = 2), allocated = allocated - OLD.allocated,
        inodes = inodes - OLD.inodes;
END;
CREATE TRIGGER blob_resized AFTER UPDATE OF allocated, inodes ON blobs BEGIN
    UPDATE totals SET allocated = allocated + NEW.allocated - OLD.allocated, inodes = inodes + NEW.inodes - OLD.inodes;
END;
