//! Whose request it is: the socket's peer, or the client that one's own proxies name in one header.
//!
//! Lines and hops are read from the right and the walk fails closed: where it meets something that is no address, the client is
//! unknown, since whatever stands further left may have been written by anyone. The raw address leaves as [`RawIp`], which can only
//! be masked.

mod address;
mod forwarded;
#[cfg(test)]
mod tests;
mod trusted;

use std::net::IpAddr;

use http::HeaderName;

use self::address::Ports;
pub use self::trusted::TrustedProxies;
use crate::mask::{Mask, MaskedIp};
use crate::request::{HeaderSource, PixelRequest};

/// A header with more bytes than this over all its lines is not read.
const MOST_HEADER_BYTES: usize = 8 * 1024;
/// A header with more hops (or lines) than this is not read.
const MOST_ELEMENTS: usize = 64;

/// Where the client's address is read from: exactly one place, never "the first header that is there".
///
/// The default is [`ClientIp::peer`]. The others read one header, and only from a peer in the [`TrustedProxies`]; from
/// any other peer the header is ignored and the peer itself is the client. A header of more than 8 KiB or 64 hops is
/// not read: the client is unknown then, as it is where the header is missing or unreadable.
///
/// ```
/// use mailping_core::{ClientIp, TrustedProxies};
///
/// let trusted: TrustedProxies = "10.0.0.0/8, ::1".parse()?;
/// let client_ip = ClientIp::x_forwarded_for(trusted);
/// # Ok::<(), mailping_core::ClientIpError>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct ClientIp(Strategy);

#[derive(Debug, Clone, Default)]
enum Strategy {
    #[default]
    Peer,
    XForwardedFor(TrustedProxies),
    Forwarded(TrustedProxies),
    Header(HeaderName, TrustedProxies),
}

impl ClientIp {
    /// The socket's peer; no header is read. Right for a server that clients reach directly.
    #[must_use]
    pub const fn peer() -> Self {
        Self(Strategy::Peer)
    }

    /// `X-Forwarded-For`: the last address in it, over all its lines, that is no trusted proxy.
    #[must_use]
    pub const fn x_forwarded_for(trusted: TrustedProxies) -> Self {
        Self(Strategy::XForwardedFor(trusted))
    }

    /// `Forwarded` (RFC 7239): the `for` of the last element, over all its lines, that is no trusted proxy.
    #[must_use]
    pub const fn forwarded(trusted: TrustedProxies) -> Self {
        Self(Strategy::Forwarded(trusted))
    }

    /// A header that holds one address, such as `CF-Connecting-IP` or `X-Real-IP`; its last line counts.
    ///
    /// The proxy must *overwrite* it. Cloudflare does so with `CF-Connecting-IP`, nginx only with `proxy_set_header
    /// X-Real-IP $remote_addr`; `True-Client-IP`, `Fastly-Client-IP` and `X-Azure-ClientIP` pass through from the client
    /// unless told otherwise, so that anyone can write them.
    ///
    /// # Errors
    /// [`ClientIpError::NotAHeaderName`] if `name` cannot be the name of an HTTP header.
    pub fn header(name: &str, trusted: TrustedProxies) -> Result<Self, ClientIpError> {
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| ClientIpError::NotAHeaderName)?;
        Ok(Self(Strategy::Header(name, trusted)))
    }

    /// The client of a request. It allocates nothing.
    pub(crate) fn resolve(&self, request: &PixelRequest<'_>) -> ClientAddress {
        match (request.peer.map(|peer| peer.to_canonical()), self.trusted()) {
            (Some(peer), _) if peer.is_unspecified() => ClientAddress::Unknown,
            (Some(peer), Some(trusted)) if trusted.contains(peer) => self.read_header(request.headers),
            (Some(peer), _) => ClientAddress::Known(RawIp(peer)),
            (None, Some(trusted)) if trusted.contains_peers_without_address() => {
                self.read_header(request.headers)
            }
            (None, _) => ClientAddress::NoPeerAddress,
        }
    }

    /// Whether the settings read no forwarding header, at least not from this peer. A peer without
    /// an address is not counted here: a client that has hung up before it was accepted has none,
    /// and says nothing about the settings.
    pub(crate) fn ignores_forwarding(&self, request: &PixelRequest<'_>) -> bool {
        let Some(peer) = request.peer else { return false };
        !self.trusted().is_some_and(|trusted| trusted.contains(peer.to_canonical()))
    }

    /// Whether a header of this name tells of a proxy.
    pub(crate) fn is_forwarding(name: &str) -> bool {
        matches!(name, "x-forwarded-for" | "forwarded" | "x-real-ip" | "cf-connecting-ip")
    }

    /// The proxies whose header is read; `None` where none is.
    const fn trusted(&self) -> Option<&TrustedProxies> {
        match &self.0 {
            Strategy::Peer => None,
            Strategy::XForwardedFor(trusted)
            | Strategy::Forwarded(trusted)
            | Strategy::Header(_, trusted) => Some(trusted),
        }
    }

    fn read_header(&self, headers: &dyn HeaderSource) -> ClientAddress {
        let found = match &self.0 {
            Strategy::Peer => None,
            Strategy::XForwardedFor(trusted) => {
                Elements::read(headers, "x-forwarded-for", |elements, line| {
                    for element in line.split(|&byte| byte == b',').map(address::trim) {
                        if !element.is_empty() {
                            elements.push(element);
                        }
                    }
                })
                .and_then(|elements| elements.client(trusted, |text| address::parse(text, Ports::Numeric)))
            }
            Strategy::Forwarded(trusted) => Elements::read(headers, "forwarded", |elements, line| {
                forwarded::split(line, |element| elements.push(element));
            })
            .and_then(|elements| elements.client(trusted, forwarded::node)),
            Strategy::Header(name, _) => Elements::read(headers, name.as_str(), Elements::push)
                .and_then(|elements| address::parse(elements.last()?, Ports::Numeric)),
        };
        match found {
            Some(address) if !address.is_unspecified() => ClientAddress::Known(RawIp(address)),
            _ => ClientAddress::Unknown,
        }
    }
}

/// Why a setting about the client's address was refused. It never repeats an address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ClientIpError {
    /// An entry in a list of trusted proxies is neither a network nor an address.
    #[error(
        "entry {position} of the trusted proxies is no network: expected a network such as 10.0.0.0/8, an address such \
         as ::1, or the word unix, separated by commas"
    )]
    NotANetwork {
        /// Which entry, counted from 1.
        position: usize,
    },
    /// The name cannot be that of an HTTP header.
    #[error("not a header name: expected letters, digits and dashes, such as x-real-ip")]
    NotAHeaderName,
}

/// What is known of the client's address.
pub(crate) enum ClientAddress {
    /// The peer, or the client that a trusted proxy named.
    Known(RawIp),
    /// A trusted proxy named no address that can be believed, or the address is the unspecified one.
    Unknown,
    /// The peer has no address and such peers are not trusted. With a server that should know its peers this is a
    /// mistake in its set-up, worth a warning.
    NoPeerAddress,
}

impl ClientAddress {
    /// What may be known of the client from here on.
    pub(crate) fn masked(self, mask: Mask) -> Option<MaskedIp> {
        match self {
            Self::Known(raw) => Some(raw.mask(mask)),
            Self::Unknown | Self::NoPeerAddress => None,
        }
    }
}

/// A raw client address. It cannot be printed, compared, stored or taken out: only masked.
pub(crate) struct RawIp(IpAddr);

impl RawIp {
    pub(crate) fn mask(&self, mask: Mask) -> MaskedIp {
        mask.apply(self.0)
    }
}

/// The one address grammar, for the masking corpus.
#[cfg(test)]
pub(crate) fn parse_address(text: &[u8]) -> Option<IpAddr> {
    address::parse(text, Ports::Numeric)
}

/// The hops that a header names, from the left, over all its lines.
struct Elements<'a> {
    items: [&'a [u8]; MOST_ELEMENTS],
    count: usize,
    bytes: usize,
}

impl<'a> Elements<'a> {
    /// Reads all lines of a header; none when they are over a limit.
    fn read(
        headers: &'a dyn HeaderSource,
        name: &str,
        mut add: impl FnMut(&mut Self, &'a [u8]),
    ) -> Option<Self> {
        let mut elements = Self { items: [&[]; MOST_ELEMENTS], count: 0, bytes: 0 };
        headers.each(&mut |of, line| {
            if of != name {
                return;
            }
            elements.bytes = elements.bytes.saturating_add(line.len());
            if elements.is_within_limits() {
                add(&mut elements, line);
            }
        });
        elements.is_within_limits().then_some(elements)
    }

    const fn is_within_limits(&self) -> bool {
        self.bytes <= MOST_HEADER_BYTES && self.count <= MOST_ELEMENTS
    }

    fn push(&mut self, element: &'a [u8]) {
        if let Some(slot) = self.items.get_mut(self.count) {
            *slot = element;
        }
        self.count = self.count.saturating_add(1);
    }

    fn last(&self) -> Option<&'a [u8]> {
        self.items.get(self.count.checked_sub(1)?).copied()
    }

    /// The last hop that is not trusted. Text that is no address, or the unspecified address, ends the search.
    fn client(&self, trusted: &TrustedProxies, parse: impl Fn(&[u8]) -> Option<IpAddr>) -> Option<IpAddr> {
        for element in self.items.get(..self.count)?.iter().rev() {
            let address = parse(element).filter(|address| !address.is_unspecified())?;
            if !trusted.contains(address) {
                return Some(address);
            }
        }
        None
    }
}
