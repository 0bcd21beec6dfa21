//! The service on PostgreSQL, as many of it as you like on one database:
//!
//! ```text
//! export MAILPING_DB=postgres://user:password@localhost/mailping
//! export MAILPING_KEYS="0:$(openssl rand -base64 32)"    # the same for all of them
//! cargo run --features postgres --example receipts_postgres
//! ```

#[tokio::main]
async fn main() -> std::process::ExitCode {
    mailping_server::run().await
}
