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
INSERT INTO nonces (nonce) VALUES (zeroblob(32));
INSERT OR IGNORE INTO sealed_pings (ping, nonce, key, first, ends_at)
VALUES (x'fe', 0, 0, 0, 0), (x'ff', 0, 0, 0, 9223372036854775807);
INSERT OR IGNORE INTO statements (ping, name, seal, ends, line) SELECT x'ff', '', next, 0, '' FROM ledger;
INSERT OR IGNORE INTO seals (number, entry, parts) SELECT coalesce(max(number), 0) + 1, '', x'' FROM seals;
INSERT OR IGNORE INTO seal_leaves (seal, part, leaves) SELECT coalesce(max(seal), 0) + 1, 0, x'' FROM seal_leaves;
INSERT OR IGNORE INTO stamps (size, note, token) SELECT coalesce(max(size), 0) + 1, '', x'' FROM stamps;
UPDATE ledger SET version = version;
UPDATE about SET indexed_to = indexed_to, deleted_to = deleted_to;
ROLLBACK TO try;
