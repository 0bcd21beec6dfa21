-- Schema 1. Times are Unix milliseconds; codes are the stable numbers of mailping-core.

-- One row for each message. Its opens are found by its id.
CREATE TABLE pings (
    id uuid NOT NULL PRIMARY KEY,       -- in time order of sending
    record_until bigint NOT NULL,
    keep_until bigint NOT NULL,
    sent_at bigint NOT NULL,
    last_day bigint,                    -- at the detail `last_day`: the day of the latest fetch that a person caused
    status smallint NOT NULL,
    detail smallint NOT NULL,
    time_step smallint NOT NULL,
    purpose smallint NOT NULL,
    kind smallint,
    eprivacy smallint,
    recipient_key bigint,               -- the recipient's keyed hash and its key's fingerprint, never the address
    recipient_hash bytea,
    reference text COLLATE "C" NOT NULL,
    owner text COLLATE "C",
    basis text NOT NULL                 -- JSON
);

-- None of them holds the status or the last day, so that a change of these touches no index.
CREATE INDEX pings_by_owner ON pings (owner, id) WHERE owner IS NOT NULL;
CREATE INDEX pings_by_reference ON pings (reference, id);
CREATE INDEX pings_by_recipient ON pings (recipient_key, recipient_hash, id) WHERE recipient_key IS NOT NULL;
CREATE INDEX pings_by_keep_until ON pings (keep_until, id);

-- One index: a second one over random keys is what a hit costs. No foreign key: it would lock the ping's row for every open,
-- and the store's own lock already keeps opens from coming after their ping has gone.
CREATE TABLE opens (
    ping uuid NOT NULL,
    id bigint NOT NULL,                 -- 8 random bytes, the highest bit flipped: it sorts as the bytes do
    at bigint NOT NULL,                 -- the start of its time step
    evidence bigint NOT NULL,           -- the bits of the set
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
    PRIMARY KEY (ping, id)
);

-- Recipients who do not want to be tracked. Outlives their pings.
CREATE TABLE objections (
    key bigint NOT NULL,
    hash bytea NOT NULL,
    PRIMARY KEY (key, hash)
);
