//! The shared adapter table on the poem server of the guide.

use mailping_core::testing::adapter::{Sockets, Table};
use mailping_core::Tracker;
use poem::Server;
use poem::listener::{Acceptor as _, TcpAcceptor, UnixAcceptor};
use tokio::runtime::Runtime;

fn serve(tracker: Tracker, sockets: Sockets) -> Runtime {
    let runtime = Runtime::new().unwrap();
    let _inside = runtime.enter();
    for socket in std::iter::once(sockets.ipv4).chain(sockets.ipv6) {
        let acceptor = TcpAcceptor::from_std(socket).unwrap();
        runtime.spawn(Server::new_with_acceptor(acceptor).run(mailping_guides::poem::routes(tracker.clone())));
    }
    if let Some(socket) = sockets.unix {
        let acceptor = UnixAcceptor::from_std(socket).unwrap();
        runtime.spawn(Server::new_with_acceptor(acceptor).run(mailping_guides::poem::routes(tracker)));
    }
    runtime
}

#[test]
fn it_answers_as_the_table_says() {
    let reason = "poem answers 400 to a path with escapes that are no UTF-8, whatever the token";
    let rows = ["percent-encoded byte that is no UTF-8", "token of 10 KB of escapes", "opt-out page of no UTF-8"];
    rows.iter().fold(Table::new(), |table, row| table.skip(row, reason)).run(serve).unwrap();
}
