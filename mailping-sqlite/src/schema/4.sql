-- Schema 4: a row of opens is a bundle of them, not one. What was there is bundled by src/schema/bundle.rs, which drops it then.

ALTER TABLE opens RENAME TO opens_in_rows;

-- Bundles are appended, so that their pages are full and written once; what goes to a random place is an entry of the index for each.
CREATE TABLE opens (
    bundle INTEGER PRIMARY KEY,
    ping BLOB NOT NULL,
    last INTEGER NOT NULL,          -- the number that the last of these opens had among the arrivals
    opens BLOB NOT NULL             -- the fields of each in turn but the ping, in the format of postcard: see src/packed.rs
) STRICT;
CREATE UNIQUE INDEX opens_by_ping ON opens (ping, last);
