//! The example service on PostgreSQL: `cargo run --example receipts_postgres`.
