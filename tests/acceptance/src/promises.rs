//! What the service promises over HTTP. Each promise is a function that starts the program and
//! speaks to it.

use mailping_core::Timestamp;
use serde_json::{Value, json};

pub use crate::faults::*;
use crate::message::*;
pub use crate::operating::*;
pub use crate::page::*;
pub use crate::recipients::*;
pub use crate::sealing::*;
use crate::{Client, Start};

/// A ping made over HTTP, fetched by Gmail's proxy and by a browser behind a trusted proxy, gives a
/// receipt with two opens: the proxy without a place, the browser with its city and a /24.
pub fn a_proxy_and_a_person_make_a_receipt_of_two_opens(start: &Start) {
    let program = start.run(&[&BEHIND_PROXY[..], &[("MAILPING_CEILING", "network")]].concat());
    let client = program.client().bearer(ADMIN_TOKEN);
    let page = client.get("/", &[]);
    assert!(page.status == 200 && page.head.contains("text/html"), "{page:?}");
    let ping = make(&client, &with(new_ping(), "owner", "billing"));
    assert_eq!(ping["status"], "live");
    let url = ping["pixel_url"].as_str().unwrap();
    assert_eq!(ping["img_tag"], format!(r#"<img src="{url}" width="1" height="1" alt="">"#));
    assert_eq!(receipt(&client, &ping)["state"], "no_fetch");

    fetch(&client, &ping, &[("user-agent", GMAIL), ("x-forwarded-for", "66.249.84.10")]);
    fetch(&client, &ping, &[("user-agent", FIREFOX), ("x-forwarded-for", "10.9.9.9, 198.51.100.77")]);
    let head = client.send("HEAD", &path_of(&ping["pixel_url"]), &[], "");
    assert!(
        head.status == 200 && head.body.is_empty() && head.head.contains("content-length: 43"),
        "{head:?}"
    );

    let receipt = receipt(&client, &ping);
    assert_eq!((&receipt["state"], &receipt["fetches"]), (&json!("opened"), &json!(2)));
    let [proxy, browser] = receipt["opens"].as_array().unwrap().as_slice() else { panic!("{receipt}") };
    assert_eq!(proxy["fetcher"], "gmail_proxy");
    assert_eq!((&proxy["country"], &proxy["city"]), (&Value::Null, &Value::Null));
    assert_eq!((&browser["fetcher"], &browser["verdict"]), (&json!("browser"), &json!("human")));
    assert_eq!(browser["network"], "198.51.100.0/24");
    assert!(browser["city"].is_string() && browser["country"].is_string(), "{browser}");
    assert!(receipt["ping"]["reference"] == "invoice-42" && receipt["next"].is_null());

    let erased = client.send("DELETE", &format!("/api/pings/{}", ping["id"].as_str().unwrap()), &[], "");
    assert_eq!(erased.status, 204);
    fetch(&client, &ping, &[("user-agent", FIREFOX)]);
    let again = client.send("DELETE", &format!("/api/pings/{}", ping["id"].as_str().unwrap()), &[], "");
    assert_eq!(again.status, 404);
}

/// Wrong input gets a 4xx that names the field and says what to do, and never repeats what was
/// sent.
pub fn wrong_input_is_named_and_not_repeated(start: &Start) {
    let program = start.run(&[]);
    let client = program.client();
    let secret = "ada.lovelace";
    let post = |ping: Value| client.post("/api/pings", &ping);
    let broken = client.send("POST", "/api/pings", &[], &format!("{{\"recipient\": {secret}"));
    let mut messages = vec![broken.error(400, None)];
    messages.push(client.send("POST", "/api/pings", &[], "[]").error(400, None));
    messages.push(client.send("POST", "/api/pings", &[], "").error(400, None));
    messages.push(client.send("POST", "/api/pings", &[], &" ".repeat(70_000)).error(413, None));
    messages.push(post(json!({ "basis": { "kind": "contract" } })).error(422, Some("reference")));
    messages.push(post(json!({ "reference": "x" })).error(422, Some("basis")));
    for (field, value) in [
        ("reference", json!("x".repeat(10_240))),
        ("reference", json!("")),
        ("reference", json!(7)),
        ("owner", json!("x".repeat(10_240))),
        ("recipient", json!(secret)),
        ("recipient", json!(format!("{secret}@a@b c"))),
        ("basis", json!({ "kind": secret })),
        ("basis", json!({ "kind": "legitimate_interest", "reason": "x", "to": secret })),
        ("detail", json!("street")),
        ("time_step", json!("second")),
        ("sent_at", json!("yesterday")),
        ("record_days", json!(0)),
        ("record_days", json!(3_660)),
        ("record_days", json!(-1)),
        ("keep_days", json!(0)),
        ("keep_days", json!(3_660)),
        // Shorter than opens are recorded without `record_days`.
        ("keep_days", json!(29)),
        ("purpose", json!("spam")),
        ("kind", json!("spam")),
        ("asked_by", json!("x".repeat(10_240))),
        ("shows_reference", json!(secret)),
        ("surprise", json!(secret)),
    ] {
        messages.push(post(with(new_ping(), field, value)).error(422, Some(field)));
    }
    messages.push(post(with(new_ping(), "purpose", "bulk")).error(422, Some("basis")));
    messages.push(post(with(new_ping(), &format!("{secret}@example.com"), 1)).error(422, None));
    let consent =
        json!({ "kind": "consent", "given_at": "2999-01-01T00:00:00Z", "text_version": "1", "channel": "x" });
    messages.push(post(with(new_ping(), "basis", consent)).error(422, Some("basis.given_at")));
    for (path, field) in [
        ("/api/pings?limit=0", Some("limit")),
        ("/api/pings?limit=1001", Some("limit")),
        ("/api/pings?limit=ada", Some("limit")),
        ("/api/pings?after=ada.lovelace", Some("after")),
        ("/api/pings?recipient=ada.lovelace", None),
    ] {
        messages.push(client.get(path, &[]).error(400, field));
    }
    for path in
        ["/api/pings/ada.lovelace", "/api/pings/019ab1c2-d3e4-7f56-8a9b-0c1d2e3f4a5b", "/api", "/nothing"]
    {
        messages.push(client.get(path, &[]).error(404, None));
    }
    messages.push(client.send("PUT", "/api/pings", &[], "{}").error(405, None));
    for message in messages {
        assert!(!message.contains("lovelace") && message.len() < 400, "{message}");
    }
    for token in ["%FF", "", "forged", &"x".repeat(10_240)] {
        let reply = client.get(&format!("/px/{token}.gif"), &[]);
        assert_eq!((reply.status, reply.body.len()), (200, 43));
    }
}

/// With an admin token set, the API needs it and the pixel does not; without one the service stays
/// on loopback.
pub fn the_admin_token_guards_the_api_and_not_the_pixel(start: &Start) {
    let program =
        start.run(&[("MAILPING_ADMIN_TOKEN", "open-sesame-7777"), ("MAILPING_LISTEN", "0.0.0.0:0")]);
    let port = program.server().port();
    let client = Client::new(([127, 0, 0, 1], port).into());
    for headers in [&[][..], &[("authorization", "Bearer wrong")], &[("authorization", "open-sesame-7777")]] {
        client.get("/api/pings", headers).error(401, None);
        client.send("POST", "/api/pings", headers, &new_ping().to_string()).error(401, None);
    }
    let admin = [("authorization", "Bearer open-sesame-7777")];
    let ping = client.send("POST", "/api/pings", &admin, &new_ping().to_string()).json();
    fetch(&client, &ping, &[]);
    let receipt = client.get(&format!("/api/pings/{}", ping["id"].as_str().unwrap()), &admin).json();
    assert_eq!(receipt["fetches"], 1);
    let (_, log) = program.terminate();
    assert!(log.contains("MAILPING_ADMIN_TOKEN=[redacted]") && !log.contains("open-sesame"), "{log}");
}

/// Lists and receipts come in pages whose cursors lead through all of them once.
pub fn lists_and_receipts_are_paged(start: &Start) {
    let program = start.run(&[]);
    let client = program.client();
    let pings: Vec<Value> = (0..7)
        .map(|n| {
            let owner = if n % 2 == 0 { "even" } else { "odd" };
            make(&client, &with(with(new_ping(), "owner", owner), "reference", format!("r & {n}")))
        })
        .collect();
    let walk = |path: &str, list: &str| {
        let (mut all, mut after) = (Vec::new(), String::new());
        loop {
            let page = client.get(&format!("{path}limit=2&after={after}"), &[]).json();
            let items = page[list].as_array().unwrap().clone();
            assert!(items.len() <= 2);
            all.extend(items);
            match page["next"].as_str() {
                Some(next) => after = next.to_owned(),
                None => return all,
            }
        }
    };
    assert_eq!(walk("/api/pings?", "pings").len(), 7);
    assert_eq!(walk("/api/pings?owner=even&", "pings").len(), 4);
    let one = walk("/api/pings?reference=r%20%26%203&", "pings");
    assert_eq!((one.len(), &one[0]["ping"]["id"]), (1, &pings[3]["id"]));
    for _ in 0..5 {
        fetch(&client, &pings[0], &[("user-agent", FIREFOX)]);
    }
    let opens = walk(&format!("/api/pings/{}?", pings[0]["id"].as_str().unwrap()), "opens");
    let times: Vec<Timestamp> =
        opens.iter().map(|open| open["at"].as_str().unwrap().parse().unwrap()).collect();
    assert!(times.len() == 5 && times.is_sorted(), "{times:?}");
}

/// Every field that a ping is made with comes back, and each answer has the fields that it is
/// documented with.
pub fn every_field_of_a_ping_comes_back(start: &Start) {
    let program = start.run(&[]);
    let client = program.client();
    let fields = |value: &Value| {
        let names = value.as_object().unwrap_or_else(|| panic!("{value}")).keys().cloned();
        let mut names: Vec<String> = names.collect();
        names.sort();
        names.join(" ")
    };
    let ping_fields = "asked_by basis detail eprivacy id keep_until kind owner purpose record_until reference sent_at \
                       shows_reference status time_step";
    let made_fields = "asked_by basis confirm_url detail eprivacy id img_tag keep_until key_header kind opt_out_url owner pixel_url \
                       purpose record_until reference sent_at shows_reference status time_step";
    let receipt_fields = "confirmed_at delivery fetches first_human_open human_opens last_human_open machine_fetches \
                          milestones next opens ping several_places state uncertain_fetches unreadable";
    let consent = json!({ "kind": "consent", "given_at": "2026-01-01T00:00:00.000Z", "text_version": "v3", "channel": "form" });
    for basis in [
        json!({ "kind": "legitimate_interest", "reason": "proof of delivery" }),
        json!({ "kind": "contract" }),
        json!({ "kind": "legal_obligation" }),
        consent.clone(),
    ] {
        let least = make(&client, &json!({ "reference": "least", "basis": basis }));
        assert_eq!((&least["basis"], fields(&least).as_str()), (&basis, made_fields));
        assert_eq!((&least["purpose"], &least["time_step"]), (&json!("one_to_one"), &json!("exact")));
        let nulls = [&least["owner"], &least["kind"], &least["eprivacy"]];
        assert_eq!((nulls, &least["status"]), ([&Value::Null; 3], &json!("live")));
    }
    let sent_at = hours_ago(2);
    let whole = json!({
        "reference": "whole", "basis": consent, "owner": "billing", "purpose": "bulk", "kind": "commercial",
        "eprivacy": "strictly_necessary", "asked_by": "Bob's Bakery", "shows_reference": true, "detail": "country", "time_step": "hour", "sent_at": sent_at.to_string(),
    });
    let with_recipient = with(with(whole.clone(), "recipient", "ada@example.com"), "record_days", 7);
    let made = make(&client, &with(with_recipient, "keep_days", 10));
    fetch(&client, &made, &[("user-agent", FIREFOX)]);
    let receipt = receipt(&client, &made);
    assert_eq!(fields(&receipt), receipt_fields);
    assert_eq!(fields(&receipt["ping"]), ping_fields);
    for (field, value) in whole.as_object().unwrap() {
        assert_eq!((&made[field], &receipt["ping"][field]), (value, value), "{field}");
    }
    for (field, days) in [("record_until", 7), ("keep_until", 10)] {
        let end = Timestamp::from_unix_millis(sent_at.unix_millis() + days * 86_400_000);
        assert_eq!(made[field], end.to_string());
    }
    let of_open = "at city country evidence fetcher network provider time_step verdict";
    assert_eq!(fields(&receipt["opens"][0]), of_open);
    let export = client.post("/api/export", &json!({ "recipient": "ada@example.com" })).json();
    assert_eq!(fields(&export), "objected objected_to_everything pings unreadable");
    assert_eq!(export["pings"][0], receipt, "all that is known of the ping, and nothing else");
}
