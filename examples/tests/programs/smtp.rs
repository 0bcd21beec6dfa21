//! An SMTP server on a free port.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream};

use mailin::{Action, Handler, SessionBuilder};

/// An answer that is not given: the line breaks in its place.
pub(crate) const LOST: u16 = 299;

/// Answers each connection with a handler of its own, until the test ends.
pub(crate) fn serve<H: Handler>(handler: impl Fn(SocketAddr) -> H + Clone + Send + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for connection in listener.incoming() {
            let handler = handler.clone();
            std::thread::spawn(move || converse(&connection.unwrap(), handler(address)));
        }
    });
    address
}

fn converse(mut connection: &TcpStream, handler: impl Handler) {
    let mut session =
        SessionBuilder::new("mx.recipient.example").build(IpAddr::from([127, 0, 0, 1]), handler);
    session.greeting().write_to(&mut connection).unwrap();
    let mut reader = BufReader::new(connection);
    let mut line = Vec::new();
    while reader.read_until(b'\n', &mut line).is_ok_and(|read| read > 0) {
        let response = session.process(&line);
        line.clear();
        if response.code == LOST {
            return;
        }
        if response.action != Action::NoReply {
            response.write_to(&mut connection).unwrap();
            connection.flush().unwrap();
        }
        if response.action == Action::Close {
            return;
        }
    }
}
