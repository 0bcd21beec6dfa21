//! Where webhooks go: one address, signed with one secret, and never into a private network unless
//! that is allowed.

use std::error::Error as _;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use mailping_core::Timestamp;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::header::{HeaderValue, RETRY_AFTER};
use reqwest::redirect::Policy;
use reqwest::{Client, StatusCode, Url};
use standardwebhooks::{HEADER_WEBHOOK_ID, HEADER_WEBHOOK_SIGNATURE, HEADER_WEBHOOK_TIMESTAMP, Webhook};

/// How long a receiver may take to answer.
pub(crate) const PATIENCE: Duration = Duration::from_secs(15);
/// The longest pause that a receiver can ask for: a third of the time that a message is tried for.
const MAX_PAUSE: Duration = Duration::from_secs(24 * 60 * 60);

/// A receiver of signed webhooks.
#[derive(Clone)]
pub struct Target {
    url: Url,
    client: Client,
    key: Arc<Webhook>,
}

/// A target that cannot be used. It repeats neither the address nor the secret.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TargetError {
    /// The address is none.
    #[error("must be an address such as https://app.example/hooks")]
    Url,
    /// Whoever listens on the way would read what is told.
    #[error("must begin with https: without TLS anyone on the way can read it")]
    NoTls,
    /// The address leads into a private network.
    #[error("leads into a private network")]
    Private,
    /// The secret is none.
    #[error(
        "must be whsec_ and the base64 of 24 to 64 bytes: make one with `echo \"whsec_$(openssl rand -base64 32)\"`"
    )]
    Secret,
    /// The system has no usable TLS.
    #[error("no TLS client can be made: are the system's certificates there?")]
    Tls,
}

/// Why a message was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NotTaken {
    /// 410: the receiver wants no more of them.
    #[error("the receiver answered 410")]
    Gone,
    #[error("the receiver answered {status}")]
    Status {
        status: u16,
        /// For how long the receiver asks to be left alone, as far as that is obeyed.
        pause: Option<Duration>,
    },
    #[error("the receiver did not answer in time")]
    TooSlow,
    #[error("the receiver's name leads into a private network")]
    Private,
    #[error("the receiver cannot be reached, or has no trusted certificate")]
    Unreachable,
}

impl Target {
    /// The receiver at an address. With `allow_private` it may be in a private network or on this
    /// machine, and without TLS.
    ///
    /// # Errors
    /// [`TargetError`]: which of the two is wrong, and what it must be.
    pub fn new(url: &str, secret: &str, allow_private: bool) -> Result<Self, TargetError> {
        let url = Url::parse(url).map_err(|_| TargetError::Url)?;
        match url.scheme() {
            "https" => {}
            "http" if allow_private => {}
            "http" => return Err(TargetError::NoTls),
            _ => return Err(TargetError::Url),
        }
        // A literal address is connected to without asking the resolver.
        let literal = url.host_str().and_then(|host| host.trim_matches(['[', ']']).parse().ok());
        if literal.is_some_and(|address| !allow_private && !is_public(address)) {
            return Err(TargetError::Private);
        }
        let key = secret.strip_prefix("whsec_").and_then(|secret| STANDARD.decode(secret).ok());
        let key = key.filter(|key| (24..=64).contains(&key.len())).ok_or(TargetError::Secret)?;
        let key = Webhook::from_bytes(key).map_err(|_| TargetError::Secret)?;

        // An error means that the app has chosen one already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        // A redirect or a proxy from the environment would lead where the resolver does not look.
        let mut client = Client::builder().redirect(Policy::none()).no_proxy().timeout(PATIENCE);
        if !allow_private {
            client = client.dns_resolver(PublicOnly);
        }
        let client = client.user_agent("mailping-webhooks").build().map_err(|_| TargetError::Tls)?;
        Ok(Self { url, client, key: Arc::new(key) })
    }

    /// Posts one message; only an answer of 2xx is taken for delivery.
    pub(crate) async fn post(&self, id: &str, body: String) -> Result<(), NotTaken> {
        let now = Timestamp::from(SystemTime::now()).unix_millis() / 1_000;
        let signature = self.key.sign(id, now, body.as_bytes()).map_err(|_| NotTaken::Unreachable)?;
        let request = self.client.post(self.url.clone()).body(body);
        let sent = request
            .header("content-type", "application/json")
            .header(HEADER_WEBHOOK_ID, id)
            .header(HEADER_WEBHOOK_TIMESTAMP, now)
            .header(HEADER_WEBHOOK_SIGNATURE, signature)
            .send()
            .await;
        match sent {
            Ok(answer) if answer.status().is_success() => Ok(()),
            Ok(answer) if answer.status() == StatusCode::GONE => Err(NotTaken::Gone),
            Ok(answer) => Err(NotTaken::Status {
                status: answer.status().as_u16(),
                pause: answer
                    .headers()
                    .get(RETRY_AFTER)
                    .and_then(|value| asked_for(value, SystemTime::now())),
            }),
            Err(error) if is_private(&error) => Err(NotTaken::Private),
            Err(error) if error.is_timeout() => Err(NotTaken::TooSlow),
            Err(_) => Err(NotTaken::Unreachable),
        }
    }
}

/// The pause that `Retry-After` asks for, in seconds or until a date (RFC 9110, section 10.2.3);
/// `None` if it is neither.
fn asked_for(value: &HeaderValue, now: SystemTime) -> Option<Duration> {
    let text = value.to_str().ok()?.trim();
    let pause = if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        text.parse().map_or(MAX_PAUSE, Duration::from_secs)
    } else {
        httpdate::parse_http_date(text).ok()?.duration_since(now).unwrap_or_default()
    };
    Some(pause.min(MAX_PAUSE))
}

/// Shows neither the address, which may hold a secret, nor the key.
impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Target")
    }
}

/// Looks names up and leaves out private addresses, for each connection anew: a name that is public
/// when it is checked and private when it is used gains nothing.
struct PublicOnly;

#[derive(Debug, thiserror::Error)]
#[error("no public address")]
struct NoPublicAddress;

impl Resolve for PublicOnly {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let public: Vec<SocketAddr> = found.filter(|address| is_public(address.ip())).collect();
            if public.is_empty() {
                return Err(NoPublicAddress.into());
            }
            Ok(Box::new(public.into_iter()) as Addrs)
        })
    }
}

fn is_private(error: &reqwest::Error) -> bool {
    let mut source = error.source();
    while let Some(error) = source {
        if error.is::<NoPublicAddress>() {
            return true;
        }
        source = error.source();
    }
    false
}

/// Whether an address is one of the public Internet (IANA's special-purpose registries; of IPv6
/// only global unicast is).
fn is_public(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(v4) => is_public_v4(v4),
        IpAddr::V6(v6) => is_public_v6(v6),
    }
}

fn is_public_v4(v4: Ipv4Addr) -> bool {
    !matches!(
        v4.octets(),
        [0 | 10 | 127 | 224..=255, ..]
            | [100, 64..=127, ..]
            | [169, 254, ..]
            | [172, 16..=31, ..]
            | [192, 168, ..]
            | [192, 0, 0 | 2, _]
            | [192, 88, 99, _]
            | [198, 18 | 19, ..]
            | [198, 51, 100, _]
            | [203, 0, 113, _]
    )
}

fn is_public_v6(v6: Ipv6Addr) -> bool {
    match v6.segments() {
        // Tunnels carry an IPv4 address of anyone's choice; the others are for documents,
        // benchmarks and identifiers.
        [0x2001, 0..=0x1ff | 0xdb8, ..] | [0x2002, ..] | [0x3fff, 0..=0xfff, ..] => false,
        [first, ..] => first & 0xe000 == 0x2000,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

    #[test]
    fn addresses_in_private_networks_are_refused_in_every_spelling() {
        for host in [
            "127.0.0.1",
            "2130706433",
            "0x7f.1",
            "0177.0.0.1",
            "10.1.2.3",
            "192.168.1.1",
            "172.31.0.1",
            "169.254.169.254",
            "100.64.0.1",
            "0.0.0.0",
            "[::1]",
            "[::]",
            "[::ffff:10.0.0.1]",
            "[fd00::1]",
            "[fe80::1]",
            "[64:ff9b::a00:1]",
            "[2002:a00:1::]",
            "[2001:0:a00:1::]",
            "[::127.0.0.1]",
            "224.0.0.1",
            "255.255.255.255",
        ] {
            let url = format!("https://{host}/hooks");
            assert!(matches!(Target::new(&url, SECRET, false), Err(TargetError::Private)), "{host}");
            assert!(Target::new(&url, SECRET, true).is_ok(), "{host}");
        }
        for host in ["8.8.8.8", "[2606:4700::1111]", "app.example"] {
            assert!(Target::new(&format!("https://{host}/"), SECRET, false).is_ok(), "{host}");
        }
    }

    #[tokio::test]
    async fn a_name_that_leads_home_is_not_connected_to() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let url = format!("https://localhost:{port}/hooks");
        let target = Target::new(&url, SECRET, false).unwrap();
        assert_eq!(target.post("id", "{}".to_owned()).await, Err(NotTaken::Private));
        listener.set_nonblocking(true).unwrap();
        assert_eq!(listener.accept().unwrap_err().kind(), std::io::ErrorKind::WouldBlock);
    }

    #[test]
    fn a_pause_is_asked_for_in_seconds_or_until_a_date_and_is_a_day_at_most() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777);
        for (text, seconds) in [
            ("120", Some(120)),
            ("0", Some(0)),
            (" 7 ", Some(7)),
            ("99999999999999999999999999", Some(86_400)),
            ("86401", Some(86_400)),
            ("Sun, 06 Nov 1994 08:50:37 GMT", Some(60)),
            ("Sunday, 06-Nov-94 08:50:37 GMT", Some(60)),
            ("Sun Nov  6 08:50:37 1994", Some(60)),
            ("Sun, 06 Nov 1994 08:49:37 GMT", Some(0)),
            ("Fri, 06 Nov 1992 08:49:37 GMT", Some(0)),
            ("Sun, 06 Nov 2996 08:49:37 GMT", Some(86_400)),
            ("", None),
            ("-1", None),
            ("1.5", None),
            ("soon", None),
        ] {
            let asked = asked_for(&HeaderValue::from_static(text), now);
            assert_eq!(asked, seconds.map(Duration::from_secs), "{text}");
        }
        assert_eq!(asked_for(&HeaderValue::from_bytes(b"\xff").unwrap(), now), None);
    }

    #[test]
    fn wrong_addresses_and_secrets_are_refused() {
        let refused = |url, secret| Target::new(url, secret, false).unwrap_err().to_string();
        assert!(refused("http://app.example/", SECRET).contains("https"));
        for url in ["app.example", "ftp://app.example/", "https://", ""] {
            assert!(refused(url, SECRET).contains("https://app.example"), "{url}");
        }
        for secret in ["", "whsec_", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_c2hvcnQ=", "whsec_%%%"] {
            assert!(refused("https://app.example/", secret).contains("24 to 64"), "{secret}");
        }
    }
}
