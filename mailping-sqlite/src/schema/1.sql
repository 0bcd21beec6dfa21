-- Schema 1. Times are Unix milliseconds; codes are the stable numbers of mailping-core.

-- One row for each message. Its opens are found by its id.
CREATE TABLE pings (
    id BLOB NOT NULL PRIMARY KEY,   -- 16 bytes, in time order of sending
    status INTEGER NOT NULL,
    record_until INTEGER NOT NULL,
    keep_until INTEGER NOT NULL,
    sent_at INTEGER NOT NULL,
    detail INTEGER NOT NULL,
    time_step INTEGER NOT NULL,
    purpose INTEGER NOT NULL,
    kind INTEGER,
    eprivacy INTEGER,
    last_day INTEGER,               -- at the detail `last_day`: the day of the latest fetch that a person caused
    recipient_key INTEGER,          -- the recipient's keyed hash and its key's fingerprint, never the address
    recipient_hash BLOB,
    reference TEXT NOT NULL,
    owner TEXT,
    basis TEXT NOT NULL             -- JSON
) STRICT;

-- What every batch of opens asks: does this ping record? A narrow tree, so that it stays in memory.
CREATE INDEX pings_recording ON pings (id, record_until) WHERE status = 0;
CREATE INDEX pings_by_owner ON pings (owner, id) WHERE owner IS NOT NULL;
CREATE INDEX pings_by_reference ON pings (reference, id);
CREATE INDEX pings_by_recipient ON pings (recipient_key, recipient_hash, id) WHERE recipient_key IS NOT NULL;
CREATE INDEX pings_by_keep_until ON pings (keep_until);

-- One clustered tree and no other index: a second tree over random keys is what a hit costs.
CREATE TABLE opens (
    ping BLOB NOT NULL,
    id BLOB NOT NULL,               -- 8 random bytes
    at INTEGER NOT NULL,            -- the start of its time step
    time_step INTEGER NOT NULL,
    fetcher INTEGER NOT NULL,
    provider INTEGER,
    verdict INTEGER NOT NULL,
    evidence INTEGER NOT NULL,      -- the bits of the set
    rules_version INTEGER NOT NULL,
    network TEXT,                   -- masked, such as 192.0.2.0/24
    country TEXT,
    city TEXT,
    PRIMARY KEY (ping, id)
) WITHOUT ROWID, STRICT;

-- Recipients who do not want to be tracked. Outlives their pings.
CREATE TABLE objections (
    key INTEGER NOT NULL,
    hash BLOB NOT NULL,
    PRIMARY KEY (key, hash)
) WITHOUT ROWID, STRICT;
