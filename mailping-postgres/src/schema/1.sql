-- Schema 1. Times are Unix milliseconds; codes are the stable numbers of mailping-core, named in `codes`. No check on a list of
-- codes: a newer version on the same database may write new ones.

-- One row for each message. Its opens are found by its id.
CREATE TABLE pings (
    id uuid NOT NULL PRIMARY KEY,       -- in time order of sending
    record_until bigint NOT NULL CHECK (record_until BETWEEN 0 AND 253402300799999),
    keep_until bigint NOT NULL CHECK (keep_until BETWEEN 0 AND 253402300799999),
    sent_at bigint NOT NULL CHECK (sent_at BETWEEN 0 AND 253402300799999),
    last_day bigint CHECK (last_day BETWEEN 0 AND 253402300799999), -- at the detail `last_day`: the day of the latest fetch that a person caused
    last_day_xact bigint,               -- the transaction that raised it last, and its place in that
    last_day_place integer,
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
    CHECK ((recipient_key IS NULL) = (recipient_hash IS NULL))
);

-- None of them holds the status or the last day, so that a change of these touches no index.
CREATE INDEX pings_by_owner ON pings (owner, id) WHERE owner IS NOT NULL;
CREATE INDEX pings_by_reference ON pings (reference, id);
CREATE INDEX pings_by_recipient ON pings (recipient_key, recipient_hash, id) WHERE recipient_key IS NOT NULL;
CREATE INDEX pings_by_keep_until ON pings (keep_until, id);
CREATE INDEX pings_by_last_day_xact ON pings (last_day_xact, last_day_place) WHERE last_day_xact IS NOT NULL;

-- No foreign key: it would lock the ping's row for every open, and the store's own lock already keeps opens from coming after
-- their ping has gone.
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
    -- The reader's order, so that it is the only index over random keys: such a one is what a hit costs.
    PRIMARY KEY (ping, at, id)
);

-- Transactions have rising numbers, so that this one grows at its end.
CREATE INDEX opens_by_xact ON opens (xact, place);

-- Recipients who do not want to be tracked. Outlives their pings.
CREATE TABLE objections (
    key bigint NOT NULL,
    hash bytea NOT NULL CHECK (octet_length(hash) = 32),
    PRIMARY KEY (key, hash)
);

-- What the codes mean, for people who read with SQL.
CREATE TABLE codes (
    list text NOT NULL,
    code smallint NOT NULL,
    name text NOT NULL,
    PRIMARY KEY (list, code)
);

-- Every open, as a person reads it.
CREATE VIEW opens_readable AS
SELECT ping, lpad(to_hex(id # (-9223372036854775808)), 16, '0') AS id,
    to_char(to_timestamp(at / 1000) AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS')
        || to_char(at % 1000, 'FM"."000') || 'Z' AS at,
    (SELECT name FROM codes WHERE list = 'time_step' AND code = time_step) AS time_step,
    coalesce((SELECT name FROM codes WHERE list = 'fetcher' AND code = fetcher), 'unknown') AS fetcher,
    CASE WHEN provider IS NOT NULL THEN
        coalesce((SELECT name FROM codes WHERE list = 'provider' AND code = provider), 'unknown') END AS provider,
    coalesce((SELECT name FROM codes WHERE list = 'verdict' AND code = verdict), 'uncertain') AS verdict,
    coalesce((SELECT string_agg(name, ', ' ORDER BY code) FROM codes
        WHERE list = 'evidence' AND (evidence >> code) & 1 = 1), '') AS evidence,
    rules_version, network, country, city
FROM opens;
