//! The service on an SQLite file: `cargo run --example receipts`, then open the address that it
//! prints.

#[tokio::main]
async fn main() -> std::process::ExitCode {
    mailping_server::run().await
}
