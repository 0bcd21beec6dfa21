//! Suites for edge nodes and their centre: see `tests/`.
