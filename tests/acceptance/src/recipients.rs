//! What the service promises to those who get the mail: nothing personal is kept of them, and an
//! end is an end.

use std::time::{Duration, Instant, SystemTime};

use mailping_core::Timestamp;
use serde_json::{Value, json};

use crate::Start;
use crate::message::*;

/// Nothing of a raw address, an agent or a recipient is in the database, the WAL or the log at
/// TRACE, as text or packed.
pub fn nothing_personal_is_in_the_files_or_the_log(start: &Start) {
    let addresses =
        ["203.0.113.197", "2001:db8:77:aaaa:bbbb:cccc:dddd:eeee", "::ffff:203.0.113.199", "127.77.66.55"];
    let agent = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0 Zanzibar/7.7";
    let private = [
        "ada.lovelace",
        "lovelace-mail.example",
        "Zanzibar",
        "Kiribati-Referer",
        "cookie-crumb-77",
        "tracking-query-77",
        "server-words-77",
    ];
    let mut settings = BEHIND_PROXY.to_vec();
    settings.push(("RUST_LOG", "trace"));
    let program = start.run(&settings);
    let client = program.client().bearer(ADMIN_TOKEN);
    let ping = make(&client, &with(new_ping(), "recipient", "Ada.Lovelace@lovelace-mail.example"));
    let common = [
        ("user-agent", agent),
        ("referer", "https://Kiribati-Referer.example/"),
        ("cookie", "cookie-crumb-77=1"),
        ("accept-language", "tlh"),
    ];
    let path = format!("{}?tracking-query-77", path_of(&ping["pixel_url"]));
    for address in addresses {
        for value in
            [format!("{address}, 10.1.1.1"), format!("10.1.1.1, {address}"), format!("{address}, nonsense")]
        {
            let headers = [&common[..], &[("x-forwarded-for", value.as_str())]].concat();
            assert_eq!(client.get(&path, &headers).status, 200);
        }
    }
    assert_eq!(client.from("127.77.66.55").get(&path, &common).status, 200);
    assert_eq!(client.get("/px/forged.gif", &[("x-forwarded-for", addresses[0])]).status, 200);
    client.post("/api/objections", &json!({ "recipient": "Ada.Lovelace@lovelace-mail.example, x" }));
    client.post("/api/export", &json!({ "recipient": "Ada.Lovelace@lovelace-mail.example" }));
    client.post("/api/pings", &with(new_ping(), "recipient", "Ada.Lovelace"));
    // A mail server's words, and a click with all that a browser sends.
    let asked = make(&client, &with(new_ping(), "asked_by", "Bob"));
    let handed_over = format!("/api/pings/{}/handed_over", asked["id"].as_str().unwrap());
    let words = "5.1.1 <Ada.Lovelace@lovelace-mail.example>: the mailbox of server-words-77";
    assert_eq!(client.post(&handed_over, &json!({ "code": 550, "text": words })).status, 204);
    let wrong = client.post(&handed_over, &json!({ "code": 77, "text": words })).error(422, Some("code"));
    assert!(!wrong.contains("lovelace"), "{wrong}");
    let from = [&common[..], &[("x-forwarded-for", addresses[0])]].concat();
    let confirm = format!("{}?tracking-query-77", path_of(&asked["confirm_url"]));
    assert_eq!(client.send("POST", &confirm, &from, "confirm=cookie-crumb-77").status, 200);
    assert!(receipt(&client, &asked)["confirmed_at"].is_string());
    assert!(receipt(&client, &ping)["fetches"].as_u64().unwrap() >= 10);

    let listening = program.server().to_string();
    let mut files = start.files();
    let reference = b"invoice-42";
    let kept = |bytes: &[u8]| bytes.windows(reference.len()).any(|window| window == reference);
    assert!(files.iter().any(|(_, bytes)| kept(bytes)), "what is kept is in none of the files");
    let (_, log) = program.terminate();
    assert!(log.len() > 200, "a log was written: {log}");
    files.extend(start.files());
    files.push(("the log".into(), log.replace(&listening, "").into_bytes()));
    for (path, bytes) in files {
        let found =
            |needle: &[u8]| bytes.windows(needle.len()).any(|window| window.eq_ignore_ascii_case(needle));
        for needle in private {
            assert!(!found(needle.as_bytes()), "{needle} is in {}", path.display());
        }
        for address in addresses.map(|text| text.parse::<std::net::IpAddr>().unwrap()) {
            assert!(!found(address.to_string().as_bytes()), "{address} is in {}", path.display());
            match address.to_canonical() {
                std::net::IpAddr::V4(v4) => {
                    assert!(!found(v4.to_string().as_bytes()), "{v4} is in {}", path.display());
                    assert!(!found(&v4.octets()), "{v4} is packed in {}", path.display());
                }
                std::net::IpAddr::V6(v6) => {
                    assert!(!found(&v6.octets()), "{v6} is packed in {}", path.display())
                }
            }
        }
    }
}

/// After an objection, pixels already sent record nothing, new pings have none, and the person's
/// data can be exported and erased.
pub fn an_objection_stops_mail_already_sent(start: &Start) {
    let program = start.run(&[]);
    let client = program.client();
    let to = |address: &str| with(new_ping(), "recipient", address);
    let sent = make(&client, &to("ada@example.com"));
    fetch(&client, &sent, &[("user-agent", FIREFOX)]);
    let page = client.get(&path_of(&sent["opt_out_url"]), &[]);
    assert_eq!(page.status, 200);
    fetch(&client, &sent, &[("user-agent", FIREFOX)]);
    assert_eq!(receipt(&client, &sent)["fetches"], 2, "looking at the page changes nothing");
    let form = [("content-type", "application/x-www-form-urlencoded")];
    let done = client.send("POST", &path_of(&sent["opt_out_url"]), &form, "List-Unsubscribe=One-Click");
    assert_eq!(done.status, 200);
    fetch(&client, &sent, &[("user-agent", FIREFOX)]);
    let after = receipt(&client, &sent);
    assert_eq!((&after["fetches"], &after["ping"]["status"]), (&json!(2), &json!("withdrawn")));
    let untracked = make(&client, &to("ADA@Example.com"));
    assert_eq!((&untracked["status"], &untracked["pixel_url"]), (&json!("untracked"), &Value::Null));
    assert!(untracked["opt_out_url"].is_string() && untracked["img_tag"] == "");

    let ada = json!({ "recipient": "ada@example.com" });
    let export = client.post("/api/export", &ada).json();
    assert_eq!(
        (export["objected"].as_bool(), export["pings"].as_array().map(Vec::len)),
        (Some(true), Some(2))
    );
    assert_eq!(client.post("/api/erase", &ada).json(), json!({ "pings": 2, "opens": 2 }));
    assert_eq!(
        make(&client, &to("ada@example.com"))["status"],
        "untracked",
        "the objection survives erasure"
    );

    assert_eq!(client.post("/api/objections", &json!({ "recipient": "bob@example.com" })).status, 204);
    assert_eq!(make(&client, &to("bob@example.com"))["status"], "untracked");
    let carol = make(&client, &to("carol@example.com"));
    let withdraw = format!("/api/pings/{}/withdraw", carol["id"].as_str().unwrap());
    assert_eq!(client.send("POST", &withdraw, &[], "").status, 204);
    fetch(&client, &carol, &[]);
    assert_eq!(receipt(&client, &carol)["fetches"], 0);
}

/// A link that a mail program has touched works as it was sent; a damaged one keeps no objection
/// and says so.
pub fn a_touched_link_works_and_a_damaged_one_is_not_confirmed(start: &Start) {
    let program = start.run(&[]);
    let client = program.client();
    let made = || make(&client, &with(new_ping(), "recipient", "ada@example.com"));
    let sent = made();
    let pixel = path_of(&sent["pixel_url"]);
    let variants = [
        pixel.replace(".gif", "%2Egif"),
        pixel.replace(".gif", ".GIF"),
        pixel.replace("/px/", "/px//"),
        format!("{pixel}/"),
        format!("{pixel}%0D%0A"),
        pixel.to_ascii_uppercase().replace("/PX/", "/px/"),
    ];
    for variant in &variants {
        let reply = client.get(variant, &[("user-agent", FIREFOX)]);
        assert_eq!((reply.status, reply.body.len()), (200, 43), "{variant}");
    }
    assert_eq!(receipt(&client, &sent)["fetches"], variants.len());

    let link = path_of(&sent["opt_out_url"]);
    let without = |at: usize| format!("{}{}", &link[..at], &link[at + 1..]);
    let end = link.find("/opt-out").unwrap();
    for damaged in [
        without(end - 1),
        without(4),
        without(20),
        "/px/opt-out".to_owned(),
        pixel.replace(".gif", "/opt-out"),
    ] {
        for method in ["GET", "POST"] {
            let reply = client.send(method, &damaged, &[], "");
            assert_eq!(reply.status, 400, "{method} {damaged}");
            assert!(
                String::from_utf8_lossy(&reply.body).contains("Nothing was changed"),
                "{method} {damaged}"
            );
        }
    }
    assert_eq!(receipt(&client, &sent)["ping"]["status"], "live");
    assert_eq!(made()["status"], "live");
    let touched =
        |from: &str, to: &str| path_of(&make(&client, &new_ping())["opt_out_url"]).replace(from, to);
    for link in [
        touched("/opt-out", "/opt%2Dout"),
        touched("/opt-out", "=/opt-out"),
        touched("/opt-out", "/opt-out/"),
        touched("/px/", "/px//"),
        link.to_ascii_uppercase().replace("/PX/", "/px/"),
    ] {
        let reply = client.send("POST", &link, &[], "");
        assert_eq!(reply.status, 200, "{link}");
        assert!(
            String::from_utf8_lossy(&reply.body).contains("Opening this message is no longer recorded"),
            "{link}"
        );
    }
    assert_eq!(receipt(&client, &sent)["ping"]["status"], "withdrawn");
    assert_eq!(made()["status"], "untracked");
}

/// After objection, withdrawal, expiry or erasure, 1,000 concurrent hits on a pixel already sent
/// add no row.
pub fn a_thousand_hits_at_once_on_a_dead_ping_add_no_row(start: &Start) {
    let program = start.run(&[("MAILPING_HIT_LIMIT", "0")]);
    let client = program.client();
    let made = || make(&client, &with(new_ping(), "recipient", "ada@example.com"));
    let (withdrawn, erased, objected) = (made(), made(), made());
    // Live for some seconds: one that has expired is made without a pixel.
    let almost_a_day_ago = SystemTime::now() - Duration::from_secs(86_395);
    let almost_a_day_ago = Timestamp::from(almost_a_day_ago).to_string();
    let expired = make(&client, &with(with(new_ping(), "record_days", 1), "sent_at", almost_a_day_ago));
    for ping in [&withdrawn, &erased, &objected] {
        fetch(&client, ping, &[]);
    }
    let api = |ping: &Value| format!("/api/pings/{}", ping["id"].as_str().unwrap());
    assert_eq!(client.send("POST", &format!("{}/withdraw", api(&withdrawn)), &[], "").status, 204);
    assert_eq!(client.send("DELETE", &api(&erased), &[], "").status, 204);
    assert_eq!(client.send("POST", &path_of(&objected["opt_out_url"]), &[], "").status, 200);
    let begun = Instant::now();
    while receipt(&client, &expired)["ping"]["status"] != "expired" {
        assert!(begun.elapsed() < Duration::from_secs(30), "it does not expire");
        std::thread::sleep(Duration::from_millis(100));
    }
    for ping in [&withdrawn, &erased, &objected, &expired] {
        std::thread::scope(|scope| {
            for _ in 0..20 {
                scope.spawn(|| (0..50).for_each(|_| fetch(&client, ping, &[])));
            }
        });
    }
    for (ping, fetches) in [(&withdrawn, 1), (&objected, 1), (&expired, 0)] {
        assert_eq!(receipt(&client, ping)["fetches"], fetches);
    }
    client.get(&api(&erased), &[]).error(404, None);
    assert_eq!(client.get("/api/health", &[]).json()["durable"], 3);
}
