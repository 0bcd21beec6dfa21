use std::fmt::{Debug, Display};

use proptest::prelude::*;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::*;
use crate::fetcher::{Evidence, EvidenceSet, Fetcher, Provider, Verdict};
use crate::geo::{City, Country};
use crate::mask::Mask;
use crate::receipts::OpenCursor;
use crate::store::{DatabaseId, KeyFingerprint};
use crate::*;

/// `Display` and `FromStr` agree.
fn reads_back<T: Display + FromStr + PartialEq + Debug>(value: &T) {
    let text = value.to_string();
    assert_eq!(text.parse().ok().as_ref(), Some(value), "{text}");
}

/// So do those and serde: a value is one text everywhere.
fn is_one_text<T>(value: &T)
where
    T: Display + FromStr + Serialize + DeserializeOwned + PartialEq + Debug,
{
    reads_back(value);
    let json = serde_json::to_value(value).unwrap();
    assert_eq!(json, serde_json::Value::from(value.to_string()));
    assert_eq!(serde_json::from_value::<T>(json).ok().as_ref(), Some(value));
}

/// Whatever is given instead, an error says what was expected and repeats nothing of it.
fn refuses_quietly<T>(name: &str)
where
    T: FromStr<Err: Display> + DeserializeOwned + Debug,
{
    let json = |json: &str| serde_json::from_str::<T>(json).unwrap_err().to_string();
    let mut errors =
        vec![(String::from("text"), "secret\u{0}secret".parse::<T>().err().unwrap().to_string())];
    let wrong =
        ["\"secret\\u0000\"", "-4242", "4242", "4242.5", "1e400", "true", "null", "{\"secret\":4242}"];
    errors.extend(wrong.map(|wrong| (wrong.to_owned(), json(wrong))));
    for (given, error) in errors {
        assert!(error.contains("expected") || error.contains("out of range"), "{name} of {given}: {error}");
        let repeats = ["secret", "4242", "true"].iter().any(|part| error.contains(part));
        assert!(!repeats, "{name} of {given}: {error}");
    }
}

macro_rules! every_name {
    ($( $name:ident ),+) => {
        #[test]
        fn every_name_is_one_text() {
            $( $name::ALL.iter().for_each(is_one_text); )+
        }

        #[test]
        fn a_wrong_name_is_answered_with_what_was_expected_alone() {
            $( refuses_quietly::<$name>(stringify!($name)); )+
        }
    };
}

every_name!(
    Detail,
    EprivacyGround,
    Evidence,
    Fetcher,
    MessageKind,
    Provider,
    Purpose,
    State,
    Status,
    TimeStep,
    Verdict
);

#[test]
fn what_is_no_id_cursor_time_network_or_place_is_answered_with_what_was_expected_alone() {
    refuses_quietly::<PingId>("PingId");
    refuses_quietly::<OpenId>("OpenId");
    refuses_quietly::<OpenCursor>("OpenCursor");
    refuses_quietly::<DatabaseId>("DatabaseId");
    refuses_quietly::<KeyFingerprint>("KeyFingerprint");
    refuses_quietly::<Timestamp>("Timestamp");
    refuses_quietly::<StepTime>("StepTime");
    refuses_quietly::<MaskedIp>("MaskedIp");
    refuses_quietly::<Country>("Country");
    refuses_quietly::<City>("City");
    refuses_quietly::<EvidenceSet>("EvidenceSet");
}

#[test]
fn a_masked_network_never_reads_back_from_a_finer_one() {
    for finer in [
        "198.51.100.7",
        "198.51.100.7/32",
        "198.51.100.0/25",
        "198.51.100.7/24",
        "2001:db8::1",
        "2002:c000:201::/48",
    ] {
        let json = serde_json::Value::from(finer);
        let error = serde_json::from_value::<MaskedIp>(json).unwrap_err().to_string();
        assert!(!error.contains(finer.split('/').next().unwrap()), "{error}");
    }
}

#[test]
fn a_number_or_id_has_no_sign_and_no_other_length() {
    for text in ["+7", "-7", "07", "64", "", " 7", "7 "] {
        assert!(format!("{text}-0123456789ab").parse::<KeyFingerprint>().is_err(), "{text:?}");
    }
    for text in ["7-+123456789ab", "7-0123456789abc", "64-0123456789ab", "7-", "7", "+7-0123456789ab"] {
        assert!(text.parse::<KeyFingerprint>().is_err(), "{text:?}");
    }
    for text in ["+123456789abcdef", "0123456789abcde", "0123456789abcdef0", "0x23456789abcdef"] {
        assert!(text.parse::<OpenId>().is_err(), "{text:?}");
    }
    for text in
        ["+1-0123456789abcdef", "-1-0123456789abcdef", "1-+123456789abcdef", "1-", "-", "01-0123456789abcdef"]
    {
        assert!(text.parse::<OpenCursor>().is_err(), "{text:?}");
    }
}

fn times() -> impl Strategy<Value = Timestamp> {
    prop_oneof![any::<i64>(), 0..4_000_000_000_000_i64].prop_map(Timestamp::from_unix_millis)
}

fn networks() -> impl Strategy<Value = MaskedIp> {
    let address = prop_oneof![
        any::<std::net::Ipv4Addr>().prop_map(std::net::IpAddr::from),
        any::<std::net::Ipv6Addr>().prop_map(std::net::IpAddr::from),
    ];
    (address, 0..=24_u8, 0..=48_u8).prop_map(|(address, v4, v6)| Mask::new(v4, v6).unwrap().apply(address))
}

proptest! {
    #[test]
    fn every_id_and_cursor_is_one_text(ping: [u8; 16], open: [u8; 8], at in times()) {
        is_one_text(&PingId::from_bytes(ping));
        is_one_text(&OpenId::from_bytes(open));
        is_one_text(&DatabaseId::from_bytes(open));
        is_one_text(&OpenCursor::new(at, OpenId::from_bytes(open)));
    }

    #[test]
    fn every_fingerprint_is_one_text(bits in 0..1_i64 << 54) {
        is_one_text(&KeyFingerprint::from_bits(bits).unwrap());
    }

    #[test]
    fn every_time_is_one_text_of_three_decimals(time in times(), step in prop::sample::select(TimeStep::ALL)) {
        is_one_text(&time);
        is_one_text(&StepTime::new(time, step));
        let text = time.to_string();
        prop_assert!(text.len() == 24 && text.get(19..20) == Some(".") && text.ends_with('Z'), "{text}");
    }

    #[test]
    fn every_masked_network_is_one_text(network in networks()) {
        is_one_text(&network);
    }

    #[test]
    fn every_country_and_city_is_one_text(country in prop::sample::select(vec!["DE", "PT", "SE", "US", "XK"]), city in "\\PC{1,40}") {
        is_one_text::<Country>(&country.parse().unwrap());
        City::from_database(&city).iter().for_each(is_one_text);
    }

    #[test]
    fn every_set_of_evidence_reads_back_from_its_text_and_its_array(
        set in prop::collection::vec(prop::sample::select(Evidence::ALL), 0..8),
    ) {
        let set: EvidenceSet = set.into_iter().collect();
        reads_back(&set);
        let json = serde_json::to_value(set).unwrap();
        prop_assert!(json.is_array());
        prop_assert_eq!(serde_json::from_value::<EvidenceSet>(json).unwrap(), set);
        let text = serde_json::Value::from(set.to_string().replace(", ", ","));
        prop_assert_eq!(serde_json::from_value::<EvidenceSet>(text).unwrap(), set);
    }
}
