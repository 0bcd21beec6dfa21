//! A PostgreSQL server in a temporary folder, durable as it comes: prints a database's address, and
//! ends with its standard input.

use std::io::Read as _;

use mailping_fixture_postgres::Server;

fn main() {
    let server = Server::start_with(&["shared_buffers=1GB"]);
    println!("{}", server.url("postgres"));
    let _ = std::io::stdin().read(&mut [0]);
}
