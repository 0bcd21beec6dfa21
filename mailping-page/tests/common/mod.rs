//! What a mounted page must do, whatever the framework: a table of requests, over real sockets.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, UNIX_EPOCH};

use mailping_acceptance::{Client, Reply};
use mailping_core::certified::{LogKey, SealLog, Verifier};
use mailping_core::intake::PixelRequest;
use mailping_core::{Basis, Keyring, MemoryStore, NewPing, PingId, Tracker};
use mailping_page::{Access, Page, Scope};

/// Where the page is mounted, in an app whose own route is `/`.
pub(crate) const PATH: &str = "/receipts";
const ADA: (&str, &str) = ("cookie", "app=ada");
const ROOT: (&str, &str) = ("cookie", "app=root");

/// The app's own login, which its middleware asks: a cookie with the user's name.
pub(crate) fn scope_of(cookies: Option<&str>) -> Option<Scope> {
    match cookies?.strip_prefix("app=")? {
        "root" => Some(Scope::All),
        user => Some(Scope::Owner(user.to_owned())),
    }
}

/// A tracker with a ping of Ada's and one of Bob's.
fn tracker() -> (Tracker, PingId, PingId) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let builder = Tracker::builder(Keyring::generate().unwrap(), MemoryStore::new());
        let tracker = builder.base_url("https://app.example/px").unwrap().build().await.unwrap();
        let make = async |name: &str, owner: &str| {
            let new = NewPing::one_to_one(name, Basis::Contract).owner(owner);
            tracker.pings().create(new).await.unwrap().id()
        };
        let (ada, bob) = (make("for-ada", "ada").await, make("for-bob", "bob").await);
        (tracker.clone(), ada, bob)
    })
}

fn page(access: Access) -> (Page, PingId, PingId) {
    let (tracker, ada, bob) = tracker();
    (Page::at(PATH, tracker, access), ada, bob)
}

fn below(path: &str) -> String {
    format!("{PATH}{path}")
}

fn status(reply: &Reply) -> u16 {
    reply.status
}

/// Runs all of it on an app that `start` serves: the page at its path, with the middleware that
/// puts [`scope_of`] the cookies into the request's extensions, and `app` at `/`.
pub(crate) fn holds(start: impl Fn(Page) -> SocketAddr) {
    nobody_is_let_in_without_the_apps_login(&start);
    an_owner_sees_and_changes_their_own_alone(&start);
    every_link_leads_below_the_mount(&start);
    an_admin_token_is_asked_for_below_the_mount(&start);
    this_machine_is_let_in_and_no_other(&start);
    a_check_sees_the_head(&start);
    a_certified_receipt_is_given_to_whoever_sees_the_ping(&start);
    an_export_has_every_load(&start);
    a_wrong_method_is_told_the_right_ones(&start);
}

fn nobody_is_let_in_without_the_apps_login(start: &impl Fn(Page) -> SocketAddr) {
    let (page, ada, _) = page(Access::app_login());
    let client = Client::new(start(page));
    for (method, path) in [
        ("GET", String::new()),
        ("GET", "/".to_owned()),
        ("GET", "/why".to_owned()),
        ("GET", "/sample".to_owned()),
        ("GET", "/login".to_owned()),
        ("POST", "/login".to_owned()),
        ("GET", "/nothing".to_owned()),
        ("GET", "/metrics".to_owned()),
        ("GET", "/pings.csv".to_owned()),
        ("GET", "/api/pings".to_owned()),
        ("GET", "/api/openapi.json".to_owned()),
        ("POST", "/api/export".to_owned()),
        ("POST", "/pings".to_owned()),
        ("GET", format!("/pings/{ada}")),
        ("GET", format!("/pings/{ada}/live")),
        ("POST", format!("/pings/{ada}/erase")),
        ("DELETE", format!("/api/pings/{ada}")),
    ] {
        for strangers in
            [&[][..], &[("authorization", "Bearer 0123456789abcdef")], &[("cookie", "other=root")]]
        {
            let reply = client.send(method, &below(&path), strangers, "{}");
            assert_eq!(status(&reply), 403, "{method} {path}: {reply:?}");
            assert!(!reply.text().contains("for-ada") && !reply.text().contains("for-bob"), "{path}");
        }
    }
    assert_eq!(status(&client.get(&below(&format!("/pings/{ada}")), &[ROOT])), 200, "it is still there");
    assert_eq!(client.get("/", &[]).text(), "app");
    for elsewhere in ["/receiptsx", "/receipt", "/why", "/api/pings"] {
        assert_eq!(status(&client.get(elsewhere, &[ROOT])), 404, "{elsewhere} is the app's");
    }
}

fn an_owner_sees_and_changes_their_own_alone(start: &impl Fn(Page) -> SocketAddr) {
    let (page, ada, bob) = page(Access::app_login());
    let client = Client::new(start(page));
    let get = |path: &str, who| client.get(&below(path), &[who]);
    for list in ["/", "/pings.csv", "/api/pings", "/?owner=bob"] {
        let text = get(list, ADA).text();
        assert!(text.contains("for-ada") && !text.contains("for-bob"), "{list}: {text}");
        let all = get(list, ROOT).text();
        assert!(all.contains("for-bob"), "{list}");
    }
    for (method, path) in [
        ("GET", format!("/pings/{bob}")),
        ("GET", format!("/pings/{bob}/live")),
        ("GET", format!("/pings/{bob}/export")),
        ("GET", format!("/pings/{bob}/erase")),
        ("POST", format!("/pings/{bob}/erase")),
        ("POST", format!("/pings/{bob}/withdraw")),
        ("GET", format!("/api/pings/{bob}")),
        ("DELETE", format!("/api/pings/{bob}")),
        ("POST", format!("/api/pings/{bob}/withdraw")),
    ] {
        let reply = client.send(method, &below(&path), &[ADA], "");
        assert_eq!(status(&reply), 404, "{method} {path}: {reply:?}");
        assert!(!reply.text().contains("for-bob"), "{path}");
    }
    assert_eq!(get(&format!("/api/pings/{bob}"), ROOT).json()["ping"]["status"], "live");
    let recipient = r#"{"recipient":"ada@example.com"}"#;
    for (method, path) in [
        ("GET", "/api/health"),
        ("GET", "/why"),
        ("GET", "/metrics"),
        ("POST", "/api/objections"),
        ("POST", "/api/erase"),
        ("POST", "/api/export"),
        ("GET", "/api/pings?owner=bob"),
    ] {
        assert_eq!(status(&client.send(method, &below(path), &[ADA], recipient)), 403, "{method} {path}");
    }
    assert_eq!(status(&get("/why", ROOT)), 200);
    assert_eq!(status(&get("/metrics", ROOT)), 200);

    let new = |owner: &str| format!(r#"{{"reference":"new","basis":{{"kind":"contract"}}{owner}}}"#);
    let made = client.send("POST", &below("/api/pings"), &[ADA], &new("")).json();
    assert_eq!(made["owner"], "ada");
    let refused = client.send("POST", &below("/api/pings"), &[ADA], &new(r#","owner":"bob""#));
    refused.error(422, Some("owner"));
    let form = client.send("POST", &below("/pings"), &[ADA], "reference=formed&reason=x&owner=bob");
    assert_eq!(status(&form), 303, "{form:?}");
    assert!(get("/", ADA).text().contains("formed"), "whatever it says, it is hers");
    assert_eq!(status(&client.send("DELETE", &below(&format!("/api/pings/{ada}")), &[ADA], "")), 204);
    assert_eq!(status(&get(&format!("/pings/{ada}"), ROOT)), 404);
}

fn a_certified_receipt_is_given_to_whoever_sees_the_ping(start: &impl Fn(Page) -> SocketAddr) {
    let folder = tempfile::tempdir().unwrap();
    let key = LogKey::generate("app.example/receipts").unwrap();
    let verifier = Verifier::new(key.public().clone());
    let time = Arc::new(AtomicU64::new(1_795_428_000));
    let clock = Arc::clone(&time);
    let clock = move || UNIX_EPOCH + Duration::from_secs(clock.load(Ordering::SeqCst));
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (tracker, ada) = runtime.block_on(async {
        let builder = Tracker::builder(Keyring::generate().unwrap(), MemoryStore::new());
        let builder = builder.base_url("https://app.example/px").unwrap().clock(clock);
        let tracker = builder.seal(SealLog::new(key, folder.path().join("head"))).build().await.unwrap();
        let new = NewPing::one_to_one("for-ada", Basis::Contract).owner("ada");
        let ada = tracker.pings().create(new).await.unwrap().id();
        (tracker, ada)
    });
    let client = Client::new(start(Page::at(PATH, tracker.clone(), Access::app_login())));
    let path = |end: &str| below(&format!("/pings/{ada}{end}"));
    let api = below(&format!("/api/pings/{ada}/certified"));
    for path in [path("/certified.txt"), path("/certified.html"), api.clone()] {
        assert_eq!(status(&client.get(&path, &[ADA])), 404, "nothing is sealed yet");
    }
    time.fetch_add(3_600, Ordering::SeqCst);
    runtime.block_on(tracker.seals().unwrap().seal()).unwrap();
    for path in [path("/certified.txt"), api.clone()] {
        let reply = client.get(&path, &[ADA]);
        assert_eq!(status(&reply), 200, "{reply:?}");
        assert!(verifier.verify(&reply.text()).is_ok(), "{path}");
    }
    let printed = client.get(&path("/certified.html"), &[ADA]).text();
    assert!(
        printed.to_lowercase().starts_with("<!doctype html>") && printed.contains("for-ada"),
        "{printed}"
    );
    assert!(client.get(&path(""), &[ADA]).text().contains(&path("/certified.txt")));
    for path in [path("/certified.txt"), path("/certified.html"), api] {
        let reply = client.get(&path, &[("cookie", "app=bob")]);
        assert_eq!(status(&reply), 404);
        assert!(!reply.text().contains("for-ada"), "{path}");
        assert_eq!(status(&client.get(&path, &[])), 403, "{path}");
    }
    // Without sealing there is none, and no button.
    let (page, ada, _) = page(Access::app_login());
    let client = Client::new(start(page));
    assert_eq!(status(&client.get(&below(&format!("/pings/{ada}/certified.txt")), &[ADA])), 404);
    assert!(!client.get(&below(&format!("/pings/{ada}")), &[ADA]).text().contains("certified"));
}

fn an_export_has_every_load(start: &impl Fn(Page) -> SocketAddr) {
    const LOADS: usize = 2_001;
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (tracker, ada) = runtime.block_on(async {
        let builder = Tracker::builder(Keyring::generate().unwrap(), MemoryStore::new()).hit_limit(0);
        let tracker = builder.base_url("https://app.example/px").unwrap().build().await.unwrap();
        let new = NewPing::one_to_one("for-ada", Basis::Contract).owner("ada");
        let ping = tracker.pings().create(new).await.unwrap();
        let path = ping.pixel_url().unwrap().strip_prefix("https://app.example").unwrap();
        let headers = http::HeaderMap::new();
        let hit = |_| tracker.intake().record(&PixelRequest::new(path, None, &headers));
        let hits: Vec<_> = (0..LOADS).map(hit).collect();
        for hit in hits {
            hit.await.unwrap();
        }
        (tracker, ping.id())
    });
    let client = Client::new(start(Page::at(PATH, tracker, Access::app_login())));
    let export = client.get(&below(&format!("/pings/{ada}/export")), &[ADA]).json();
    assert_eq!(export["opens"].as_array().unwrap().len(), LOADS);
    assert_eq!((&export["fetches"], export["next"].is_null()), (&LOADS.into(), true));
}

fn a_wrong_method_is_told_the_right_ones(start: &impl Fn(Page) -> SocketAddr) {
    let (page, ada, _) = page(Access::app_login());
    let client = Client::new(start(page));
    let of_ada = |end: &str| format!("/pings/{ada}{end}");
    for (method, path, allowed) in [
        ("PUT", "/".to_owned(), "GET, HEAD"),
        ("POST", "/why".to_owned(), "GET, HEAD"),
        ("POST", "/metrics".to_owned(), "GET, HEAD"),
        ("GET", "/pings".to_owned(), "POST"),
        ("GET", "/logout".to_owned(), "POST"),
        ("PUT", "/login".to_owned(), "GET, HEAD, POST"),
        ("POST", of_ada(""), "GET, HEAD"),
        ("POST", of_ada("/export"), "GET, HEAD"),
        ("POST", of_ada("/live"), "GET"),
        ("PUT", of_ada("/erase"), "GET, HEAD, POST"),
        ("GET", of_ada("/withdraw"), "POST"),
        ("PUT", "/api/pings".to_owned(), "POST, GET"),
        ("PUT", format!("/api{}", of_ada("")), "GET, DELETE"),
        ("GET", "/api/objections".to_owned(), "POST"),
    ] {
        let reply = client.send(method, &below(&path), &[ROOT], "");
        let allow = reply.head.lines().find_map(|line| line.strip_prefix("allow: "));
        assert_eq!((status(&reply), allow), (405, Some(&*allowed.to_lowercase())), "{method} {path}");
    }
}

fn every_link_leads_below_the_mount(start: &impl Fn(Page) -> SocketAddr) {
    let (page, ada, _) = page(Access::app_login());
    let client = Client::new(start(page));
    let receipt = format!("/pings/{ada}");
    for path in ["", "/", "/why", "/sample", &receipt, &format!("{receipt}/erase"), "/?owner=nobody"] {
        let reply = client.get(&below(path), &[ROOT]);
        assert_eq!(status(&reply), 200, "{path}");
        assert!(reply.head.contains("content-security-policy: default-src 'none';"), "{path}: {reply:?}");
        let page = reply.text();
        for attribute in ["href", "src", "action", "data-live"] {
            for link in page.split(&format!(" {attribute}=\"")).skip(1) {
                let link = link.split('"').next().unwrap();
                assert!(link.starts_with("/receipts/") || link == "#main", "{attribute}={link} on {path}");
                if link.contains("/assets/") {
                    assert_eq!(status(&client.get(link, &[])), 200, "{link}");
                }
            }
        }
    }
    let document = client.get(&below("/api/openapi.json"), &[ROOT]).json();
    assert_eq!(document["servers"][0]["url"], "/receipts");
    let head = client.send("HEAD", &below("/"), &[ROOT], "");
    assert!(head.status == 200 && head.body.is_empty() && head.head.contains("content-length: "), "{head:?}");
    let large = client.send("POST", &below("/api/pings"), &[ROOT], &" ".repeat(70_000));
    large.error(413, None);
}

fn an_admin_token_is_asked_for_below_the_mount(start: &impl Fn(Page) -> SocketAddr) {
    let (page, ada, _) = page(Access::admin_token("open-sesame-7777").unwrap());
    let client = Client::new(start(page));
    assert_eq!(status(&client.get(&below("/api/pings"), &[ROOT])), 401, "the app's login is not asked");
    let to_login = client.get(&below(&format!("/pings/{ada}")), &[]);
    let location = format!("location: /receipts/login?next=/pings/{ada}");
    assert!(to_login.status == 303 && to_login.head.contains(&location), "{to_login:?}");
    let logged_in = client.send("POST", &below("/login"), &[], "token=open-sesame-7777&next=%2F");
    let cookie = logged_in.head.lines().find_map(|line| line.strip_prefix("set-cookie: ")).expect("a cookie");
    assert!(cookie.contains("path=/receipts;"), "{cookie}");
    let session = ("cookie", cookie.split(';').next().unwrap());
    assert!(client.get(&below("/"), &[session]).text().contains("for-bob"));
    let bearer = ("authorization", "Bearer open-sesame-7777");
    assert_eq!(status(&client.get(&below("/api/pings"), &[bearer])), 200);
    let foreign = ("sec-fetch-site", "cross-site");
    let refused = client.send("DELETE", &below(&format!("/api/pings/{ada}")), &[session, foreign], "");
    assert_eq!(status(&refused), 403, "{refused:?}");
}

fn this_machine_is_let_in_and_no_other(start: &impl Fn(Page) -> SocketAddr) {
    let (page, ..) = page(Access::this_machine());
    let client = Client::new(start(page));
    assert_eq!(status(&client.get(&below("/"), &[])), 200);
    assert_eq!(status(&client.get(&below("/"), &[("x-forwarded-for", "203.0.113.9")])), 403);
}

fn a_check_sees_the_head(start: &impl Fn(Page) -> SocketAddr) {
    let check = |head: &http::request::Parts| {
        let right = head.headers.get("x-staff").is_some_and(|value| value == "yes");
        right.then_some(Scope::All)
    };
    let (checked, ..) = page(Access::check(check));
    let client = Client::new(start(checked));
    assert_eq!(status(&client.get(&below("/"), &[("x-staff", "yes")])), 200);
    assert_eq!(status(&client.get(&below("/"), &[("x-staff", "no")])), 403);
    let (open, ..) = page(Access::danger_everyone());
    assert_eq!(status(&Client::new(start(open)).get(&below("/"), &[("via", "1.1 proxy")])), 200);
}
