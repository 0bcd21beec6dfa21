-- Schema 1. Times are Unix milliseconds; codes are the stable numbers of mailping-core, named in
-- `names`. No check on a list of codes: a newer version on the same database may write new ones.

-- One row for each message. Its opens are found by its id.
CREATE TABLE pings (
    id uuid NOT NULL PRIMARY KEY,       -- in time order of sending
    record_until bigint NOT NULL CHECK (record_until BETWEEN 0 AND 253402300799999),
    keep_until bigint NOT NULL CHECK (keep_until BETWEEN 0 AND 253402300799999),
    sent_at bigint NOT NULL CHECK (sent_at BETWEEN 0 AND 253402300799999),
    status smallint NOT NULL,
    detail smallint NOT NULL,
    time_step smallint NOT NULL,
    purpose smallint NOT NULL,
    kind smallint,
    eprivacy smallint,
    recipient_key bigint,               -- the recipient's keyed hash and its key's fingerprint, never the address
    recipient_hash bytea CHECK (octet_length(recipient_hash) = 32),
    reference text COLLATE "C" NOT NULL,
    owner text COLLATE "C",
    basis text NOT NULL,                -- JSON
    asked_by text COLLATE "C",          -- who asks for a confirmation of receipt, in words for the recipient
    shows_reference boolean NOT NULL DEFAULT false, -- whether the page that asks shows the reference
    CHECK ((recipient_key IS NULL) = (recipient_hash IS NULL))
);

-- None of them holds the status, so that a change of it touches no index.
CREATE INDEX pings_by_owner ON pings (owner, id) WHERE owner IS NOT NULL;
CREATE INDEX pings_by_reference ON pings (reference, id);
CREATE INDEX pings_by_recipient ON pings (recipient_key, recipient_hash, id) WHERE recipient_key IS NOT NULL;
CREATE INDEX pings_by_keep_until ON pings (keep_until, id);

-- No foreign key: it would lock the ping's row for every open, and the store's own lock already
-- keeps opens from coming after their ping has gone.
CREATE TABLE opens (
    ping uuid NOT NULL,
    id bigint NOT NULL,                 -- 8 random bytes, the highest bit flipped: it sorts as the bytes do
    at bigint NOT NULL CHECK (at BETWEEN 0 AND 253402300799999), -- the start of its time step
    evidence bigint NOT NULL,           -- the bits of the set
    xact bigint NOT NULL,               -- the transaction that wrote it, and its place in that: the order of what is new
    place integer NOT NULL,
    rules_version integer NOT NULL,
    time_step smallint NOT NULL,
    fetcher smallint NOT NULL,
    verdict smallint NOT NULL,
    provider smallint,
    -- Never finer than masking leaves one, whoever writes.
    network cidr CHECK (masklen(network) <= CASE
        WHEN family(network) = 4 THEN 24 WHEN network <<= '2002::/16' THEN 40 ELSE 48 END),
    country text COLLATE "C",
    city text COLLATE "C",
    -- The reader's order, so that it is the only index over random keys: such a one is what a hit
    -- costs.
    PRIMARY KEY (ping, at, id)
);

-- Transactions have rising numbers, so that this one grows at its end.
CREATE INDEX opens_by_xact ON opens (xact, place);

-- At the detail `last_day`: the day of the latest fetch that a person caused, and who raised it
-- last.
CREATE TABLE last_days (
    ping uuid NOT NULL PRIMARY KEY,
    day bigint NOT NULL CHECK (day BETWEEN 0 AND 253402300799999),
    xact bigint NOT NULL,
    place integer NOT NULL
);
CREATE INDEX last_days_by_xact ON last_days (xact, place);

-- What became of a message beside its opens: of each kind one, the first. A server's own words are
-- not kept: they can repeat an address, which no column here can hold.
CREATE TABLE milestones (
    ping uuid NOT NULL,
    kind smallint NOT NULL,
    at bigint NOT NULL CHECK (at BETWEEN 0 AND 253402300799999), -- the start of its time step
    evidence bigint NOT NULL,           -- of a confirmation: the bits of the set
    xact bigint NOT NULL,               -- as in `opens`
    place integer NOT NULL,
    rules_version integer NOT NULL,
    time_step smallint NOT NULL,
    reply_code smallint CHECK (reply_code BETWEEN 200 AND 599),
    verdict smallint,                   -- of a confirmation
    status_code text COLLATE "C" CHECK (status_code ~ '^[245][.][0-9]{1,3}[.][0-9]{1,3}$'),
    PRIMARY KEY (ping, kind)
);
CREATE INDEX milestones_by_xact ON milestones (xact, place);

-- Recipients who do not want to be tracked, or want nothing to be kept. Outlives their pings.
CREATE TABLE objections (
    key bigint NOT NULL,
    hash bytea NOT NULL CHECK (octet_length(hash) = 32),
    scope smallint NOT NULL DEFAULT 0,  -- 0: to opens, 1: to everything
    PRIMARY KEY (key, hash)
);

-- What sealing keeps: nothing, unless a program on this database seals. Where it stands: one row.
CREATE TABLE ledger (
    one smallint NOT NULL PRIMARY KEY CHECK (one = 1),
    version bigint NOT NULL CHECK (version >= 0),   -- rises with each step
    next bigint NOT NULL CHECK (next >= 0),         -- the seal that is being filled
    closed_to bigint NOT NULL CHECK (closed_to BETWEEN 0 AND 253402300799999), -- until when all seals before it are closed
    text text COLLATE "C" NOT NULL                  -- the signing key, the period, the signed head of the log
);
INSERT INTO ledger (one, version, next, closed_to, text) VALUES (1, 0, 0, 0, '');

-- One row for each ping that is sealed. Without its nonce the log's entries about it are noise.
CREATE TABLE sealed_pings (
    ping uuid NOT NULL PRIMARY KEY,
    nonce bytea NOT NULL CHECK (octet_length(nonce) = 32), -- random
    key bigint NOT NULL,                -- the fingerprint of the key that goes with it
    first bigint NOT NULL,              -- the seal of its first statement
    last bigint,                        -- the seal of its last one, once it has ended
    ends_at bigint NOT NULL,            -- `record_until`; 0 once it gains nothing any more
    xact bigint,                        -- the transaction that ended it
    CHECK ((last IS NULL) = (xact IS NULL))
);
CREATE INDEX sealed_pings_by_key ON sealed_pings (key);
CREATE INDEX sealed_pings_by_first ON sealed_pings (first);
CREATE INDEX sealed_pings_by_end ON sealed_pings (ends_at) WHERE last IS NULL;
CREATE INDEX sealed_pings_by_last ON sealed_pings (last, ping) WHERE last IS NOT NULL;

-- What is sealed of a ping, line by line as a receipt prints it.
CREATE TABLE statements (
    ping uuid NOT NULL,
    name text COLLATE "C" NOT NULL,     -- which one of its ping: an open's id, a milestone, `created`, `ended`, `last_day`
    seal bigint NOT NULL,
    ends bigint NOT NULL CHECK (ends BETWEEN 0 AND 253402300799999), -- when the step of its time ends
    line text COLLATE "C" NOT NULL,
    PRIMARY KEY (ping, name)
);
CREATE INDEX statements_by_seal ON statements (seal, ping, ends);

-- The log: hashes, and what they are of is in `statements` alone.
CREATE TABLE seals (
    number bigint NOT NULL PRIMARY KEY,
    entry text COLLATE "C" NOT NULL,    -- its number, its period, and the root over its leaves
    parts bytea NOT NULL                -- the hashes of the parts of its leaves
);
CREATE TABLE seal_leaves (
    seal bigint NOT NULL,
    part bigint NOT NULL,
    leaves bytea NOT NULL,              -- a tag and a value of 32 bytes for each ping
    PRIMARY KEY (seal, part)
);
-- Hashes do not shrink.
ALTER TABLE seals ALTER COLUMN parts SET STORAGE EXTERNAL;
ALTER TABLE seal_leaves ALTER COLUMN leaves SET STORAGE EXTERNAL;

-- Signed heads of the log that an outside authority has stamped.
CREATE TABLE stamps (
    n bigint PRIMARY KEY,               -- counted by who holds the ledger's row
    size bigint NOT NULL,               -- how many seals it has
    note text COLLATE "C" NOT NULL,
    token bytea NOT NULL                -- RFC 3161
);

-- What the codes mean, for people who read with SQL. Brought up to date by a migration; what a
-- newer version has added stays.
CREATE TABLE names (
    list text NOT NULL,
    code smallint NOT NULL,
    name text NOT NULL,
    PRIMARY KEY (list, code)
);

-- Each open with names instead of codes. A time has no digit that its step leaves open:
-- `2026-11-27` is a day, `2026-11-27T10:00Z` an hour. A step that only a newer version knows reads
-- as the next coarser one.
CREATE VIEW opens_readable AS
SELECT o.ping, p.reference, p.owner,
    lpad(to_hex(o.id # (-9223372036854775808)), 16, '0') AS id,
    to_char(to_timestamp(o.at / 1000.0) AT TIME ZONE 'UTC', CASE WHEN o.time_step >= 4 THEN 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'
        WHEN o.time_step >= 2 THEN 'YYYY-MM-DD"T"HH24:00"Z"' WHEN o.time_step >= 0 THEN 'YYYY-MM-DD' END) AS at,
    coalesce((SELECT name FROM names WHERE list = 'time_step' AND code = o.time_step), 'unknown') AS time_step,
    coalesce((SELECT name FROM names WHERE list = 'fetcher' AND code = o.fetcher), 'unknown') AS fetcher,
    (SELECT name FROM names WHERE list = 'provider' AND code = o.provider) AS provider,
    coalesce((SELECT name FROM names WHERE list = 'verdict' AND code = o.verdict), 'uncertain') AS verdict,
    (SELECT string_agg(name, ', ' ORDER BY code) FROM names
        WHERE list = 'evidence' AND (o.evidence >> code) & 1 = 1) AS evidence,
    o.rules_version, o.network, o.country, o.city
FROM opens AS o JOIN pings AS p ON p.id = o.ping;

-- Each ping with its opens summed up. Repeats are not taken together here: how far apart they may
-- be is a setting of the program. A row that the sender's own network caused (net:own) is counted
-- as a fetch and says nothing about the recipient.
CREATE VIEW receipts AS
SELECT p.id AS ping, p.reference, p.owner,
    CASE WHEN p.status = 0 AND p.record_until <= extract(epoch FROM now()) * 1000 THEN 'expired'
        ELSE coalesce((SELECT name FROM names WHERE list = 'status' AND code = p.status), 'unknown') END AS status,
    CASE WHEN l.day IS NOT NULL OR s.human_rows > 0 THEN 'opened'
        WHEN s.uncertain_rows > 0 THEN 'uncertain'
        WHEN s.machine_rows > 0 THEN 'machine_only'
        ELSE 'no_fetch' END AS state,
    coalesce((SELECT name FROM milestones AS m JOIN names ON list = 'milestone' AND code = kind
        WHERE m.ping = p.id AND kind < 100 ORDER BY kind DESC LIMIT 1), 'unknown') AS delivery,
    (SELECT to_char(to_timestamp(m.at / 1000.0) AT TIME ZONE 'UTC', CASE WHEN m.time_step >= 4 THEN 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'
        WHEN m.time_step >= 2 THEN 'YYYY-MM-DD"T"HH24:00"Z"' WHEN m.time_step >= 0 THEN 'YYYY-MM-DD' END)
        FROM milestones AS m WHERE m.ping = p.id AND kind = 100) AS confirmed_at,
    s.fetches, s.human_rows, s.machine_rows, s.uncertain_rows,
    to_char(to_timestamp(s.first_human[1] / 1000.0) AT TIME ZONE 'UTC', CASE WHEN s.first_human[3] >= 4 THEN 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'
        WHEN s.first_human[3] >= 2 THEN 'YYYY-MM-DD"T"HH24:00"Z"' WHEN s.first_human[3] >= 0 THEN 'YYYY-MM-DD' END) AS first_human_open,
    to_char(to_timestamp(h.last_human[1] / 1000.0) AT TIME ZONE 'UTC', CASE WHEN h.last_human[2] >= 4 THEN 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'
        WHEN h.last_human[2] >= 2 THEN 'YYYY-MM-DD"T"HH24:00"Z"' WHEN h.last_human[2] >= 0 THEN 'YYYY-MM-DD' END) AS last_human_open,
    (SELECT name FROM names WHERE list = 'detail' AND code = p.detail) AS detail,
    to_char(to_timestamp(p.sent_at / 1000.0) AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') AS sent_at,
    to_char(to_timestamp(p.record_until / 1000.0) AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') AS record_until,
    to_char(to_timestamp(p.keep_until / 1000.0) AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') AS keep_until
FROM pings AS p
LEFT JOIN last_days AS l ON l.ping = p.id
CROSS JOIN LATERAL (
    SELECT count(*) AS fetches,
        count(*) FILTER (WHERE verdict = 1 AND NOT own) AS human_rows,
        count(*) FILTER (WHERE verdict = 2 AND NOT own) AS machine_rows,
        count(*) FILTER (WHERE verdict NOT IN (1, 2) AND NOT own) AS uncertain_rows,
        min(ARRAY[at, id, time_step]) FILTER (WHERE verdict = 1 AND NOT own) AS first_human,
        max(ARRAY[at, time_step]) FILTER (WHERE verdict = 1 AND NOT own) AS last_human
    FROM (
        SELECT at, id, time_step, verdict,
            (evidence >> (SELECT code FROM names WHERE list = 'evidence' AND name = 'net:own')) & 1 = 1 AS own
        FROM opens WHERE opens.ping = p.id
    ) AS its
) AS s
CROSS JOIN LATERAL (
    -- The step of a last day is the day, whose code is 0.
    SELECT greatest(s.last_human, CASE WHEN l.day IS NOT NULL THEN ARRAY[l.day, 0] END) AS last_human
) AS h;
