//! The service on actix-web, under the same suites as the server: see `tests/`.
