-- Schema 1 of the spool: what waits for the database, and no more than the database will be given.

CREATE TABLE opens (
    ping BLOB NOT NULL,
    id BLOB NOT NULL,
    at INTEGER NOT NULL,
    time_step INTEGER NOT NULL,
    fetcher INTEGER NOT NULL,
    provider INTEGER,
    verdict INTEGER NOT NULL,
    evidence INTEGER NOT NULL,
    rules_version INTEGER NOT NULL,
    network TEXT,
    country TEXT,
    city TEXT,
    PRIMARY KEY (ping, id)
) WITHOUT ROWID, STRICT;

CREATE TABLE last_days (
    ping BLOB NOT NULL PRIMARY KEY,
    day INTEGER NOT NULL
) WITHOUT ROWID, STRICT;
