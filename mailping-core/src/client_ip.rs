//! Whose request it is: the socket's peer, or the client that one's own proxies name in one header.
//!
//! Lines and hops are read from the right and the walk fails closed: if it meets something that
//! is no address, the client is unknown, since whatever stands further left may have been written
//! by anyone. The raw address leaves as [`RawIp`], which can only be masked.

mod address;
mod forwarded;
#[cfg(test)]
mod tests;
mod trusted_proxies;

use std::net::IpAddr;

use http::HeaderName;

use self::address::Ports;
use self::trusted_proxies::TrustedProxies;
use crate::mask::{Mask, MaskedIp};
use crate::text::ParseError;

/// A header with more bytes than this over all its lines is not read.
const MAX_HEADER_BYTES: usize = 8 * 1024;
/// A header with more hops (or lines) than this is not read.
const MAX_ELEMENTS: usize = 64;

/// Where the client's address is read from: exactly one place, never "the first header that is
/// there".
///
/// The default is [`ClientIp::peer`]. The others read one header, and only from a peer that is a
/// proxy of yours; from any other peer the header is ignored and the peer itself is the client. A
/// header of more than 8 KiB or 64 hops is not read: the client is unknown then, as it is if the
/// header is missing or unreadable.
///
/// Your proxies are a text: networks and addresses separated by commas, for instance `10.0.0.0/8,
/// ::1`. Host bits are ignored: `10.1.2.3/8` is 10.0.0.0/8. IPv4 addresses also match in their IPv6
/// form (`::ffff:10.0.0.1`), in the list and in a request; IPv6 networks that are wider than
/// `::ffff:0:0/96`, such as `::/0`, match IPv6 addresses alone. Two words stand for more:
///
/// * `private` for loopback and private networks: 127.0.0.0/8, ::1, 10.0.0.0/8, 172.16.0.0/12,
///   192.168.0.0/16 and fc00::/7. Right if every peer in these networks is a proxy of yours; wrong
///   if clients sit in them too, as in an office network: such a client could then name any address
///   as its own.
/// * `unix` for peers that have no address: a proxy that connects over a Unix socket. A server that
///   merely does not tell its peer looks the same, and then every client would be trusted.
///
/// An address does not authenticate a tenant: anyone can point their own account at a shared CDN to
/// your server, and its networks change. Behind a CDN, prefer mutual TLS or a secret header between
/// it and you.
///
/// ```
/// use mailping_core::ClientIp;
///
/// let client_ip = ClientIp::x_forwarded_for("10.0.0.0/8, ::1")?;
/// # let _ = client_ip;
/// # Ok::<(), mailping_core::ParseError>(())
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
    ///
    /// # Errors
    /// [`ParseError`] names the first entry that is no network.
    pub fn x_forwarded_for(proxies: &str) -> Result<Self, ParseError> {
        Ok(Self(Strategy::XForwardedFor(proxies.parse()?)))
    }

    /// `Forwarded` (RFC 7239): the `for` of the last element, over all its lines, that is no
    /// trusted proxy.
    ///
    /// # Errors
    /// [`ParseError`] names the first entry that is no network.
    pub fn forwarded(proxies: &str) -> Result<Self, ParseError> {
        Ok(Self(Strategy::Forwarded(proxies.parse()?)))
    }

    /// A header that holds one address, such as `CF-Connecting-IP` or `X-Real-IP`; its last line
    /// counts.
    ///
    /// The proxy must *overwrite* it. Cloudflare does so with `CF-Connecting-IP`, nginx only with
    /// `proxy_set_header X-Real-IP $remote_addr`; `True-Client-IP`, `Fastly-Client-IP` and
    /// `X-Azure-ClientIP` pass through from the client unless you say otherwise, so that anyone can
    /// write them.
    ///
    /// # Errors
    /// [`ParseError`] if `name` cannot be the name of an HTTP header, or for the first entry that
    /// is no network.
    pub fn header(name: &str, proxies: &str) -> Result<Self, ParseError> {
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| ParseError::new(HEADER_NAME))?;
        Ok(Self(Strategy::Header(name, proxies.parse()?)))
    }

    /// The one decision of trust: who names the client of a request from this peer. Then show it
    /// each header line.
    pub(crate) fn reader<'a>(&self, peer: Option<IpAddr>) -> ClientReader<'_, 'a> {
        let peer = peer.map(|peer| peer.to_canonical());
        let trusts = |peer: Option<IpAddr>| {
            self.trusted().is_some_and(|trusted| {
                peer.map_or(trusted.contains_peers_without_address(), |peer| trusted.contains(peer))
            })
        };
        let (peer_is_client, hops) = match peer {
            Some(peer) if peer.is_unspecified() => (ClientAddress::Unknown, None),
            _ if trusts(peer) => (ClientAddress::Unknown, Some(Elements::new())),
            Some(peer) => (ClientAddress::Known(RawIp(peer)), None),
            None => (ClientAddress::NoPeerAddress, None),
        };
        ClientReader {
            strategy: &self.0,
            has_peer: peer.is_some(),
            peer: peer_is_client,
            hops,
            forwarding: false,
        }
    }

    /// The client of a request.
    #[cfg(test)]
    fn resolve(&self, request: &crate::PixelRequest<'_>) -> ClientAddress {
        let mut reader = self.reader(request.peer);
        request.headers.each(&mut |name, line| {
            reader.visit(name, line);
        });
        reader.client()
    }

    /// The proxies whose header is read; `None` if none is.
    const fn trusted(&self) -> Option<&TrustedProxies> {
        match &self.0 {
            Strategy::Peer => None,
            Strategy::XForwardedFor(trusted)
            | Strategy::Forwarded(trusted)
            | Strategy::Header(_, trusted) => Some(trusted),
        }
    }
}

/// Finds the client of one request while its headers are walked through, once. It allocates
/// nothing.
pub(crate) struct ClientReader<'s, 'a> {
    strategy: &'s Strategy,
    has_peer: bool,
    /// Who the client is if no header is read.
    peer: ClientAddress,
    /// What the one header names; `None` if none is read.
    hops: Option<Elements<'a>>,
    forwarding: bool,
}

impl<'a> ClientReader<'_, 'a> {
    /// Looks at a header line; `true` if it tells of a proxy.
    pub(crate) fn visit(&mut self, name: &str, line: &'a [u8]) -> bool {
        if let Some(hops) = &mut self.hops {
            match self.strategy {
                Strategy::XForwardedFor(_) if name == "x-forwarded-for" => hops.add(line, |hops| {
                    for element in line.split(|&byte| byte == b',').map(address::trim) {
                        if !element.is_empty() {
                            hops.push(element);
                        }
                    }
                }),
                Strategy::Forwarded(_) if name == "forwarded" => hops.add(line, |hops| {
                    forwarded::split(line, |element| hops.push(element));
                }),
                Strategy::Header(header, _) if name == header.as_str() => {
                    hops.add(line, |hops| hops.push(line));
                }
                _ => {}
            }
        }
        let tells = matches!(name, "x-forwarded-for" | "forwarded" | "x-real-ip" | "cf-connecting-ip");
        self.forwarding |= tells;
        tells
    }

    /// Whether there was a forwarding header that the settings do not read, at least not from this
    /// peer. A peer without an address is not counted here: a client that has hung up before it was
    /// accepted has none, and says nothing about the settings.
    pub(crate) const fn forwarding_ignored(&self) -> bool {
        self.forwarding && self.has_peer && self.hops.is_none()
    }

    /// The client, once all lines were looked at.
    pub(crate) fn client(self) -> ClientAddress {
        let Some(hops) = self.hops.as_ref() else { return self.peer };
        let found = hops.whole().and_then(|hops| match self.strategy {
            Strategy::Peer => None,
            Strategy::XForwardedFor(trusted) => {
                hops.client(trusted, |text| address::parse(text, Ports::Numeric))
            }
            Strategy::Forwarded(trusted) => hops.client(trusted, forwarded::node),
            Strategy::Header(..) => address::parse(hops.last()?, Ports::Numeric),
        });
        match found {
            Some(address) if !address.is_unspecified() => ClientAddress::Known(RawIp(address)),
            _ => ClientAddress::Unknown,
        }
    }
}

const HEADER_NAME: &str = "the name of a header: letters, digits and dashes, such as x-real-ip";

/// What is known of the client's address.
pub(crate) enum ClientAddress {
    /// The peer, or the client that a trusted proxy named.
    Known(RawIp),
    /// A trusted proxy named no address that can be believed, or the address is the unspecified
    /// one.
    Unknown,
    /// The peer has no address and such peers are not trusted. With a server that should know its
    /// peers this is a mistake in its set-up, worth a warning.
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
    items: [&'a [u8]; MAX_ELEMENTS],
    count: usize,
    bytes: usize,
}

impl<'a> Elements<'a> {
    const fn new() -> Self {
        Self { items: [&[]; MAX_ELEMENTS], count: 0, bytes: 0 }
    }

    /// Adds a line's elements, unless the header is over a limit with it.
    fn add(&mut self, line: &'a [u8], add: impl FnOnce(&mut Self)) {
        self.bytes = self.bytes.saturating_add(line.len());
        if self.is_within_limits() {
            add(self);
        }
    }

    /// Itself, unless it is over a limit.
    fn whole(&self) -> Option<&Self> {
        self.is_within_limits().then_some(self)
    }

    const fn is_within_limits(&self) -> bool {
        self.bytes <= MAX_HEADER_BYTES && self.count <= MAX_ELEMENTS
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

    /// The last hop that is not trusted. Text that is no address, or the unspecified address, ends
    /// the search.
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
