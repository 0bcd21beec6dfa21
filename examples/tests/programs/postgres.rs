//! `postgres` on a real server.

use mailping_axum::State;
use mailping_fixture_postgres::Server;
use mailping_postgres::PostgresStore;

use crate::{Beside, display, example, printed_pixel};

#[test]
#[ignore = "needs PostgreSQL"]
fn postgres_keeps_opens_that_another_instance_reads() {
    let server = Server::quick();
    let url = server.url("postgres");
    let start = example("postgres").with("DATABASE_URL", &url);
    let (one, other) = (start.run(&[]), start.run(&[]));
    assert_eq!(other.client().get(&printed_pixel(&one), &[]).body.len(), 43);

    let runtime = tokio::runtime::Runtime::new().unwrap();
    let _on = runtime.enter();
    let beside = Beside::on(PostgresStore::connect(&url).unwrap());
    let (ping, pixel) = beside.sent_an_hour_ago("invoice-7");
    display(other.client(), &pixel);
    assert_eq!(beside.state(ping), State::Opened);
    for program in [one, other] {
        program.kill();
    }
}
