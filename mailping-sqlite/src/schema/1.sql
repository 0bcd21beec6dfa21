-- Schema 1. Times are Unix milliseconds; codes are the stable numbers of mailping-core, and `names`
-- says what they mean.

-- One row: what this file is to the outside, and how far the index of opens has come.
CREATE TABLE about (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    id TEXT NOT NULL CHECK (length(id) = 16),   -- random: stands in marks, so that those of another file are refused
    indexed_to INTEGER NOT NULL,    -- every open up to this number is in `opens_by_ping`
    deleted_to INTEGER NOT NULL,    -- no open that was deleted had a greater number: none is given again
    index_broken INTEGER NOT NULL   -- 1: a page of it is damaged, and it is made anew at the next start
) STRICT;
INSERT INTO about (one, id, indexed_to, deleted_to, index_broken) VALUES (1, lower(hex(randomblob(8))), 0, 0, 0);

-- One row for each message. `n` is what its opens repeat: small, and near to those of the pings
-- made at the same time.
CREATE TABLE pings (
    n INTEGER PRIMARY KEY AUTOINCREMENT,
    id BLOB NOT NULL UNIQUE CHECK (length(id) = 16),    -- in time order of sending
    status INTEGER NOT NULL,
    record_until INTEGER NOT NULL,
    keep_until INTEGER NOT NULL,
    sent_at INTEGER NOT NULL,
    detail INTEGER NOT NULL,
    time_step INTEGER NOT NULL,
    purpose INTEGER NOT NULL,
    kind INTEGER,
    eprivacy INTEGER,
    recipient_key INTEGER,          -- the recipient's keyed hash and its key's fingerprint, never the address
    recipient_hash BLOB CHECK (length(recipient_hash) = 32),
    reference TEXT NOT NULL,
    owner TEXT,
    basis TEXT NOT NULL,            -- JSON
    asked_by TEXT,                  -- who asks for a confirmation of receipt, in words for the recipient
    shows_reference INTEGER NOT NULL DEFAULT 0  -- 1: the page that asks shows the reference
) STRICT;
CREATE INDEX pings_by_owner ON pings (owner, id) WHERE owner IS NOT NULL;
CREATE INDEX pings_by_reference ON pings (reference, id);
CREATE INDEX pings_by_recipient ON pings (recipient_key, recipient_hash, id) WHERE recipient_key IS NOT NULL;
CREATE INDEX pings_by_keep_until ON pings (keep_until);

-- One row for each open, where it arrived: appended and never moved. AUTOINCREMENT would write a
-- second page for each hit.
CREATE TABLE opens (
    seq INTEGER PRIMARY KEY,
    ping INTEGER NOT NULL,          -- `pings.n`
    id BLOB NOT NULL CHECK (length(id) = 8),    -- random
    at INTEGER NOT NULL,            -- the start of its time step
    time_step INTEGER NOT NULL,
    fetcher INTEGER NOT NULL,
    provider INTEGER,
    verdict INTEGER NOT NULL,
    evidence INTEGER NOT NULL,      -- a bit for each reason
    rules_version INTEGER NOT NULL,
    -- Masked: the last octet of an IPv4 network is 0 and its prefix at most 24 bits, that of an
    -- IPv6 network at most 48.
    network TEXT CHECK (network NOT GLOB '*/*/*' AND (
        network NOT GLOB '*[^0-9./]*' AND network GLOB '*.*.*.0/*' AND network NOT GLOB '*.*.*.*.*'
            AND (network GLOB '*/[0-9]' OR network GLOB '*/1[0-9]' OR network GLOB '*/2[0-4]')
        OR network NOT GLOB '*[^0-9a-f:/]*' AND network GLOB '*::/*'
            AND network NOT GLOB '*:*:*:*::/*' AND network NOT GLOB '*::*::*'
            AND (network GLOB '*/[0-9]' OR network GLOB '*/[1-3][0-9]' OR network GLOB '*/4[0-8]')
            AND (network NOT GLOB '2002:*' OR network NOT GLOB '*/4[1-9]'
                AND (network NOT GLOB '2002:*:*::/*' OR network GLOB '*00::/*')))),
    country TEXT CHECK (length(country) = 2),
    city TEXT CHECK (length(city) BETWEEN 1 AND 200),
    tie INTEGER NOT NULL            -- a sum of the ping's id, `id` and `at`: a damaged row is not shown at a wrong ping
) STRICT;

CREATE TRIGGER opens_deleted BEFORE DELETE ON opens WHEN OLD.seq > (SELECT deleted_to FROM about) BEGIN
    UPDATE about SET deleted_to = OLD.seq;
END;

-- The reader's order of opens. Filled late, in sorted rounds: a page written for nearly each open
-- is what it costs otherwise.
CREATE TABLE opens_by_ping (
    ping INTEGER NOT NULL,
    at INTEGER NOT NULL,
    id BLOB NOT NULL,
    seq INTEGER NOT NULL,
    PRIMARY KEY (ping, at, id, seq)
) WITHOUT ROWID, STRICT;

-- At the detail `last_day`: the day of the latest fetch that a person caused. A row that is raised
-- gets a new number.
CREATE TABLE last_days (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    ping INTEGER NOT NULL UNIQUE,   -- `pings.n`
    day INTEGER NOT NULL
) STRICT;

-- What became of a message beside its opens: of each kind one, the first. A server's own words are
-- not kept: they can repeat an address, which no column here can hold.
CREATE TABLE milestones (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    ping INTEGER NOT NULL,          -- `pings.n`
    kind INTEGER NOT NULL,
    at INTEGER NOT NULL,            -- the start of its time step
    time_step INTEGER NOT NULL,
    reply_code INTEGER CHECK (reply_code BETWEEN 200 AND 599),
    status_code TEXT CHECK (status_code GLOB '[245].[0-9]*.[0-9]*' AND status_code NOT GLOB '*[^0-9.]*' AND length(status_code) <= 9),
    verdict INTEGER,                -- of a confirmation
    evidence INTEGER NOT NULL,
    rules_version INTEGER NOT NULL,
    tie INTEGER NOT NULL,           -- as in `opens`, over the ping's id, `kind` and `at`
    UNIQUE (ping, kind)
) STRICT;

-- Recipients who do not want to be tracked, or want nothing to be kept. Outlives their pings.
CREATE TABLE objections (
    key INTEGER NOT NULL,
    hash BLOB NOT NULL CHECK (length(hash) = 32),
    scope INTEGER NOT NULL DEFAULT 0,   -- 0: to opens, 1: to everything
    PRIMARY KEY (key, hash)
) STRICT;

-- What sealing keeps: nothing, unless a program on this file seals. Where it stands: one row.
CREATE TABLE ledger (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    version INTEGER NOT NULL,       -- rises with each step
    next INTEGER NOT NULL,          -- the seal that is being filled
    closed_to INTEGER NOT NULL,     -- until when all seals before it are closed
    text TEXT NOT NULL              -- the signing key, the period, the signed head of the log
) STRICT;
INSERT INTO ledger (one, version, next, closed_to, text) VALUES (1, 0, 0, 0, '');

-- What makes the log's entries about a ping readable. A row is appended, never moved, and
-- overwritten in its place when its ping is erased, so that SQLite leaves no copy of it behind.
CREATE TABLE nonces (
    n INTEGER PRIMARY KEY,
    nonce BLOB NOT NULL CHECK (length(nonce) = 32)  -- random; zeros once its ping is gone
) STRICT;

-- One row for each ping that is sealed.
CREATE TABLE sealed_pings (
    ping BLOB NOT NULL PRIMARY KEY, -- `pings.id`
    nonce INTEGER NOT NULL,         -- `nonces.n`
    key INTEGER NOT NULL,           -- the fingerprint of the key that goes with it
    first INTEGER NOT NULL,         -- the seal of its first statement
    last INTEGER,                   -- the seal of its last one, once it has ended
    ends_at INTEGER NOT NULL        -- `record_until`; 0 once it gains nothing any more
) WITHOUT ROWID, STRICT;
CREATE INDEX sealed_pings_by_key ON sealed_pings (key);
CREATE INDEX sealed_pings_by_end ON sealed_pings (ends_at) WHERE last IS NULL;
CREATE INDEX sealed_pings_by_last ON sealed_pings (last) WHERE last IS NOT NULL;
CREATE TRIGGER sealed_pings_end AFTER UPDATE OF status ON pings
WHEN NEW.status = 4 OR NEW.status = 1 AND NEW.asked_by IS NULL BEGIN
    UPDATE sealed_pings SET ends_at = 0 WHERE ping = NEW.id;
END;

-- What is sealed of a ping, line by line as a receipt prints it.
CREATE TABLE statements (
    ping BLOB NOT NULL,             -- `pings.id`
    name TEXT NOT NULL,             -- which one of its ping: an open's id, a milestone, `created`, `ended`, `last_day`
    seal INTEGER NOT NULL,
    ends INTEGER NOT NULL,          -- when the step of its time ends
    line TEXT NOT NULL,
    PRIMARY KEY (ping, name)
) WITHOUT ROWID, STRICT;
CREATE INDEX statements_by_seal ON statements (seal, ping, ends);

-- The log: hashes, and what they are of is in `statements` alone.
CREATE TABLE seals (
    number INTEGER PRIMARY KEY,
    entry TEXT NOT NULL,            -- its number, its period, and the root over its leaves
    parts BLOB NOT NULL             -- the hashes of the parts of its leaves
) STRICT;
CREATE TABLE seal_leaves (
    seal INTEGER NOT NULL,
    part INTEGER NOT NULL,
    leaves BLOB NOT NULL,           -- a tag and a value of 32 bytes for each ping
    PRIMARY KEY (seal, part)
) STRICT;

-- Signed heads of the log that an outside authority has stamped.
CREATE TABLE stamps (
    n INTEGER PRIMARY KEY,
    size INTEGER NOT NULL,          -- how many seals it has
    note TEXT NOT NULL,
    token BLOB NOT NULL             -- RFC 3161
) STRICT;

-- What the codes mean, for people who read the file with SQL. Brought up to date when a store opens
-- it; what a newer version has added stays.
CREATE TABLE names (
    list TEXT NOT NULL,
    code INTEGER NOT NULL,
    name TEXT NOT NULL,
    PRIMARY KEY (list, code)
) WITHOUT ROWID, STRICT;

-- The views are read with whatever SQLite a person has: nothing in them is newer than the tables
-- themselves (3.37). They do not check `tie`: a damaged row may stand in them at a wrong ping.

-- Each open with names instead of codes. A time has no digit that its step leaves open:
-- `2026-11-27` is a day, `2026-11-27T10:00Z` an hour. A step that only a newer version knows reads
-- as the next coarser one.
CREATE VIEW opens_readable AS
SELECT lower(substr(hex(p.id), 1, 8) || '-' || substr(hex(p.id), 9, 4) || '-' || substr(hex(p.id), 13, 4) || '-' ||
        substr(hex(p.id), 17, 4) || '-' || substr(hex(p.id), 21)) AS ping,
    p.reference AS reference,
    p.owner AS owner,
    lower(hex(o.id)) AS id,
    strftime(CASE WHEN o.time_step >= 4 THEN '%Y-%m-%dT%H:%M:%fZ' WHEN o.time_step >= 2 THEN '%Y-%m-%dT%H:00Z' ELSE '%Y-%m-%d' END,
        o.at / 1000.0, 'unixepoch') AS at,
    (SELECT name FROM names WHERE list = 'time_step' AND code <= o.time_step ORDER BY code DESC LIMIT 1) AS time_step,
    coalesce((SELECT name FROM names WHERE list = 'fetcher' AND code = o.fetcher), 'unknown') AS fetcher,
    (SELECT name FROM names WHERE list = 'provider' AND code = o.provider) AS provider,
    coalesce((SELECT name FROM names WHERE list = 'verdict' AND code = o.verdict), 'uncertain') AS verdict,
    (SELECT group_concat(name, ', ') FROM (SELECT name FROM names
        WHERE list = 'evidence' AND o.evidence & (1 << code) <> 0 ORDER BY code)) AS evidence,
    o.rules_version AS rules_version,
    o.network AS network,
    o.country AS country,
    o.city AS city
FROM opens AS o JOIN pings AS p ON p.n = o.ping;

-- Each ping with its opens summed up. Repeats are not taken together here: how far apart they may
-- be is a setting of the program. A row that the sender's own network caused (net:own) is counted
-- as a fetch and says nothing about the recipient.
CREATE VIEW receipts AS
SELECT lower(substr(hex(p.id), 1, 8) || '-' || substr(hex(p.id), 9, 4) || '-' || substr(hex(p.id), 13, 4) || '-' ||
        substr(hex(p.id), 17, 4) || '-' || substr(hex(p.id), 21)) AS ping,
    p.reference AS reference,
    p.owner AS owner,
    CASE WHEN p.status = 0 AND p.record_until <= CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER) THEN 'expired'
        ELSE coalesce((SELECT name FROM names WHERE list = 'status' AND code = p.status), 'unknown') END AS status,
    CASE WHEN l.day IS NOT NULL OR s.human_rows > 0 THEN 'opened'
        WHEN s.uncertain_rows > 0 THEN 'uncertain'
        WHEN s.machine_rows > 0 THEN 'machine_only'
        ELSE 'no_fetch' END AS state,
    coalesce((SELECT name FROM milestones AS m JOIN names ON list = 'milestone' AND code = kind
        WHERE m.ping = p.n AND kind < 100 ORDER BY kind DESC LIMIT 1), 'unknown') AS delivery,
    (SELECT strftime(CASE WHEN m.time_step >= 4 THEN '%Y-%m-%dT%H:%M:%fZ' WHEN m.time_step >= 2 THEN '%Y-%m-%dT%H:00Z' ELSE '%Y-%m-%d' END,
        m.at / 1000.0, 'unixepoch') FROM milestones AS m WHERE m.ping = p.n AND kind = 100) AS confirmed_at,
    coalesce(s.fetches, 0) AS fetches,
    coalesce(s.human_rows, 0) AS human_rows,
    coalesce(s.machine_rows, 0) AS machine_rows,
    coalesce(s.uncertain_rows, 0) AS uncertain_rows,
    strftime(CASE WHEN CAST(substr(s.first_human, 34) AS INTEGER) >= 4 THEN '%Y-%m-%dT%H:%M:%fZ' WHEN CAST(substr(s.first_human, 34) AS INTEGER) >= 2 THEN '%Y-%m-%dT%H:00Z' ELSE '%Y-%m-%d' END,
        substr(s.first_human, 1, 15) / 1000.0, 'unixepoch') AS first_human_open,
    (SELECT strftime(CASE WHEN (last & 255) >= 4 THEN '%Y-%m-%dT%H:%M:%fZ' WHEN (last & 255) >= 2 THEN '%Y-%m-%dT%H:00Z' ELSE '%Y-%m-%d' END,
        (last >> 8) / 1000.0, 'unixepoch')
        FROM (SELECT max(coalesce(s.last_human, l.day << 8), coalesce(l.day << 8, s.last_human)) AS last)) AS last_human_open,
    (SELECT name FROM names WHERE list = 'detail' AND code <= p.detail ORDER BY code DESC LIMIT 1) AS detail,
    strftime('%Y-%m-%dT%H:%M:%fZ', p.sent_at / 1000.0, 'unixepoch') AS sent_at,
    strftime('%Y-%m-%dT%H:%M:%fZ', p.record_until / 1000.0, 'unixepoch') AS record_until,
    strftime('%Y-%m-%dT%H:%M:%fZ', p.keep_until / 1000.0, 'unixepoch') AS keep_until
FROM pings AS p
LEFT JOIN last_days AS l ON l.ping = p.n
LEFT JOIN (
    SELECT ping, count(*) AS fetches,
        count(*) FILTER (WHERE verdict = 1 AND NOT own) AS human_rows,
        count(*) FILTER (WHERE verdict = 2 AND NOT own) AS machine_rows,
        count(*) FILTER (WHERE verdict NOT IN (1, 2) AND NOT own) AS uncertain_rows,
        min(printf('%015d %s %d', at, hex(id), time_step)) FILTER (WHERE verdict = 1 AND NOT own) AS first_human,
        max(at << 8 | time_step) FILTER (WHERE verdict = 1 AND NOT own) AS last_human
    FROM (
        SELECT ping, at, id, time_step, verdict,
            evidence & (1 << (SELECT code FROM names WHERE list = 'evidence' AND name = 'net:own')) <> 0 AS own
        FROM opens
    ) GROUP BY ping
) AS s ON s.ping = p.n;
