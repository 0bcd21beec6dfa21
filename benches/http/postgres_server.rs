//! A PostgreSQL server in a temporary folder, durable as it comes, or with the argument `cluster` a
//! primary with two standbys: prints a database's address, and ends with its standard input.

use std::io::Read as _;

use mailping_fixture_postgres::{Cluster, Server};

fn main() {
    let wait = || drop(std::io::stdin().read(&mut [0]));
    if std::env::args().nth(1).as_deref() == Some("cluster") {
        let cluster = Cluster::start();
        cluster.wait_for_standbys(Cluster::SERVERS - 1);
        println!("{}", cluster.server(cluster.primary()).url("postgres"));
        wait();
    } else {
        let server = Server::start_with(&["shared_buffers=1GB"]);
        println!("{}", server.url("postgres"));
        wait();
    }
}
