-- Layout 4. What the origin said of the lifetime, verbatim: a 304 replaces it field by field. NULL in entries of before.
ALTER TABLE entries ADD COLUMN cache_control TEXT;
ALTER TABLE entries ADD COLUMN expires TEXT;
