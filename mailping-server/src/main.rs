//! mailping as a service: see the README.

#[tokio::main]
async fn main() -> std::process::ExitCode {
    mailping_server::run().await
}
