//! The log: to standard error, by `RUST_LOG`, without the targets that print peers.

use std::io::IsTerminal as _;

use tracing_subscriber::EnvFilter;

/// What servers and sockets log at their finest levels can hold a client's address, so those
/// targets never go below `info` (`axum::serve` prints each peer at TRACE).
const QUIET: [&str; 9] = [
    "axum::serve=info",
    "hyper=info",
    "hyper_util=info",
    "h2=info",
    "mio=info",
    "tokio=info",
    "actix_server=info",
    "actix_http=info",
    "actix_web=info",
];

/// Starts the log at `RUST_LOG`.
pub fn start_log(rust_log: &str) {
    let mut filter = EnvFilter::new(rust_log);
    for directive in QUIET.into_iter().filter_map(|text| text.parse().ok()) {
        filter = filter.add_directive(directive);
    }
    let is_terminal = std::io::stderr().is_terminal();
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(is_terminal)
        .init();
}
