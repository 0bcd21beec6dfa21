//! Suites for the service on PostgreSQL: see `tests/`.
