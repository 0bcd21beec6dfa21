//! The sockets that a server under test listens on, and the addresses that the table speaks to.

use std::fmt;
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Ipv6Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
#[cfg(unix)]
use std::os::unix::net::{UnixListener, UnixStream};
#[cfg(unix)]
use std::path::PathBuf;
use std::time::Duration;

/// How long an answer may take: far more than any deadline in the table.
const PATIENCE: Duration = Duration::from_secs(20);

/// Sockets that already listen and do not block, as async servers want them. All are to be served
/// alike.
#[derive(Debug)]
#[non_exhaustive]
pub struct Sockets {
    /// On 127.0.0.1. The server must tell its routes who connects.
    pub ipv4: TcpListener,
    /// On `::1`, if the machine has IPv6. The server must tell its routes who connects.
    pub ipv6: Option<TcpListener>,
    /// A Unix socket, whose peers have no address.
    #[cfg(unix)]
    pub unix: Option<UnixListener>,
}

impl Sockets {
    pub(super) fn bind(without_unix: bool) -> (Self, Vec<Address>) {
        let ipv4 = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port on 127.0.0.1");
        let ipv6 = TcpListener::bind((Ipv6Addr::LOCALHOST, 0)).ok();
        let mut addresses: Vec<Address> = Vec::new();
        for listener in std::iter::once(&ipv4).chain(&ipv6) {
            listener.set_nonblocking(true).expect("a socket that does not block");
            addresses.push(Address::Tcp(listener.local_addr().expect("a bound socket")));
        }
        #[cfg(unix)]
        let unix = (!without_unix).then(|| {
            let folder = Folder::new();
            let path = folder.0.join("socket");
            let listener = UnixListener::bind(&path).expect("a socket in the folder for temporary files");
            listener.set_nonblocking(true).expect("a socket that does not block");
            addresses.push(Address::Unix(path, folder));
            listener
        });
        #[cfg(not(unix))]
        let _ = without_unix;
        let sockets = Self {
            ipv4,
            ipv6,
            #[cfg(unix)]
            unix,
        };
        (sockets, addresses)
    }
}

/// Where the table speaks to a server.
pub(super) enum Address {
    Tcp(SocketAddr),
    #[cfg(unix)]
    Unix(PathBuf, #[expect(dead_code, reason = "it is kept until the address is dropped")] Folder),
}

impl Address {
    pub(super) fn connect(&self) -> io::Result<Stream> {
        match self {
            Self::Tcp(address) => {
                let stream = TcpStream::connect(address)?;
                stream.set_read_timeout(Some(PATIENCE))?;
                stream.set_nodelay(true)?;
                Ok(Stream::Tcp(stream))
            }
            #[cfg(unix)]
            Self::Unix(path, _) => {
                let stream = UnixStream::connect(path)?;
                stream.set_read_timeout(Some(PATIENCE))?;
                Ok(Stream::Unix(stream))
            }
        }
    }

    pub(super) const fn is_ipv4(&self) -> bool {
        matches!(self, Self::Tcp(SocketAddr::V4(_)))
    }

    /// The masked network of a client that connects here directly.
    pub(super) const fn client_network(&self) -> Option<&'static str> {
        match self {
            Self::Tcp(SocketAddr::V4(_)) => Some("127.0.0.0/24"),
            Self::Tcp(SocketAddr::V6(_)) => Some("::/48"),
            #[cfg(unix)]
            Self::Unix(..) => None,
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Tcp(SocketAddr::V4(_)) => "over IPv4,",
            Self::Tcp(SocketAddr::V6(_)) => "over IPv6,",
            #[cfg(unix)]
            Self::Unix(..) => "over a Unix socket,",
        })
    }
}

pub(super) enum Stream {
    Tcp(TcpStream),
    #[cfg(unix)]
    Unix(UnixStream),
}

impl Stream {
    /// Hangs up in both directions.
    pub(super) fn hang_up(self) {
        // A peer that has hung up already is as good.
        let _ = match &self {
            Self::Tcp(stream) => stream.shutdown(Shutdown::Both),
            #[cfg(unix)]
            Self::Unix(stream) => stream.shutdown(Shutdown::Both),
        };
    }
}

impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.read(buffer),
            #[cfg(unix)]
            Self::Unix(stream) => stream.read(buffer),
        }
    }
}

impl Write for Stream {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.write(buffer),
            #[cfg(unix)]
            Self::Unix(stream) => stream.write(buffer),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A folder that is gone when this is dropped.
#[cfg(unix)]
pub(super) struct Folder(PathBuf);

#[cfg(unix)]
impl Folder {
    fn new() -> Self {
        let name = crate::OpenId::random().expect("random bytes");
        let name = format!("mailping-{:016x}", u64::from_be_bytes(*name.as_bytes()));
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir(&path).expect("a folder for temporary files");
        Self(path)
    }
}

#[cfg(unix)]
impl Drop for Folder {
    fn drop(&mut self) {
        // What cannot be deleted is left to whoever cleans the folder for temporary files.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
