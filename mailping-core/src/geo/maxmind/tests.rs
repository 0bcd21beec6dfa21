//! Both schemas, both families, damaged files and a reload, on files made for the test.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use ipnet::IpNet;
use mailping_fixtures::{Value, documentation_ranges, flat, mmdb, nested};
use proptest::prelude::*;

use super::*;

fn file(ip_version: u16, kind: &str, records: &[(&str, Value)]) -> Vec<u8> {
    let records: Vec<(IpNet, Value)> =
        records.iter().map(|(network, record)| (network.parse().unwrap(), record.clone())).collect();
    mmdb(ip_version, kind, &records).unwrap()
}

fn city_file(city: &str) -> Vec<u8> {
    file(4, "Test-City", &[("192.0.2.0/24", nested("PT", city))])
}

fn place(geo: &MaxMind, network: &str) -> String {
    match geo.locate(network.parse().unwrap()).unwrap() {
        Some(place) => place.to_string(),
        None => "none".to_owned(),
    }
}

/// A folder for one test, removed at its end.
struct Folder(PathBuf);

impl Folder {
    fn new(test: &str) -> Self {
        let path = std::env::temp_dir().join(format!("mailping-geo-{test}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn write(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.0.join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[test]
fn files_name_their_types() {
    let kinds = ["DBIP-City-Lite", "GeoLite2-City"];
    let folder = Folder::new("types");
    let paths =
        kinds.map(|kind| folder.write(kind, &file(4, kind, &[("192.0.2.0/24", flat("PT", "Lisbon"))])));
    assert_eq!(MaxMind::open_all(paths).unwrap().types(), kinds);
}

#[test]
fn documentation_ranges_have_places() {
    let geo = MaxMind::from_bytes(documentation_ranges().unwrap()).unwrap();
    assert_eq!(place(&geo, "192.0.2.0/24"), "Lisbon, PT");
    assert_eq!(place(&geo, "198.51.100.0/24"), "Kyoto, JP");
    assert_eq!(place(&geo, "203.0.113.0/24"), "Nairobi, KE");
    assert_eq!(place(&geo, "2001:db8:7::/48"), "Montr\u{e9}al, CA");
    assert_eq!(place(&geo, "192.0.3.0/24"), "none");
    assert_eq!(place(&geo, "2001:db9::/48"), "none");
}

#[test]
fn middle_of_the_network_is_looked_up() {
    let first_half = file(
        4,
        "Test-City",
        &[("192.0.2.0/25", nested("PT", "Lisbon")), ("192.0.2.128/25", nested("PT", "Porto"))],
    );
    assert_eq!(place(&MaxMind::from_bytes(first_half).unwrap(), "192.0.2.0/24"), "Porto, PT");
}

#[test]
fn empty_text_means_unknown_in_the_flat_schema() {
    let geo = MaxMind::from_bytes(file(
        4,
        "free-city",
        &[
            ("192.0.2.0/24", flat("PT", "Lisbon")),
            ("192.0.3.0/24", flat("PT", "")),
            ("192.0.4.0/24", flat("", "")),
        ],
    ))
    .unwrap();
    assert_eq!(place(&geo, "192.0.2.0/24"), "Lisbon, PT");
    assert_eq!(place(&geo, "192.0.3.0/24"), "PT");
    assert_eq!(place(&geo, "192.0.4.0/24"), "none");
}

#[test]
fn country_files_know_the_country() {
    let country = Value::map([("country", Value::map([("iso_code", Value::text("PT"))]))]);
    let nested = file(4, "GeoLite2-Country", &[("192.0.2.0/24", country)]);
    let flat =
        file(4, "free-country", &[("192.0.2.0/24", Value::map([("country_code", Value::text("PT"))]))]);
    for bytes in [nested, flat] {
        assert_eq!(place(&MaxMind::from_bytes(bytes).unwrap(), "192.0.2.0/24"), "PT");
    }
}

/// The fields of IPinfo's files: Lite, location, country with ASN, country.
#[test]
fn flat_files_of_ipinfo_keep_their_country() {
    let record =
        |fields: &[(&str, &str)]| Value::map(fields.iter().map(|(name, value)| (*name, Value::text(value))));
    for (kind, fields, expected) in [
        (
            "ipinfo lite",
            &[("asn", "AS64496"), ("continent", "Europe"), ("country", "Portugal"), ("country_code", "PT")][..],
            "PT",
        ),
        (
            "ipinfo standard_location",
            &[
                ("city", "Lisbon"),
                ("country", "PT"),
                ("lat", "38.71"),
                ("region", "Lisbon"),
                ("timezone", "x"),
            ],
            "Lisbon, PT",
        ),
        (
            "ipinfo core",
            &[("city", "Lisbon"), ("country", "Portugal"), ("country_code", "PT"), ("region", "Lisbon")],
            "Lisbon, PT",
        ),
        ("ipinfo country_asn", &[("asn", "AS64496"), ("country", "PT"), ("country_name", "Portugal")], "PT"),
        ("ipinfo country", &[("continent", "EU"), ("country", "PT"), ("country_name", "Portugal")], "PT"),
    ] {
        let geo = MaxMind::from_bytes(file(6, kind, &[("192.0.2.0/24", record(fields))])).unwrap();
        assert_eq!(place(&geo, "192.0.2.0/24"), expected, "{kind}");
    }
}

#[test]
fn cities_without_countries_are_refused_when_the_file_is_opened() {
    let flat = Value::map([("city", Value::text("Lisbon")), ("nation", Value::text("PT"))]);
    let named = Value::map([("city", Value::text("Lisbon")), ("country", Value::text("Portugal"))]);
    for record in [flat, named, nested("ZZ", "Lisbon")] {
        let error = MaxMind::from_bytes(file(4, "other-city", &[("192.0.2.0/24", record)])).unwrap_err();
        assert!(error.to_string().contains("has cities but no countries"), "{error:?}");
        assert!(error.to_string().contains("other-city"), "{error}");
    }
}

#[test]
fn codes_that_are_no_countries_are_no_place() {
    let records = ["PT", "ZZ", "XX", "AP", "EU", "T1"].map(|code| flat(code, ""));
    let networks: Vec<String> = (0..6).map(|n| format!("192.0.{n}.0/24")).collect();
    let records: Vec<_> = networks.iter().map(String::as_str).zip(records).collect();
    let geo = MaxMind::from_bytes(file(4, "free-country", &records)).unwrap();
    assert_eq!(place(&geo, "192.0.0.0/24"), "PT");
    for network in &networks[1..] {
        assert_eq!(place(&geo, network), "none", "{network}");
    }
}

#[test]
fn what_a_record_says_is_made_fit_to_keep() {
    let geo = MaxMind::from_bytes(file(
        4,
        "Test-City",
        &[("192.0.2.0/24", nested("pt", "Lis\nbon")), ("192.0.3.0/24", nested("Portugal", &"x".repeat(500)))],
    ))
    .unwrap();
    assert_eq!(place(&geo, "192.0.2.0/24"), "Lisbon, PT");
    assert_eq!(place(&geo, "192.0.3.0/24"), "x".repeat(128));
}

#[test]
fn split_files_serve_both_families_in_any_order() {
    let folder = Folder::new("split");
    let v4 = folder.write("v4.mmdb", &file(4, "free-city", &[("192.0.2.0/24", flat("PT", "Lisbon"))]));
    let v6 =
        folder.write("v6.mmdb", &file(6, "free-city", &[("2001:db8::/32", flat("CA", "Montr\u{e9}al"))]));
    for paths in [[&v4, &v6], [&v6, &v4]] {
        let geo = MaxMind::open_all(paths).unwrap();
        assert_eq!(place(&geo, "192.0.2.0/24"), "Lisbon, PT");
        assert_eq!(place(&geo, "2001:db8::/48"), "Montr\u{e9}al, CA");
    }
    // An IPv6 network is a miss in an IPv4 file, not an error.
    assert_eq!(place(&MaxMind::open(&v4).unwrap(), "2001:db8::/48"), "none");
}

#[test]
fn first_file_that_knows_a_place_wins() {
    let folder = Folder::new("order");
    let one = folder.write("one.mmdb", &city_file("Lisbon"));
    let two = folder.write(
        "two.mmdb",
        &file(
            4,
            "Test-City",
            &[("192.0.2.0/24", nested("PT", "Porto")), ("192.0.3.0/24", nested("PT", "Faro"))],
        ),
    );
    let geo = MaxMind::open_all([one, two]).unwrap();
    assert_eq!(place(&geo, "192.0.2.0/24"), "Lisbon, PT");
    assert_eq!(place(&geo, "192.0.3.0/24"), "Faro, PT");
}

#[test]
fn place_of_6to4_is_that_of_its_ipv4_and_not_of_the_block() {
    let folder = Folder::new("6to4");
    let v6 = folder.write("v6.mmdb", &file(6, "free-city", &[("2002::/16", flat("US", "Culver City"))]));
    let v4 = folder.write("v4.mmdb", &file(4, "free-city", &[("192.0.2.0/24", flat("PT", "Lisbon"))]));
    assert_eq!(place(&MaxMind::open_all([&v6, &v4]).unwrap(), "2002:c000:200::/40"), "Lisbon, PT");
    assert_eq!(place(&MaxMind::open(&v6).unwrap(), "2002:c000:200::/40"), "none");
}

#[test]
fn coarse_local_and_made_up_networks_have_no_place() {
    let world =
        file(6, "Test-City", &[("::/1", nested("PT", "Lisbon")), ("8000::/1", nested("PT", "Lisbon"))]);
    let geo = MaxMind::from_bytes(world).unwrap();
    for network in ["192.0.0.0/15", "240.1.2.0/24", "2001:0:4136::/48", "10.0.0.0/24"] {
        assert_eq!(place(&geo, network), "none", "{network}");
    }
    assert_eq!(place(&geo, "192.0.2.0/24"), "Lisbon, PT");
}

#[test]
fn unusable_files_are_named_when_they_are_opened() {
    let folder = Folder::new("unusable");
    let good = documentation_ranges().unwrap();
    let asn = Value::map([("autonomous_system_number", Value::U32(64_512)), ("as_name", Value::text("x"))]);

    let error = MaxMind::open(folder.0.join("missing.mmdb")).unwrap_err();
    assert!(matches!(error, Error::File(_)) && error.to_string().contains("missing.mmdb"), "{error}");

    let cut = folder.write("cut.mmdb", good.get(..good.len() / 2).unwrap());
    let text = folder.write("page.mmdb", b"<html>404</html>");
    let empty = folder.write("empty.mmdb", b"");
    for path in [cut, text, empty] {
        let error = MaxMind::open(&path).unwrap_err();
        assert!(error.to_string().contains("is damaged"), "{error:?}");
        assert!(
            error.to_string().contains(&*path.to_string_lossy()) && error.to_string().contains(".mmdb file")
        );
    }

    let asn = folder.write("asn.mmdb", &file(6, "GeoLite2-ASN", &[("192.0.2.0/24", asn)]));
    let nothing = folder.write("nothing.mmdb", &file(6, "GeoLite2-City", &[]));
    for (path, found) in [(asn, "GeoLite2-ASN"), (nothing, "GeoLite2-City")] {
        let error = MaxMind::open(&path).unwrap_err();
        assert!(error.to_string().contains("has no places"), "{error:?}");
        assert!(
            error.to_string().contains(found) && error.to_string().contains("country.iso_code"),
            "{error}"
        );
    }

    assert!(MaxMind::open_all::<&Path>([]).unwrap_err().to_string().contains("no geo database given"));
}

#[test]
fn record_that_cannot_be_decoded_is_an_error_at_open() {
    let odd = Value::map([("city", Value::U32(7)), ("country", Value::text("PT"))]);
    let bytes = file(4, "Test-City", &[("192.0.2.0/24", nested("PT", "Lisbon")), ("192.0.3.0/24", odd)]);
    assert!(MaxMind::from_bytes(bytes).unwrap_err().to_string().contains("is damaged"));
}

#[test]
fn reload_swaps_the_files_and_a_failing_one_keeps_the_old() {
    let folder = Folder::new("reload");
    let path = folder.write("city.mmdb", &city_file("Lisbon"));
    let geo = MaxMind::open(&path).unwrap();
    let clone = geo.clone();

    folder.write("city.mmdb", &city_file("Porto"));
    assert_eq!(place(&geo, "192.0.2.0/24"), "Lisbon, PT");
    geo.reload().unwrap();
    assert_eq!(place(&geo, "192.0.2.0/24"), "Porto, PT");
    assert_eq!(place(&clone, "192.0.2.0/24"), "Porto, PT");

    folder.write("city.mmdb", b"half a file");
    assert!(geo.reload().unwrap_err().to_string().contains("is damaged"));
    assert_eq!(place(&geo, "192.0.2.0/24"), "Porto, PT");
    std::fs::remove_file(&path).unwrap();
    assert!(geo.reload().unwrap_err().to_string().contains("cannot be read"));
    assert_eq!(place(&geo, "192.0.2.0/24"), "Porto, PT");
}

#[test]
fn look_ups_go_on_while_files_are_reloaded() {
    let folder = Folder::new("running");
    let path = folder.write("city.mmdb", &city_file("Lisbon"));
    let geo = MaxMind::open(&path).unwrap();
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for round in 0..50 {
                let next =
                    folder.write("next.mmdb", &city_file(if round % 2 == 0 { "Porto" } else { "Lisbon" }));
                std::fs::rename(next, &path).unwrap();
                geo.reload().unwrap();
            }
            done.store(true, Ordering::Relaxed);
        });
        while !done.load(Ordering::Relaxed) {
            assert!(["Lisbon, PT", "Porto, PT"].contains(&&*place(&geo, "192.0.2.0/24")));
        }
    });
    assert_eq!(place(&geo, "192.0.2.0/24"), "Lisbon, PT");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// A damaged file is refused, or its look-ups give an error, a miss or some place: never a
    /// panic.
    #[test]
    fn damaged_files_never_panic(changes in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>()), 1..6)) {
        let mut bytes = documentation_ranges().unwrap();
        for (index, byte) in changes {
            let index = index.index(bytes.len());
            bytes[index] = byte;
        }
        if let Ok(geo) = MaxMind::from_bytes(bytes) {
            for network in ["192.0.2.0/24", "203.0.113.0/24", "2001:db8::/48", "8.8.8.0/24", "2a00::/48"] {
                let _ = geo.locate(network.parse().unwrap());
            }
        }
    }
}
