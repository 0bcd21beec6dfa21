//! The example services on actix-web: `cargo run --example receipts_actix`.
