use proptest::prelude::*;

use super::*;

fn form(text: &str) -> String {
    canonical(text).unwrap_or_else(|error| panic!("{text:?}: {error}"))
}

#[test]
fn whatever_surrounds_an_address_it_is_the_same_recipient() {
    for text in [
        "ada@example.com",
        " Ada@Example.COM ",
        "\tada@example.com\r\n",
        "mailto:ada@example.com",
        "MailTo:ada@example.com",
        "mailto://ada@example.com",
        "mailto:ada%40example.com",
        "mailto:%61da@example.com?subject=stop%20it&cc=bob@example.com",
        "<mailto:ada@example.com?subject=x>",
        "ada%40example.com",
        "ada@example.com?subject=x",
        "ada@example.com?subject=x@y",
        "ada@example.com#top",
        "ada@example.com/",
        "'ada@example.com'",
        "\"ada@example.com\"",
        "`ada@example.com`",
        "\u{201c}ada@example.com\u{201d}",
        "\u{ab}ada@example.com\u{bb}",
        "\u{2039}ada@example.com\u{203a}",
        "\"'ada@example.com'\"",
        "'ada@example.com'?subject=x",
        "\u{201c}ada@example.com\u{201d}?subject=x",
        "'ada@example.com",
        "ada@example.com'",
        "\"ada@example.com",
        "ada@example.com\"",
        "(ada@example.com)",
        "[ada@example.com]",
        "{ada@example.com}",
        "*ada@example.com*",
        "<ada@example.com>",
        "<<ada@example.com>>",
        "<ada@example.com",
        "ada@example.com>",
        "ada@example.com)",
        "ada@example.com]",
        "Ada Lovelace <ada@example.com>",
        "\"Lovelace, Ada\" <ada@example.com>",
        "\"Ada <countess>\" <ada@example.com>",
        "ada@example.com <ada@example.com>",
        "Ada <ada@example.com>,",
        "<@relay.example:ada@example.com>",
        "[ada@example.com](mailto:ada@example.com)",
        "ada@example.com (Ada Lovelace)",
        "(the countess) ada@example.com",
        "ada(my (nested) name)@(home)example.com",
        "ada @ example.com",
        "ada@\r\n example.com",
        "E-Mail: ada@example.com",
        "To: Ada <ada@example.com>",
        "ada@example.com.",
        "ada@example.com..",
        "ada@example.com,",
        "ada@example.com;",
        ", ada@example.com!",
        "ada@example.com\u{3002}",
        "ada@example\u{3002}com",
        "ada@example\u{ff0e}com",
        "ada@example\u{ff61}com",
        "\u{ff41}\u{ff44}\u{ff41}\u{ff20}\u{ff45}xample.com",
        "ada\u{fe6b}example.com",
        "\u{200b}ada@example.com",
        "\u{feff}ada@example.com",
        "ada@exam\u{ad}ple.com",
        "a\u{200d}d\u{2060}a@example.com\u{200e}",
        "\u{202a}ada@example.com\u{202c}",
        "\u{2066}ada\u{2069}@example.com",
        "ada@example.com\u{fe0f}",
        "\u{a0}ada@example.com\u{3000}",
        "\u{2022}ada@example.com",
        "\u{2013} ada@example.com \u{2013}",
        "ada@example.com\u{2014}",
        "ada@example.com\u{2026}",
        "\u{2709}\u{fe0f}ada@example.com\u{2192}",
        "\u{1f4e7}ada@example.com\u{1f600}",
        "\u{300c}ada@example.com\u{300d}",
        "\"ada\"@example.com",
        "\"a\\da\"@example.com",
        "ad\u{200b}a@EXAMPLE.com?",
        "'ada'@example.com",
        "\u{2018}ada\u{2019}@example.com",
        "ada'@example.com",
        "{ada@example.com",
        "[ada@example.com",
        "%20ada@example.com",
        "ada@example.com%20",
        "%3Cada@example.com%3E",
        "%61da@example.com",
        "\u{b4}ada@example.com\u{b4}",
        "\u{2bc}ada@example.com\u{2bc}",
        "\u{300}ada@example.com",
        "\u{f8ff}ada@example.com",
    ] {
        assert_eq!(form(text), "ada@example.com", "{text:?}");
    }
}

/// Punctuation, signs and numbers of footnotes, of any script.
#[test]
fn what_ends_no_domain_is_taken_off() {
    for sign in "\u{60c}\u{61b}\u{61f}\u{6d4}\u{964}\u{965}\u{589}\u{1362}\u{17d4}\u{104b}\u{f0d}\u{5c3}\u{5f3}\u{b7}\u{30fb}\u{2e2e}\u{a9c1}\
                 \u{2bc}\u{2b9}\u{2dc}\u{2122}\u{2120}\u{ae}\u{d7}\u{f7}\u{a8}\u{b9}\u{2776}\u{2460}\u{2474}\u{aa}\u{1d43}\u{20e3}\u{fffc}\
                 \u{fffd}\u{f8ff}\u{e000}\u{2800}\u{2212}\u{1f900}\u{1fb00}\u{1d159}\u{16fe2}\u{3007}\u{30a0}"
        .chars()
    {
        assert_eq!(form(&format!("ada@example.com{sign}")), "ada@example.com", "{sign:?}");
        assert_eq!(form(&format!("<ada@example.com> {sign}")), "ada@example.com", "{sign:?}");
        for text in [format!("ada@{sign}example.com"), format!("ada@exam{sign}ple.com")] {
            assert_eq!(canonical(&text), Err(RecipientError::Domain), "{text}");
        }
        let local = canonical(&format!("ada{sign}@example.com"));
        assert_eq!(local, Err(RecipientError::LocalPart), "{sign:?}");
    }
    for letters in
        ["\u{3067}\u{3059}", "\u{8c22}\u{8c22}", "\u{30fc}", "\u{2c00}", "\u{a78c}", "\u{7f4}", "\u{300}"]
    {
        assert_eq!(canonical(&format!("ada@example.com{letters}")), Err(RecipientError::Domain), "{letters}");
    }
}

/// RFC 5322 allows each, and each may be an address with something before it.
#[test]
fn what_may_be_an_address_and_its_surroundings_is_taken_in_quotes_alone() {
    for local in [
        "#ada",
        "/ada",
        "--ada",
        "-ada",
        "*ada",
        "~ada",
        "|ada",
        "?email=ada",
        "&u=ada",
        "email=ada",
        "user_email=ada",
        "x/?u=ada",
        "=ada",
        "ada\u{1f600}",
        "ada\u{60c}",
    ] {
        assert_eq!(canonical(&format!("{local}@example.com")), Err(RecipientError::LocalPart), "{local}");
        let quoted = format!("\"{local}\"@example.com");
        assert_eq!(form(&quoted), quoted);
    }
    for text in [
        "https://x/?u=ada@example.com",
        "https:x?u=ada@example.com",
        "\u{2460}ada@example.com",
        "1\u{20e3}ada@example.com",
    ] {
        assert_eq!(canonical(text), Err(RecipientError::LocalPart), "{text}");
    }
    for quoted in ["\"{ada\"@example.com", "\"'ada'\"@example.com", "\"a%20b\"@example.com"] {
        assert_eq!(form(quoted), quoted);
    }
}

#[test]
fn what_is_valid_though_seldom_is_kept() {
    for (text, expected) in [
        ("_ada_@example.com", "_ada_@example.com"),
        ("+15551234567@example.com", "+15551234567@example.com"),
        ("$A12345@example.com", "$a12345@example.com"),
        ("!def!xyz%abc@example.com", "!def!xyz%abc@example.com"),
        ("customer/department=shipping@example.com", "customer/department=shipping@example.com"),
        ("ada%example.com@relay.example", "ada%example.com@relay.example"),
        ("\u{30e6}\u{30fc}\u{30b6}\u{30fc}@example.com", "\u{30e6}\u{30fc}\u{30b6}\u{30fc}@example.com"),
        ("a\u{1f600}b@example.com", "a\u{1f600}b@example.com"),
        ("\u{130}BRAH\u{130}M@example.com", "ibrahim@example.com"),
        ("I\u{307}brahi\u{307}m@example.com", "ibrahim@example.com"),
        ("ada@\u{130}ZM\u{130}R.example", "ada@izmir.example"),
        ("stra\u{df}e@example.com", "stra\u{df}e@example.com"),
        ("ada@paral\u{b7}lel.example", "ada@xn--parallel-koa.example"),
        ("ada@\u{30a2}\u{30fb}\u{30a4}.example", "ada@xn--ccke4x.example"),
        ("ada@\u{928}\u{92e}\u{938}\u{94d}\u{924}\u{947}.example", "ada@xn--h2bhs4b8d8a.example"),
        ("ada@verm\u{f6}gensberatung", "ada@xn--vermgensberatung-pwb"),
        ("ada@example.\u{30b3}\u{30e0}", "ada@example.xn--tckwe"),
        ("\"odd user\"@example.com", "\"odd user\"@example.com"),
        ("\"Odd User\" @example.com", "\"odd user\"@example.com"),
        ("<\"odd user\"@example.com>", "\"odd user\"@example.com"),
        ("mailto:%22odd%20user%22@example.com", "\"odd user\"@example.com"),
        ("'\"odd user\"@example.com'", "\"odd user\"@example.com"),
        ("\u{201c}odd user\u{201d}@example.com", "\"odd user\"@example.com"),
        ("\"\u{1f700}\"@example.com", "\"\u{1f700}\"@example.com"),
        ("\"a@b\"@example.com", "\"a@b\"@example.com"),
        ("\"<a>\"@example.com", "\"<a>\"@example.com"),
        ("\"(a)\"@example.com", "\"(a)\"@example.com"),
        ("\"a\\\"b\"@example.com", "\"a\\\"b\"@example.com"),
        ("\"a\\\\b\"@example.com", "\"a\\\\b\"@example.com"),
        ("\"a..b\"@example.com", "\"a..b\"@example.com"),
        ("\"ada\".\"lovelace\"@example.com", "ada.lovelace@example.com"),
        ("o'brien@example.com", "o'brien@example.com"),
        ("ada+tag@example.com", "ada+tag@example.com"),
        ("a/b=c%d!e@example.com", "a/b=c%d!e@example.com"),
        ("ada@[192.0.2.1]", "ada@[192.0.2.1]"),
        ("<ada@[192.0.2.1]>", "ada@[192.0.2.1]"),
        ("ada@[IPv6:2001:DB8:0::1]", "ada@[ipv6:2001:db8::1]"),
        ("ada@localhost", "ada@localhost"),
        ("ada@b\u{fc}cher.example", "ada@xn--bcher-kva.example"),
        ("ADA@XN--BCHER-KVA.example.", "ada@xn--bcher-kva.example"),
        ("jose\u{301}@example.com", "jos\u{e9}@example.com"),
        ("JOS\u{c9}@example.com", "jos\u{e9}@example.com"),
        ("\u{3a3}\u{391}\u{3a3}@example.com", "\u{3c3}\u{3b1}\u{3c3}@example.com"),
        ("\u{7528}\u{6237}@\u{4f8b}\u{5b50}.example", "\u{7528}\u{6237}@xn--fsqu00a.example"),
    ] {
        assert_eq!(form(text), expected, "{text:?}");
    }
}

#[test]
fn what_is_no_address_is_refused_for_its_reason() {
    let long_local = format!("{}@example.com", "a".repeat(65));
    let long_domain = format!("a@{}", ["b".repeat(60).as_str(); 5].join("."));
    let long_text = format!("{}ada@example.com", "(x)".repeat(1_000));
    let deep = format!("{}ada@example.com{}", "<".repeat(50), ">".repeat(50));
    for (text, expected) in [
        ("", RecipientError::Length),
        (" \u{200b}\u{feff} ", RecipientError::Length),
        (&long_local, RecipientError::Length),
        (&long_domain, RecipientError::Domain),
        (&long_text, RecipientError::Length),
        ("ada@exa\u{0}mple.com", RecipientError::Control),
        ("mailto:ada%00@example.com", RecipientError::Control),
        ("ada\u{7f}@example.com", RecipientError::Control),
        ("ada", RecipientError::NoDomain),
        ("mailto:", RecipientError::NoDomain),
        ("<>", RecipientError::NoDomain),
        ("@", RecipientError::NoDomain),
        ("@example.com", RecipientError::NoDomain),
        ("ada@", RecipientError::NoDomain),
        ("ada@.", RecipientError::NoDomain),
        ("\"ada@example.com\"@", RecipientError::NoDomain),
        ("\"\"", RecipientError::NoDomain),
        ("a@b@c.com", RecipientError::NotOne),
        ("ada@example.com, bob@example.com", RecipientError::NotOne),
        ("ada@example.com bob@example.com", RecipientError::NotOne),
        ("ada@example.com\nbob@example.com", RecipientError::NotOne),
        ("<ada@example.com>, <bob@example.com>", RecipientError::NotOne),
        ("bob@example.com <ada@example.com>", RecipientError::NotOne),
        ("mailto:ada@example.com,bob@example.com", RecipientError::NotOne),
        (&deep, RecipientError::NotOne),
        ("odd user@example.com", RecipientError::LocalPart),
        ("ada..lovelace@example.com", RecipientError::LocalPart),
        (".ada@example.com", RecipientError::LocalPart),
        ("ada.@example.com", RecipientError::LocalPart),
        ("\"\"@example.com", RecipientError::LocalPart),
        ("a\"b\"@example.com", RecipientError::LocalPart),
        ("\"ada\".love\"lace\"@example.com", RecipientError::LocalPart),
        ("a,b@example.com", RecipientError::LocalPart),
        ("ada@example..com", RecipientError::Domain),
        ("ada@.example.com", RecipientError::Domain),
        ("ada@exam ple.com", RecipientError::Domain),
        ("ada@example.com please", RecipientError::Domain),
        ("ada@-example.com", RecipientError::Domain),
        ("ada@exam_ple.com", RecipientError::Domain),
        ("ada@exam\u{2014}ple.com", RecipientError::Domain),
        ("ada@example.com\u{2014}now", RecipientError::Domain),
        ("\u{1f600}@example.com", RecipientError::NoDomain),
        ("ada@xn--0.example", RecipientError::Domain),
        ("ada@192.0.2.1", RecipientError::Domain),
        ("ada@[192.0.2.999]", RecipientError::Domain),
        ("ada@[192.0.2.1", RecipientError::Domain),
        ("ada@[x:y]", RecipientError::Domain),
        ("ada@\u{202e}", RecipientError::NoDomain),
    ] {
        assert_eq!(canonical(text), Err(expected), "{text:?}");
    }
}

fn address() -> impl Strategy<Value = String> {
    let local = prop_oneof![
        "[a-z0-9]{1,8}([.+_-][a-z0-9]{1,8}){0,2}",
        "\"[a-z .,@<>()\\[\\]]{1,12}\"",
        "[a-z\u{e0}-\u{f6}\u{f8}-\u{ff}\u{430}-\u{44f}]{1,10}",
    ];
    let domain = prop_oneof![
        "[a-z]{1,10}(\\.[a-z]{1,8}){1,3}",
        Just("b\u{fc}cher.example".to_owned()),
        Just("[192.0.2.1]".to_owned())
    ];
    (local, domain).prop_map(|(local, domain)| format!("{local}@{domain}"))
}

fn decorated(address: &str, how: u8) -> String {
    match how {
        0 => format!(" {address}\r\n"),
        1 => format!("<{address}>"),
        2 => format!("Ada Lovelace <{address}>"),
        3 => format!("\"Lovelace, Ada\" <{address}>"),
        4 => format!("'{address}'"),
        5 => format!("({address})"),
        6 => format!("{address},"),
        7 => format!("\u{feff}{address}\u{200b}"),
        8 => format!("{address} (home)"),
        9 => format!("{{{address}}}"),
        10 => format!("{address}?subject=stop"),
        11 => format!("\u{201c}{address}\u{201d}"),
        12 => {
            let escaped: String = address.bytes().map(|byte| format!("%{byte:02x}")).collect();
            format!("MAILTO:{escaped}?subject=stop")
        }
        _ => address.chars().flat_map(|c| [c, '\u{2060}']).collect(),
    }
}

proptest! {
    #[test]
    fn the_form_is_its_own_form(text in address()) {
        let once = form(&text);
        prop_assert_eq!(form(&once), once);
    }

    #[test]
    fn the_form_of_any_text_is_its_own_form(text in "\\PC{0,6}[\"<(]?\\PC{0,4}@\\PC{0,8}[\">)]?") {
        if let Ok(once) = canonical(&text) {
            prop_assert_eq!(canonical(&once), Ok(once));
        }
    }

    #[test]
    fn no_decoration_changes_the_form(text in address(), first in 0..14_u8, second in 0..14_u8) {
        let once = form(&text);
        prop_assert_eq!(&form(&decorated(&text, first)), &once);
        // Behind a `?` all is dropped, also a bracket; curly quotes around straight ones close
        // them.
        let closes = matches!(first, 10 | 12) && second > 0 || text.starts_with('"') && first == 11;
        if !closes {
            prop_assert_eq!(&form(&decorated(&decorated(&text, first), second)), &once);
        }
    }
}
