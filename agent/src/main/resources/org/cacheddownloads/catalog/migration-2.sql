-- Layout 2. synced: modification time, in microseconds, of the file that was synced; a later file of the same digest has another one.
-- durable is -2 for what could not be synced: it is to be dropped, and no hash makes it trusted.
-- sum: CRC-32C of the entry's other values, against bits that flip; NULL in entries that layout 1 wrote.
ALTER TABLE blobs ADD COLUMN synced INTEGER NOT NULL DEFAULT 0;
ALTER TABLE entries ADD COLUMN sum INTEGER;
