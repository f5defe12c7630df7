-- Layout 2. sum: CRC-32C of the entry's other values, against bits that flip; NULL in entries that layout 1 wrote.
ALTER TABLE entries ADD COLUMN sum INTEGER;
