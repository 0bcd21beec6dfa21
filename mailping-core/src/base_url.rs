//! Where the routes are reached from outside: the start of every pixel's URL, which also stands in
//! a header line.

use std::borrow::Cow;

use idna::uts46::{AsciiDenyList, DnsLength, Hyphens, Uts46};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use url::{Host, Url};

/// Why a text is no base URL. It never repeats the text, which may hold a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BaseUrlError {
    /// It does not begin with `http://` or `https://`.
    #[error("base URL must begin with http:// or https://, such as https://app.example/px")]
    NotAbsolute,
    /// The host is empty or no host's name or address.
    #[error("base URL must have a valid host, such as app.example in https://app.example/px")]
    Host,
    /// The port is no number from 1 to 65535.
    #[error("the port of the base URL must be a number from 1 to 65535")]
    Port,
    /// It has a user name or a password.
    #[error("base URL must not have a user name or password: it is part of every message")]
    UserInfo,
    /// It has a query or a fragment.
    #[error("base URL must not have a query (?) or a fragment (#)")]
    QueryOrFragment,
    /// The path has an empty segment, `.` or `..`, which programs on the way remove.
    #[error("the path of the base URL must not have //, /./ or /../")]
    Path,
    /// It has a blank, a control character or a backslash.
    #[error("base URL must not have blanks, control characters or backslashes")]
    Character,
    /// It is longer than a header line leaves room for.
    #[error("base URL must not be longer than {MAX_BYTES} bytes")]
    Length,
}

/// A header line has 998 characters (RFC 5322), and a mail program its own smaller limits.
const MAX_BYTES: usize = 512;

/// What a path may not hold as it is (RFC 3986, 3.3). An escape that is there already stays.
const NOT_IN_PATH: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b'!')
    .remove(b'$')
    .remove(b'&')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')')
    .remove(b'*')
    .remove(b'+')
    .remove(b',')
    .remove(b';')
    .remove(b'=')
    .remove(b':')
    .remove(b'@')
    .remove(b'/')
    .remove(b'%');

/// In ASCII (IDNA, percent-encoding), so that it can stand in a header, and without a slash at its
/// end.
pub(crate) fn check_base_url(url: &str) -> Result<String, BaseUrlError> {
    let url = url.trim();
    let (scheme, rest) = url.split_once("://").ok_or(BaseUrlError::NotAbsolute)?;
    let scheme = scheme.to_ascii_lowercase();
    if scheme != "http" && scheme != "https" {
        return Err(BaseUrlError::NotAbsolute);
    }
    let end = rest.find(['/', '\\', '?', '#']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at_checked(end).unwrap_or((rest, ""));
    if authority.contains('@') {
        return Err(BaseUrlError::UserInfo);
    }
    if url.chars().any(|c| c.is_whitespace() || c.is_control() || c == '\\') {
        return Err(BaseUrlError::Character);
    }
    if path.contains(['?', '#']) {
        return Err(BaseUrlError::QueryOrFragment);
    }
    let authority = checked_authority(&scheme, authority)?;
    let path = checked_path(path)?;
    let url = format!("{scheme}://{authority}{path}");
    if url.len() > MAX_BYTES { Err(BaseUrlError::Length) } else { Ok(url) }
}

fn checked_authority(scheme: &str, authority: &str) -> Result<String, BaseUrlError> {
    // A colon within brackets is one of an IPv6 address.
    let port = authority.rsplit_once(':').filter(|(_, port)| !port.contains(']'));
    if let Some((_, port)) = port {
        let number =
            port.bytes().all(|byte| byte.is_ascii_digit()).then(|| port.parse::<u16>().ok()).flatten();
        if number.is_none_or(|number| number == 0) {
            return Err(BaseUrlError::Port);
        }
    }
    if port.map_or(authority, |(host, _)| host).is_empty() {
        return Err(BaseUrlError::Host);
    }
    let url = Url::parse(&format!("{scheme}://{authority}")).map_err(|_| BaseUrlError::Host)?;
    let host = url.host().ok_or(BaseUrlError::Host)?;
    if let Host::Domain(name) = host {
        let letters = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte));
        let deny = AsciiDenyList::EMPTY;
        let lengths =
            Uts46::new().to_ascii(name.as_bytes(), deny, Hyphens::Allow, DnsLength::VerifyAllowRootDot);
        if !letters || lengths.is_err() {
            return Err(BaseUrlError::Host);
        }
    }
    Ok(url.port().map_or_else(|| host.to_string(), |port| format!("{host}:{port}")))
}

fn checked_path(path: &str) -> Result<String, BaseUrlError> {
    let path = path.strip_suffix('/').unwrap_or(path);
    let mut checked = String::new();
    for segment in path.split('/').skip(1) {
        let decoded: Vec<u8> = percent_encoding::percent_decode_str(segment).collect();
        if matches!(decoded.as_slice(), b"" | b"." | b"..") {
            return Err(BaseUrlError::Path);
        }
        if decoded.iter().any(|byte| byte.is_ascii_control() || b"/\\".contains(byte)) {
            return Err(BaseUrlError::Character);
        }
        checked.push('/');
        checked.extend(utf8_percent_encode(&with_escapes_only(segment), NOT_IN_PATH));
    }
    Ok(checked)
}

/// A `%` that begins no escape becomes one.
fn with_escapes_only(segment: &str) -> Cow<'_, str> {
    let begins_escape = |rest: &str| rest.bytes().take(2).filter(u8::is_ascii_hexdigit).count() == 2;
    let mut parts = segment.split('%');
    let mut whole = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        whole.push_str(if begins_escape(part) { "%" } else { "%25" });
        whole.push_str(part);
    }
    whole.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_base_url_is_brought_to_a_form_that_stands_in_a_header() {
        for (url, expected) in [
            ("https://app.example/px/", "https://app.example/px"),
            ("https://app.example", "https://app.example"),
            ("https://app.example/", "https://app.example"),
            (" HTTPS://App.Example/Px \n", "https://app.example/Px"),
            ("http://127.0.0.1:3000", "http://127.0.0.1:3000"),
            ("http://localhost:3000/px", "http://localhost:3000/px"),
            ("http://[::1]:8080/px", "http://[::1]:8080/px"),
            ("http://[::1]/px", "http://[::1]/px"),
            ("https://app.example:443/px", "https://app.example/px"),
            ("https://app.example:80/px", "https://app.example:80/px"),
            ("https://app.example:65535", "https://app.example:65535"),
            ("https://ex\u{e4}mple.com", "https://xn--exmple-cua.com"),
            ("https://EX\u{c4}MPLE.com:8443/px", "https://xn--exmple-cua.com:8443/px"),
            ("https://app\u{3002}example", "https://app.example"),
            ("http://host/t\u{e4}st", "http://host/t%C3%A4st"),
            ("http://host/t%C3%A4st", "http://host/t%C3%A4st"),
            ("http://host/50%/a%zz", "http://host/50%25/a%25zz"),
            ("http://host/a<b>\"c\"|{d}`", "http://host/a%3Cb%3E%22c%22%7C%7Bd%7D%60"),
            ("http://host/a;b=c,d@e:f", "http://host/a;b=c,d@e:f"),
            ("http://my_host/px", "http://my_host/px"),
            ("http://host/...", "http://host/..."),
        ] {
            assert_eq!(check_base_url(url).as_deref(), Ok(expected), "{url}");
            assert_eq!(check_base_url(expected).as_deref(), Ok(expected), "{expected}");
        }
    }

    #[test]
    fn each_refusal_has_its_reason_and_repeats_nothing() {
        let long = format!("https://app.example/{}", "x".repeat(600));
        let label = format!("https://{}.example", "x".repeat(64));
        for (url, expected) in [
            ("", BaseUrlError::NotAbsolute),
            ("/px", BaseUrlError::NotAbsolute),
            ("app.example/px", BaseUrlError::NotAbsolute),
            ("//app.example/px", BaseUrlError::NotAbsolute),
            ("https:/app.example", BaseUrlError::NotAbsolute),
            ("https:app.example", BaseUrlError::NotAbsolute),
            ("ftp://app.example", BaseUrlError::NotAbsolute),
            ("javascript://app.example", BaseUrlError::NotAbsolute),
            ("https://", BaseUrlError::Host),
            ("https:///px", BaseUrlError::Host),
            ("https://:8080/px", BaseUrlError::Host),
            ("https://./px", BaseUrlError::Host),
            ("https://a..example", BaseUrlError::Host),
            ("https://.example", BaseUrlError::Host),
            ("https://[::1", BaseUrlError::Host),
            ("https://::1", BaseUrlError::Host),
            ("https://a<b.example", BaseUrlError::Host),
            ("https://a,b.example", BaseUrlError::Host),
            ("https://1.2.3.999", BaseUrlError::Host),
            ("https://xn--0.example", BaseUrlError::Host),
            (&label, BaseUrlError::Host),
            ("https://app.example:65536", BaseUrlError::Port),
            ("https://app.example:99999999999999999999", BaseUrlError::Port),
            ("https://app.example:0", BaseUrlError::Port),
            ("https://app.example:", BaseUrlError::Port),
            ("https://app.example:+80", BaseUrlError::Port),
            ("https://app.example:px", BaseUrlError::Port),
            ("https://u:secret@a.example", BaseUrlError::UserInfo),
            ("https://u@a.example", BaseUrlError::UserInfo),
            ("https://u:sec ret@a.example", BaseUrlError::UserInfo),
            ("https://@a.example", BaseUrlError::UserInfo),
            ("https://a.example/?x=1", BaseUrlError::QueryOrFragment),
            ("https://a.example?", BaseUrlError::QueryOrFragment),
            ("https://a.example/#px", BaseUrlError::QueryOrFragment),
            ("https://a.example//px", BaseUrlError::Path),
            ("https://a.example/px//", BaseUrlError::Path),
            ("https://a.example/a/../px", BaseUrlError::Path),
            ("https://a.example/./px", BaseUrlError::Path),
            ("https://a.example/..", BaseUrlError::Path),
            ("https://a.example/%2E%2e/px", BaseUrlError::Path),
            ("https://a.example/a%2Fb", BaseUrlError::Character),
            ("https://a.example/a%0D%0Ab", BaseUrlError::Character),
            ("https://a b.example", BaseUrlError::Character),
            ("https://a.example/p x", BaseUrlError::Character),
            ("https://a.example/p\tx", BaseUrlError::Character),
            ("https://a.example/p\r\nX: y", BaseUrlError::Character),
            ("https://a.example/p\u{0}x", BaseUrlError::Character),
            ("https://a.example\\px", BaseUrlError::Character),
            ("https://a.example/\u{2028}x", BaseUrlError::Character),
            (&long, BaseUrlError::Length),
        ] {
            let error = check_base_url(url).unwrap_err();
            assert_eq!(error, expected, "{url}");
            assert!(!format!("{error} {error:?}").contains("secret"));
        }
    }
}
