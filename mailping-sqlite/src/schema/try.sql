-- A row in each table, at the place where new ones come, and taken back: what a damaged file
-- refuses. Kept in step with the schema.
SAVEPOINT try;
INSERT INTO pings (id, status, record_until, keep_until, sent_at, detail, time_step, purpose, reference, basis)
VALUES (zeroblob(16), 3, 0, 0, 0, 0, 0, 0, '', '') ON CONFLICT (id) DO NOTHING;
INSERT INTO opens (ping, id, at, time_step, fetcher, verdict, evidence, rules_version, tie)
VALUES ((SELECT coalesce(max(n), 1) FROM pings), zeroblob(8), 0, 0, 0, 0, 0, 0, 0);
INSERT OR IGNORE INTO opens_by_ping (ping, at, id, seq) SELECT max(seq), 0, zeroblob(8), 0 FROM opens;
INSERT INTO last_days (ping, day) VALUES ((SELECT coalesce(max(n), 0) + 1 FROM pings), 0);
INSERT INTO milestones (ping, kind, at, time_step, evidence, rules_version, tie)
VALUES ((SELECT coalesce(max(n), 0) + 1 FROM pings), 0, 0, 0, 0, 0, 0);
INSERT OR IGNORE INTO objections (key, hash) VALUES (0, zeroblob(32));
UPDATE about SET indexed_to = indexed_to;
ROLLBACK TO try;
