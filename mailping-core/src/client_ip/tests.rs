//! The corpus, the known holes and the limits of reading a client's address.

use http::{HeaderMap, HeaderValue};
use proptest::prelude::*;
use serde::Deserialize;

use super::*;
use crate::PixelRequest;

const CORPUS: &str = include_str!("../../tests/corpus/client_ip.jsonl");

#[derive(Deserialize)]
struct Case {
    peer: String,
    headers: Vec<(String, String)>,
    trusted: Vec<String>,
    strategy: String,
    expect: String,
    why: String,
}

fn client_ip(strategy: &str, trusted: &str) -> ClientIp {
    match strategy {
        "xff" => ClientIp::x_forwarded_for(trusted),
        "forwarded" => ClientIp::forwarded(trusted),
        other => ClientIp::header(other.strip_prefix("header:").unwrap(), trusted),
    }
    .unwrap()
}

fn header_map<'a>(lines: impl IntoIterator<Item = (&'a str, &'a [u8])>) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in lines {
        let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
        headers.append(name, HeaderValue::from_bytes(value).unwrap());
    }
    headers
}

/// What came out, as text: the only place where a raw address is printed, and it is compiled for
/// tests alone.
fn resolve(client_ip: &ClientIp, peer: Option<&str>, headers: &HeaderMap) -> String {
    let peer = peer.map(|peer| peer.parse().unwrap());
    match client_ip.resolve(&PixelRequest::new("/px/token", peer, headers)) {
        ClientAddress::Known(RawIp(address)) => address.to_string(),
        ClientAddress::Unknown => "none".to_owned(),
        ClientAddress::NoPeerAddress => "no peer address".to_owned(),
    }
}

/// The answer behind the trusted proxy 10.0.0.1.
fn behind_proxy(strategy: &str, lines: &[(&str, &[u8])]) -> String {
    resolve(&client_ip(strategy, "10.0.0.0/8"), Some("10.0.0.1"), &header_map(lines.iter().copied()))
}

#[test]
fn corpus_of_client_addresses_holds() {
    let mut count = 0;
    for line in CORPUS.lines() {
        let case: Case = serde_json::from_str(line).unwrap();
        // The corpus writes a peer's zone; a socket address keeps it apart from the address.
        let peer = case.peer.split('%').next().filter(|&peer| peer != "unix");
        let client_ip = client_ip(&case.strategy, &case.trusted.join(","));
        let lines = case.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes()));
        let expect = match case.expect.as_str() {
            "peer" => peer.unwrap(),
            other => other,
        };
        assert_eq!(resolve(&client_ip, peer, &header_map(lines)), expect, "{}: {line}", case.why);
        count += 1;
    }
    assert_eq!(count, 93);
}

#[test]
fn peer_strategy_reads_no_header() {
    let headers = header_map([("x-forwarded-for", &b"1.2.3.4"[..]), ("forwarded", b"for=1.2.3.4")]);
    assert_eq!(resolve(&ClientIp::default(), Some("10.0.0.1"), &headers), "10.0.0.1");
    assert_eq!(resolve(&ClientIp::peer(), Some("::ffff:192.0.2.1"), &headers), "192.0.2.1");
}

#[test]
fn peer_without_an_address_is_its_own_case_until_it_is_trusted_by_name() {
    let headers = header_map([("x-forwarded-for", &b"1.2.3.4"[..])]);
    assert_eq!(resolve(&ClientIp::peer(), None, &headers), "no peer address");
    assert_eq!(resolve(&client_ip("xff", "0.0.0.0/0, ::/0"), None, &headers), "no peer address");
    assert_eq!(resolve(&client_ip("xff", "unix"), None, &headers), "1.2.3.4");
    assert_eq!(resolve(&client_ip("xff", "unix"), None, &HeaderMap::new()), "none");
    assert_eq!(resolve(&client_ip("xff", "unix"), Some("192.0.2.1"), &headers), "192.0.2.1");
}

#[test]
fn unspecified_address_is_no_client_in_any_strategy() {
    for peer in ["0.0.0.0", "::", "::ffff:0.0.0.0"] {
        assert_eq!(resolve(&ClientIp::peer(), Some(peer), &HeaderMap::new()), "none");
        let headers = header_map([("x-forwarded-for", &b"1.2.3.4"[..])]);
        assert_eq!(resolve(&client_ip("xff", "0.0.0.0/0, ::/0"), Some(peer), &headers), "none");
    }
    for value in ["0.0.0.0", "::", "::ffff:0:0"] {
        assert_eq!(behind_proxy("xff", &[("x-forwarded-for", value.as_bytes())]), "none");
        assert_eq!(behind_proxy("header:x-real-ip", &[("x-real-ip", value.as_bytes())]), "none");
        let forwarded = format!("for=\"[{value}]\"");
        assert_eq!(behind_proxy("forwarded", &[("forwarded", forwarded.as_bytes())]), "none");
    }
    // Nor is one stepped over because it is trusted.
    let headers = header_map([("x-forwarded-for", &b"1.2.3.4, 0.0.0.0"[..])]);
    assert_eq!(resolve(&client_ip("xff", "10.0.0.0/8, 0.0.0.0/8"), Some("10.0.0.1"), &headers), "none");
}

#[test]
fn missing_header_never_falls_back_to_another() {
    // A client can have a proxy drop its own header: `Connection: X-Forwarded-For` (CVE-2022-31813,
    // CVE-2024-45410).
    let others: [(&str, &[u8]); 4] = [
        ("connection", b"X-Forwarded-For"),
        ("x-real-ip", b"1.2.3.4"),
        ("forwarded", b"for=1.2.3.4"),
        ("client-ip", b"1.2.3.4"),
    ];
    assert_eq!(behind_proxy("xff", &others), "none");
}

#[test]
fn name_with_underscores_is_another_header() {
    // Gateways that fold underscores into dashes let a client write the proxy's header
    // (CVE-2025-64484).
    let spoofed: (&str, &[u8]) = ("x_forwarded_for", b"6.6.6.6");
    assert_eq!(behind_proxy("xff", &[spoofed]), "none");
    assert_eq!(behind_proxy("xff", &[("x-forwarded-for", b"1.2.3.4"), spoofed]), "1.2.3.4");
    assert_eq!(behind_proxy("header:x-real-ip", &[("x_real_ip", b"6.6.6.6")]), "none");
}

#[test]
fn more_than_64_hops_are_not_read() {
    for (strategy, name, hop) in
        [("xff", "x-forwarded-for", "10.0.0.2"), ("forwarded", "forwarded", "for=10.0.0.2")]
    {
        let client = hop.replace("10.0.0.2", "1.2.3.4");
        let hops = |count: usize| vec![hop; count].join(",");
        let one_line =
            |count| behind_proxy(strategy, &[(name, format!("{client},{}", hops(count)).as_bytes())]);
        assert_eq!(one_line(63), "1.2.3.4", "{strategy}");
        assert_eq!(one_line(64), "none", "{strategy}");
        let two_lines =
            |count| behind_proxy(strategy, &[(name, client.as_bytes()), (name, hops(count).as_bytes())]);
        assert_eq!(two_lines(63), "1.2.3.4", "{strategy}");
        assert_eq!(two_lines(64), "none", "{strategy}");
    }
    let lines = |count: usize| vec![("x-real-ip", &b"1.2.3.4"[..]); count];
    assert_eq!(behind_proxy("header:x-real-ip", &lines(64)), "1.2.3.4");
    assert_eq!(behind_proxy("header:x-real-ip", &lines(65)), "none");
}

#[test]
fn more_than_8_kib_are_not_read() {
    for (strategy, name, client) in [
        ("xff", "x-forwarded-for", "1.2.3.4"),
        ("forwarded", "forwarded", "for=1.2.3.4"),
        ("header:x-real-ip", "x-real-ip", "1.2.3.4"),
    ] {
        let padded = |length: usize| format!("{client:>length$}");
        assert_eq!(behind_proxy(strategy, &[(name, padded(8192).as_bytes())]), "1.2.3.4", "{strategy}");
        assert_eq!(behind_proxy(strategy, &[(name, padded(8193).as_bytes())]), "none", "{strategy}");
        let two = [(name, padded(4096).into_bytes()), (name, padded(4097).into_bytes())];
        let two: Vec<(&str, &[u8])> = two.iter().map(|(name, value)| (*name, value.as_slice())).collect();
        assert_eq!(behind_proxy(strategy, &two), "none", "{strategy}");
    }
}

#[test]
fn forwarded_is_strict_about_quotes_and_delimiters() {
    for (value, expect) in [
        // Lenient about the characters of a value.
        (r#"for=1.2.3.4"#, "1.2.3.4"),
        (r#"for=1.2.3.4:80; proto=https"#, "1.2.3.4"),
        (r#"FOR="1.2.3.4:_port";by=[::1]:80"#, "1.2.3.4"),
        (r#"for="1.2.\3.4""#, "1.2.3.4"),
        (r#"for=1.2.3.4;;host=a"#, "1.2.3.4"),
        (r#"host="\",for=6.6.6.6";for=1.2.3.4"#, "1.2.3.4"),
        // A quote that does not open a value or close it, or never closes, spoils the line.
        (r#"for=1.2.3.4;host="a"#, "none"),
        (r#"for=6.6.6.6;x=", for=1.2.3.4;host=";y=\"a""#, "none"),
        (r#"a", for=1.2.3.4;host="b"#, "none"),
        (r#"for=6.6.6.6, x"y", for=1.2.3.4"#, "none"),
        (r#"for="1.2.3.4"x"#, "none"),
        (r#"for="1.2.3.4\"#, "none"),
        // Delimiters and names.
        (r#"for =1.2.3.4"#, "none"),
        (r#"for=1.2.3.4 ;proto=https"#, "none"),
        (r#"for=1.2.3.4 proto=https"#, "none"),
        (r#"for=1.2.3.4;for=5.6.7.8"#, "none"),
        (r#"for=1.2.3.4;host=a;HOST=b"#, "none"),
        (r#"for=1.2.3.4;host"#, "none"),
        (r#"for=1.2.3.4;=a"#, "none"),
        (r#"for=1.2.3.4;host="#, "none"),
        (r#"for=1.2.3.4;ho(st=a"#, "none"),
        (r#"f\or=1.2.3.4"#, "none"),
        (r#"for=\1.2.3.4"#, "none"),
        (r#"xfor=1.2.3.4"#, "none"),
    ] {
        assert_eq!(behind_proxy("forwarded", &[("forwarded", value.as_bytes())]), expect, "{value}");
    }
}

/// No server hands over such bytes in a header; the grammar must not lean on that.
#[test]
fn control_characters_in_quotes_are_refused_but_the_tab() {
    let node = |element: &[u8]| super::forwarded::node(element).map(|address| address.to_string());
    assert_eq!(node(b"for=1.2.3.4;host=\"a\tb\"").as_deref(), Some("1.2.3.4"));
    assert_eq!(node(b"for=1.2.3.4;host=\"a\x01b\""), None);
}

#[test]
fn forwarded_element_has_at_most_16_parameters_and_a_short_node() {
    let parameters = |count: usize| (0..count).map(|index| format!(";p{index}=a")).collect::<String>();
    for (count, expect) in [(15, "1.2.3.4"), (16, "none")] {
        let value = format!("for=1.2.3.4{}", parameters(count));
        assert_eq!(behind_proxy("forwarded", &[("forwarded", value.as_bytes())]), expect);
    }
    for (length, expect) in [(128, "1.2.3.4"), (129, "none")] {
        let value = format!("for=\"{:>length$}\"", "1.2.3.4");
        assert_eq!(behind_proxy("forwarded", &[("forwarded", value.as_bytes())]), expect);
    }
}

#[test]
fn bytes_that_are_no_utf8_end_the_search() {
    assert_eq!(behind_proxy("xff", &[("x-forwarded-for", b"6.6.6.6, \xff")]), "none");
    assert_eq!(behind_proxy("xff", &[("x-forwarded-for", b"\xff, 1.2.3.4")]), "1.2.3.4");
    assert_eq!(behind_proxy("forwarded", &[("forwarded", b"for=6.6.6.6, for=\xff")]), "none");
    assert_eq!(behind_proxy("forwarded", &[("forwarded", b"for=1.2.3.4;host=\"\xff\"")]), "1.2.3.4");
    assert_eq!(behind_proxy("header:x-real-ip", &[("x-real-ip", b"\xff")]), "none");
}

#[test]
fn header_name_is_checked_and_kept_in_lower_case() {
    for bad in ["", "x real ip", "x-real-ip:", "x-r\u{e9}al"] {
        let error = ClientIp::header(bad, "::1").unwrap_err();
        assert_eq!(error, ParseError::new(HEADER_NAME), "{bad:?}");
    }
    let client_ip = ClientIp::header("X-Real-IP", "::1").unwrap();
    assert!(format!("{client_ip:?}").contains("x-real-ip"));
}

/// Bytes that a header may hold, most of them such as the grammars are made of.
fn header_bytes() -> impl Strategy<Value = Vec<u8>> {
    let byte = prop_oneof![
        8 => proptest::sample::select(b"for=;,\"\\[]:%._ \t0123456789abcdef".to_vec()),
        1 => (0x20_u8..=0xff).prop_filter("DEL is no header byte", |&byte| byte != 0x7f),
    ];
    proptest::collection::vec(byte, 0..200)
}

use proptest::strategy::Strategy;

proptest! {
    #[test]
    fn no_header_bytes_make_any_strategy_panic(lines in proptest::collection::vec(header_bytes(), 0..5)) {
        for (strategy, name) in [("xff", "x-forwarded-for"), ("forwarded", "forwarded"), ("header:x-a", "x-a")] {
            let lines: Vec<(&str, &[u8])> = lines.iter().map(|line| (name, line.as_slice())).collect();
            behind_proxy(strategy, &lines);
        }
    }

    /// Whatever a client sends before the proxy's own line, it cannot choose the answer: only spoil
    /// the proxy's line or not.
    #[test]
    fn client_lines_never_choose_the_answer(client in header_bytes(), same_line in any::<bool>()) {
        for (strategy, name, own) in [
            ("xff", "x-forwarded-for", &b"192.0.2.77"[..]),
            ("forwarded", "forwarded", b"for=192.0.2.77;host=\"a, for=6.6.6.6\""),
        ] {
            let answer = if same_line {
                behind_proxy(strategy, &[(name, &[&client, &b", "[..], own].concat())])
            } else {
                behind_proxy(strategy, &[(name, &client), (name, own)])
            };
            // A proxy that joins to the client's line can be made to look malformed, never to say
            // something else.
            prop_assert!(answer == "192.0.2.77" || (same_line && answer == "none"), "{answer}");
        }
    }
}

#[test]
fn only_what_is_known_is_masked() {
    let mask = Mask::default();
    let known = ClientAddress::Known(RawIp("203.0.113.7".parse().unwrap())).masked(mask);
    assert_eq!(known.unwrap().to_string(), "203.0.113.0/24");
    assert!(ClientAddress::Unknown.masked(mask).is_none());
    assert!(ClientAddress::NoPeerAddress.masked(mask).is_none());
}

#[test]
fn a_forwarding_header_is_ignored_where_it_is_there_and_not_read() {
    let ignores = |client_ip: &ClientIp, peer: Option<&str>, name: Option<&str>| {
        let mut reader = client_ip.reader(peer.map(|peer| peer.parse().unwrap()));
        if let Some(name) = name {
            reader.visit(name, b"203.0.113.7");
        }
        reader.forwarding_ignored()
    };
    let behind = client_ip("xff", "10.0.0.0/8");
    for name in ["x-forwarded-for", "forwarded", "x-real-ip", "cf-connecting-ip"] {
        assert!(ignores(&ClientIp::peer(), Some("10.0.0.1"), Some(name)), "{name}");
        assert!(ignores(&behind, Some("198.51.100.1"), Some(name)), "{name}");
        assert!(!ignores(&behind, None, Some(name)), "{name}: a peer without an address is counted as such");
        assert!(!ignores(&behind, Some("10.0.0.1"), Some(name)), "{name}");
        assert!(!ignores(&client_ip("xff", "unix"), None, Some(name)), "{name}");
    }
    assert!(!ignores(&ClientIp::peer(), Some("10.0.0.1"), None));
    assert!(!ignores(&behind, Some("198.51.100.1"), Some("accept")));
}
