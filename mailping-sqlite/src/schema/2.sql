-- Schema 2: opens arrive here in the order of their batches, and are folded into their tree later, many at once.

CREATE TABLE arrivals (
    seq INTEGER PRIMARY KEY,        -- never given twice
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
    city TEXT
) STRICT;

-- One row: the highest number whose row was taken out before the ones after it, so that no number is given twice.
CREATE TABLE arrivals_taken (seq INTEGER NOT NULL) STRICT;
INSERT INTO arrivals_taken (seq) VALUES (0);
