use pollster::block_on;

use super::*;
use crate::{Basis, Keyring, MemoryStore, NewPing};

fn tracker(base_url: &str) -> Tracker {
    let builder = Tracker::builder(Keyring::generate().unwrap(), MemoryStore::new());
    block_on(builder.base_url(base_url).unwrap().build()).unwrap()
}

fn path_of(tracker: &Tracker, opt_out: bool) -> String {
    let ping = block_on(tracker.pings().create(NewPing::one_to_one("invoice-42", Basis::Contract))).unwrap();
    let url = if opt_out { ping.opt_out_url() } else { ping.pixel_url().unwrap() };
    url.strip_prefix("https://app.example").unwrap().to_owned()
}

fn get(mount: &Mount, path: &str) -> (u16, HeaderMap, Bytes) {
    let headers = HeaderMap::new();
    let answer = block_on(mount.answer("GET", &PixelRequest::new(path, None, &headers)));
    (answer.status().as_u16(), answer.headers().clone(), answer.into_body())
}

fn picture() -> (u16, HeaderMap, Bytes) {
    (200, headers(&pixel::HEADERS, 43), Bytes::from_static(&pixel::BYTES))
}

#[test]
fn a_mount_is_below_the_path_of_the_base_url() {
    for (base_url, path) in [
        ("https://app.example", ""),
        ("https://app.example/", ""),
        ("https://app.example/px/", "/px"),
        ("http://[::1]:8080/a/b", "/a/b"),
        ("https://app.example/t\u{e4}st", "/t%C3%A4st"),
    ] {
        assert_eq!(Mount::new(tracker(base_url)).path(), path, "{base_url}");
    }
}

#[test]
fn a_path_that_is_given_is_taken_with_and_without_its_slashes() {
    let tracker = tracker("https://app.example/px");
    for (given, path) in [
        ("px", "/px"),
        ("/px", "/px"),
        ("px/", "/px"),
        ("/px/", "/px"),
        ("tools/px", "/tools/px"),
        ("", ""),
        ("/", ""),
    ] {
        let mount = Mount::at(given, tracker.clone());
        assert_eq!(mount.path(), path, "{given}");
        assert_eq!(get(&mount, &format!("{path}/x.gif")), picture(), "{given}");
    }
}

#[test]
fn only_what_is_below_a_mount_is_held() {
    let tracker = tracker("https://app.example/px");
    let mount = Mount::new(tracker.clone());
    for (path, holds) in [
        ("/px", true),
        ("/px/", true),
        ("/px/x.gif", true),
        ("/px//x", true),
        ("/pxx", false),
        ("/p", false),
        ("/", false),
        ("", false),
        ("//px/x", false),
        ("/PX/x", false),
    ] {
        assert_eq!(mount.holds(path), holds, "{path}");
        assert_eq!(
            get(&mount, path),
            if holds { picture() } else { (404, headers(&[], 0), Bytes::new()) },
            "{path}"
        );
    }
    for root in ["", "/"] {
        let mount = Mount::at(root, tracker.clone());
        assert!(["/", "/x", "/a/b.gif"].iter().all(|path| mount.holds(path)), "{root}");
    }
}

#[test]
fn a_link_of_ours_below_another_path_is_counted_and_answered_as_a_forged_one() {
    let tracker = tracker("https://app.example/px");
    let mount = Mount::new(tracker.clone());
    let (pixel, opt_out) = (path_of(&tracker, false), path_of(&tracker, true));
    let stray = || tracker.intake().health().stray_links;
    for path in [&pixel, &opt_out] {
        assert_eq!(get(&mount, path).0, 200);
    }
    assert_eq!(stray(), 0);
    let forged = format!("/{}.gif", "a".repeat(48));
    for path in ["/favicon.ico", "/", &forged, "/px/x.gif", "/px/px/x.gif"] {
        let _ = get(&mount, path);
        assert_eq!(stray(), 0, "{path}");
    }
    let mut expected = 0;
    for link in [&pixel, &opt_out] {
        for path in [link.strip_prefix("/px").unwrap(), &format!("/app{link}")] {
            assert_eq!(get(&mount, path), get(&mount, &forged), "nothing tells them apart");
            expected += 1;
            assert_eq!(stray(), expected, "{path}");
        }
    }
    assert_eq!(get(&mount, &format!("/px{pixel}")), picture(), "a prefix that was added twice");
    expected += 1;
    assert_eq!(stray(), expected);
    // A proxy that strips the prefix, and a framework that gives the whole path to what it
    // nests.
    let stripped = Mount::at("", tracker.clone());
    for path in [pixel.strip_prefix("/px").unwrap(), &pixel] {
        assert_eq!(get(&stripped, path), picture());
        assert_eq!(stray(), expected, "{path}");
    }
}

#[test]
fn whatever_is_touched_by_a_mail_program_is_not_stray() {
    let tracker = tracker("https://app.example/px");
    let mount = Mount::new(tracker.clone());
    let token = path_of(&tracker, false).strip_prefix("/px/").unwrap().to_owned();
    for path in ["/px//", "/px/%2F", "/px/3D", "/px/%3C"].map(|start| format!("{start}{token}")) {
        assert_eq!(get(&mount, &path), picture());
        assert_eq!(tracker.intake().health().stray_links, 0, "{path}");
    }
    assert_eq!(tracker.intake().health().durable, 4);
}

#[cfg(feature = "certified")]
#[test]
fn the_logs_key_is_there_only_if_something_is_sealed() {
    use crate::certified::{LogKey, PublicKey, SealLog};
    let plain = Mount::new(tracker("https://app.example/px"));
    assert_eq!(get(&plain, "/px/log-key"), picture());
    let builder = Tracker::builder(Keyring::generate().unwrap(), MemoryStore::new());
    let key = LogKey::generate("app.example/receipts").unwrap();
    let public = key.public().clone();
    let log = SealLog::new(key, std::env::temp_dir().join("mailping-mount-head"));
    let builder = builder.base_url("https://app.example/px").unwrap().seal(log);
    let mount = Mount::new(block_on(builder.build()).unwrap());
    let (status, _, body) = get(&mount, "/px/log-key");
    let body = std::str::from_utf8(&body).unwrap();
    assert_eq!((status, body), (200, format!("app.example/receipts\n{public}\n").as_str()));
    assert_eq!(body.lines().last().unwrap().parse::<PublicKey>(), Ok(public));
    assert_eq!(get(&mount, "/px/x/log-key"), picture());
}
