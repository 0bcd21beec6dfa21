-- Schema 3: what arrives together is one row. What waits in rows of its own goes to the tree.

INSERT INTO opens
    (ping, id, at, time_step, fetcher, provider, verdict, evidence, rules_version, network, country, city)
SELECT ping, id, at, time_step, fetcher, provider, verdict, evidence, rules_version, network, country, city
FROM arrivals WHERE ping IN (SELECT id FROM pings) ORDER BY ping, id
ON CONFLICT (ping, id) DO NOTHING;

DROP TABLE arrivals;

CREATE TABLE arrivals (
    seq INTEGER PRIMARY KEY,        -- the number of its first open, the others follow: none is given twice
    opens BLOB NOT NULL             -- the fields of each in turn, in the format of postcard: see src/arrivals/batch.rs
) STRICT;
