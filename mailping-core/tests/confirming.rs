//! Confirming receipt: a click does, and nothing else.
#![cfg(feature = "testing")]
#![allow(clippy::unwrap_used, reason = "helpers of tests stand outside of #[test] functions")]

mod common;

use std::time::Duration;

use common::*;
use mailping_core::certified::{LogKey, SealLog};
use mailping_core::fetcher::{Classifier, Evidence, Verdict};
use mailping_core::intake::PixelRequest;
use mailping_core::mount::Mount;
use mailping_core::opt_out::{ENGLISH, GERMAN, Texts};
use mailping_core::pings::{SmtpReply, Status, TimeStep};
use mailping_core::receipts::MilestoneKind;
use mailping_core::testing::faulty::{Fault, FaultyStore};
use mailping_core::{Detail, Keyring, MemoryStore, NewPing, PreparedPing, State, Tracker};
use pollster::block_on;

struct Answer {
    status: u16,
    text: String,
}

impl Answer {
    fn status(&self) -> u16 {
        self.status
    }
}

fn asking() -> NewPing {
    new_ping().confirmable("Bob's Bakery").show_reference()
}

fn path(ping: &PreparedPing) -> String {
    ping.confirm_url().unwrap().strip_prefix("https://app.example").unwrap().to_owned()
}

fn send(tracker: &Tracker, method: &str, path: &str, peer: &str, lines: &[(&'static str, &str)]) -> Answer {
    let headers = headers(lines);
    let request = PixelRequest::new(path, peer.parse().ok(), &headers);
    let answer = block_on(Mount::new(tracker.clone()).answer(method, &request));
    Answer { status: answer.status().as_u16(), text: String::from_utf8(answer.body().to_vec()).unwrap() }
}

fn click(tracker: &Tracker, ping: &PreparedPing) -> Answer {
    send(
        tracker,
        "POST",
        &path(ping),
        "81.187.81.9",
        &[("user-agent", FIREFOX), ("sec-fetch-dest", "document")],
    )
}

fn text(answer: &Answer) -> &str {
    &answer.text
}

#[test]
fn the_page_says_who_asks_for_what_and_what_is_kept() {
    let clock = Clock::new();
    let tracker = tracker(&clock);
    let get = |ping: &PreparedPing, lines: &[(&'static str, &str)]| {
        send(&tracker, "GET", &path(ping), "192.0.2.7", lines)
    };
    let open = get(&ping(&tracker, asking()), &[]);
    assert_eq!(open.status(), 200);
    for said in [
        "Bob&#39;s Bakery asks you to confirm",
        "invoice-42",
        "cannot be taken back",
        "<form method=\"post\">",
    ] {
        assert!(text(&open).contains(said), "{said}: {}", text(&open));
    }
    let hidden = get(&ping(&tracker, new_ping().confirmable("Bob <script>")), &[]);
    assert!(!text(&hidden).contains("invoice-42") && text(&hidden).contains("Bob &lt;script&gt;"));
    let german = get(&ping(&tracker, asking()), &[("accept-language", "de-AT")]);
    assert!(
        text(&german).contains("Bob&#39;s Bakery bittet Sie")
            && text(&german).contains("nicht zur\u{fc}cknehmen")
    );
    assert!(ping(&tracker, new_ping()).confirm_url().is_none(), "nobody asks");
}

/// A reader whose program loads no picture signs all the same.
#[test]
fn a_reader_who_blocks_the_pixel_confirms() {
    let clock = Clock::new();
    let tracker = tracker(&clock);
    let sent = ping(&tracker, asking());
    block_on(tracker.pings().handed_over(sent.id(), SmtpReply::new(250, "2.0.0").unwrap())).unwrap();
    clock.advance(Duration::from_secs(41 * 60));
    let done = click(&tracker, &sent);
    assert_eq!(done.status(), 200);
    assert!(text(&done).contains("Receipt is confirmed") && !text(&done).contains("<form"));
    let receipt = receipt(&tracker, sent.id());
    assert_eq!((receipt.summary.state, receipt.summary.fetches), (State::NoFetch, 0));
    assert_eq!(receipt.summary.confirmed_at.unwrap().to_string(), "2026-11-23T10:41:00.000Z");
    assert_eq!(
        receipt.to_string(),
        "Accepted by the recipient's mail server at 10:00 UTC on 2026-11-23; not fetched, which does not mean unread: many \
         readers block images; receipt confirmed by the recipient at 10:41 UTC."
    );
    let json = serde_json::to_value(&receipt).unwrap();
    assert_eq!(
        (&json["state"], &json["confirmed_at"]),
        (&"no_fetch".into(), &"2026-11-23T10:41:00.000Z".into())
    );
    clock.advance(Duration::from_secs(4 * 86_400));
    let (_, notifications) = block_on(tracker.receipts().notifications(sent.id())).unwrap().unwrap();
    let names: Vec<&str> = notifications.iter().map(|notification| notification.name()).collect();
    assert_eq!(names, ["confirmed"], "and it is not one that nobody opened");
}

/// What comes for a link from those who look at links rather than press buttons, by GET and HEAD,
/// and by POST from those who try that too.
#[test]
fn twenty_scanners_confirm_nothing_and_a_click_does() {
    let clock = Clock::new();
    let tracker = tracker(&clock);
    let sent = ping(&tracker, asking());
    clock.advance(minute() * 60);
    let chrome = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36";
    let named = [
        "Mozilla/5.0 (compatible; Barracuda Sentinel (EE))",
        "Mozilla/5.0 (compatible; Google-Safety; +http://www.google.com/bot.html)",
        "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
        "Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)",
        "Mozilla/5.0 (compatible; proofpoint-urldefense/1.0)",
        "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)",
        "WhatsApp/2.23.20.0",
        "TelegramBot (like TwitterBot)",
        "facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)",
        "Twitterbot/1.0",
        "LinkedInBot/1.0 (compatible; Mozilla/5.0; Apache-HttpClient +http://www.linkedin.com)",
        "curl/8.9.1",
        "Wget/1.24.5",
        "python-requests/2.32.3",
        "Go-http-client/1.1",
        "Apache-HttpClient/4.5.14 (Java/17.0.2)",
        "okhttp/4.12.0",
        "node-fetch/1.0 (+https://github.com/bitinn/node-fetch)",
        "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/141.0.0.0 Safari/537.36",
        "axios/1.7.7",
        "Ruby",
    ];
    for agent in named {
        for method in ["GET", "HEAD", "POST"] {
            let answer = send(&tracker, method, &path(&sent), "198.51.100.7", &[("user-agent", agent)]);
            assert_eq!(answer.status(), if method == "POST" { 403 } else { 200 }, "{method} {agent}");
            if method == "POST" {
                assert!(text(&answer).contains("Nothing is confirmed"), "{agent}");
            }
        }
    }
    // Those that hide what they are look at links, as browsers do.
    for lines in [
        &[("user-agent", chrome)][..],
        &[("user-agent", chrome), ("sec-purpose", "prefetch")],
        &[("user-agent", chrome), ("purpose", "prefetch"), ("sec-fetch-dest", "document")],
        &[("user-agent", chrome), ("referer", "https://nam02.safelinks.protection.outlook.com/")],
        &[],
    ] {
        for method in ["GET", "HEAD"] {
            assert_eq!(send(&tracker, method, &path(&sent), "40.94.27.9", lines).status(), 200);
        }
    }
    // Rewritten, and with the query of the rewriter behind it.
    let wrapped = format!("{}?url=https%3A%2F%2Fapp.example{}&data=05%7C02%7C", path(&sent), path(&sent));
    let twice = path(&sent).replacen("/px/", "/px/%25", 1).replace('%', "%25");
    for rewritten in [
        wrapped,
        path(&sent).to_ascii_uppercase().replace("/PX/", "/px/"),
        format!("{}%252F", path(&sent)),
        twice,
    ] {
        let answer = send(&tracker, "GET", &rewritten, "40.94.27.9", &[("user-agent", chrome)]);
        assert!(matches!(answer.status(), 200 | 400), "{rewritten}");
    }
    // A click that was judged as fetched ahead is none either.
    let ahead = [("user-agent", chrome), ("sec-purpose", "prefetch;prerender")];
    assert_eq!(send(&tracker, "POST", &path(&sent), "81.187.81.9", &ahead).status(), 403);
    let untouched = receipt(&tracker, sent.id()).summary;
    assert!(untouched.milestones.is_empty() && untouched.fetches == 0, "{untouched:?}");

    assert_eq!(click(&tracker, &sent).status(), 200);
    let confirmed = receipt(&tracker, sent.id()).summary;
    assert_eq!(confirmed.milestones[0].verdict, Some(Verdict::Human));
    clock.advance(minute());
    assert_eq!(click(&tracker, &sent).status(), 200, "twice is once");
    assert_eq!(receipt(&tracker, sent.id()).summary, confirmed);
    let again = send(&tracker, "GET", &path(&sent), "192.0.2.7", &[]);
    assert!(text(&again).contains("Receipt is confirmed") && !text(&again).contains("<form"));
}

#[test]
fn forged_and_cut_tokens_get_an_honest_page_and_never_reach_the_store() {
    let (clock, store) = (Clock::new(), FaultyStore::default());
    let tracker = build(builder(store.clone(), &clock));
    let sent = ping(&tracker, asking());
    let token = path(&sent).split('/').nth(2).unwrap().to_owned();
    let mut forged = token.clone().into_bytes();
    forged[20] = if forged[20] == b'a' { b'b' } else { b'a' };
    store.fault(Fault::Down);
    let pixel =
        sent.pixel_url().unwrap().strip_prefix("https://app.example").unwrap().replace(".gif", "/confirm");
    let opt_out =
        sent.opt_out_url().strip_prefix("https://app.example").unwrap().replace("/opt-out", "/confirm");
    for damaged in [
        format!("/px/{}/confirm", String::from_utf8(forged).unwrap()),
        format!("/px/{}/confirm", &token[..47]),
        format!("/px/{}/confirm", &token[1..]),
        "/px//confirm".to_owned(),
        pixel,
        opt_out,
    ] {
        for method in ["GET", "POST"] {
            let answer = send(&tracker, method, &damaged, "81.187.81.9", &[("user-agent", FIREFOX)]);
            assert_eq!(answer.status(), 400, "{method} {damaged}: a store that is down would be 503");
            assert!(text(&answer).contains("nothing is confirmed"), "{}", text(&answer));
        }
    }
    store.fault(Fault::None);
    assert!(receipt(&tracker, sent.id()).summary.confirmed_at.is_none());
    // A confirm link neither records, nor objects.
    let as_pixel = format!("/px/{token}.gif");
    assert!(hit(&tracker, &as_pixel, "81.187.81.9", &[("user-agent", FIREFOX)]).is_ok());
    assert_eq!(send(&tracker, "POST", &format!("/px/{token}/opt-out"), "81.187.81.9", &[]).status(), 400);
    let summary = receipt(&tracker, sent.id()).summary;
    assert_eq!((summary.fetches, summary.ping.status), (0, Status::Live));
}

#[test]
fn a_confirmation_is_told_only_once_it_is_on_disk() {
    let (clock, store) = (Clock::new(), FaultyStore::default());
    let tracker = build(builder(store.clone(), &clock));
    let sent = ping(&tracker, asking());
    clock.advance(minute());
    store.fault(Fault::Down);
    let failed = click(&tracker, &sent);
    assert_eq!(failed.status(), 503);
    assert!(text(&failed).contains("not confirmed yet") && text(&failed).contains("<form method=\"post\">"));
    let unseen = send(&tracker, "GET", &path(&sent), "192.0.2.7", &[]);
    assert_eq!(unseen.status(), 503);
    assert!(text(&unseen).contains("not confirmed yet"));
    assert!(!text(&unseen).contains("<form"), "nobody confirms what they have not read: {}", text(&unseen));
    store.fault(Fault::None);
    assert!(receipt(&tracker, sent.id()).summary.confirmed_at.is_none());
    assert_eq!(click(&tracker, &sent).status(), 200);
    assert!(receipt(&tracker, sent.id()).summary.confirmed_at.is_some());
}

/// It can neither check the link nor keep anything, whoever presses what.
#[test]
fn an_edges_page_has_no_button() {
    let clock = Clock::new();
    let sent = ping(&tracker(&clock), asking());
    let keys = Keyring::generate().unwrap().for_edge("fra").unwrap();
    let edge = build(Tracker::builder(keys, FaultyStore::default()).base_url(BASE).unwrap());
    for method in ["GET", "POST"] {
        let answer = send(&edge, method, &path(&sent), "81.187.81.9", &[("user-agent", FIREFOX)]);
        assert_eq!(answer.status(), 503, "{method}");
        assert!(!text(&answer).contains("<form"), "{method}: {}", text(&answer));
    }
}

#[test]
fn who_objects_to_the_pixel_can_sign_and_who_objects_to_everything_cannot() {
    let clock = Clock::new();
    let tracker = tracker(&clock);
    let to = |name: &str| {
        ping(&tracker, asking().to(format!("{name}@example.com")).record_for(Duration::from_secs(3_600)))
    };
    let (objected, withdrawn, closed, erased, expired) =
        (to("ada"), to("bob"), to("carol"), to("dan"), to("eve"));
    block_on(tracker.people().object_by_link(objected.opt_out_url())).unwrap();
    assert!(block_on(tracker.pings().withdraw(withdrawn.id())).unwrap());
    block_on(tracker.people().object_to_everything("carol@example.com")).unwrap();
    assert!(block_on(tracker.people().erase(erased.id())).unwrap().is_some());
    let untracked = to("ada");
    assert_eq!(
        (untracked.status(), untracked.pixel_url(), untracked.confirm_url().is_some()),
        (Status::Untracked, None, true)
    );
    assert!(to("carol").confirm_url().is_none() && to("carol").status() == Status::Closed);
    clock.advance(minute());
    for sent in [&objected, &withdrawn, &untracked] {
        let lines = [("user-agent", FIREFOX), ("sec-gpc", "1"), ("dnt", "1")];
        assert_eq!(send(&tracker, "POST", &path(sent), "81.187.81.9", &lines).status(), 200);
        let summary = receipt(&tracker, sent.id()).summary;
        assert_eq!((summary.fetches, summary.confirmed_at.is_some()), (0, true));
    }
    clock.advance(minute() * 60);
    let answers = [&closed, &erased, &expired]
        .map(|sent| (send(&tracker, "GET", &path(sent), "192.0.2.7", &[]), click(&tracker, sent)));
    for (get, post) in &answers {
        assert_eq!((get.status(), post.status()), (410, 410));
        assert_eq!(text(get), text(post), "one page, whatever the reason");
        assert_eq!(text(get), text(&answers[0].0));
        assert!(text(get).contains("Nothing is confirmed"));
    }
    for sent in [&closed, &expired] {
        assert!(receipt(&tracker, sent.id()).summary.milestones.is_empty());
    }
    assert_eq!(click(&tracker, &objected).status(), 200, "what was confirmed in time stays so");
}

/// What a recipient was told is confirmed stands in the final receipt, and nothing else is told.
#[test]
fn a_certified_receipt_that_is_final_lacks_no_confirmation() {
    let clock = Clock::new();
    let head = std::env::temp_dir().join(format!("mailping-confirming-{}", std::process::id()));
    let key = LogKey::generate("app.example/receipts").unwrap();
    let tracker = build(builder(MemoryStore::new(), &clock).seal(SealLog::new(key, &head)));
    let to = |new: NewPing, name: &str| {
        ping(&tracker, new.to(format!("{name}@example.com")).record_for(minute() * 60 * 24))
    };
    let (withdrawn, objected) = (to(asking(), "ada"), to(asking(), "bob"));
    let (closed, unasked) = (to(asking(), "carol"), to(new_ping(), "dan"));
    for sent in [&withdrawn, &unasked] {
        assert!(block_on(tracker.pings().withdraw(sent.id())).unwrap());
    }
    block_on(tracker.people().object("bob@example.com")).unwrap();
    block_on(tracker.people().object_to_everything("carol@example.com")).unwrap();
    let hours = |hours| {
        for _ in 0..hours {
            clock.advance(minute() * 60);
            block_on(tracker.seals().unwrap().seal()).unwrap();
        }
    };
    let file = |sent: &PreparedPing| block_on(tracker.receipts().certified(sent.id())).unwrap().unwrap();
    let is_final = |sent: &PreparedPing| file(sent).contains("The receipt is final");
    let refused = || SmtpReply::new(550, "5.1.1").unwrap();
    hours(4);
    assert_eq!([&withdrawn, &objected, &closed, &unasked].map(is_final), [false, false, true, true]);
    assert!(!block_on(tracker.pings().handed_over(unasked.id(), refused())).unwrap());
    assert_eq!((click(&tracker, &withdrawn).status(), click(&tracker, &objected).status()), (200, 200));
    assert_eq!(click(&tracker, &closed).status(), 410);
    hours(28);
    for sent in [&withdrawn, &objected] {
        assert!(is_final(sent) && file(sent).contains(" confirmed: human"), "{}", file(sent));
        assert!(!block_on(tracker.pings().handed_over(sent.id(), refused())).unwrap());
    }
    assert!(file(&withdrawn).contains(" ended: withdrawn") && file(&objected).contains(" ended: objection"));
    std::fs::remove_file(&head).unwrap();
}

/// The time is cut to the ping's step, the reasons to its detail, and nothing else is there to cut.
#[test]
fn what_is_kept_of_a_click_is_narrowed_by_detail_and_step() {
    let clock = Clock::new();
    for (detail, step, at, has_evidence) in [
        (Detail::None, TimeStep::Exact, "2026-11-23", false),
        (Detail::LastDay, TimeStep::Exact, "2026-11-23", false),
        (Detail::Opens, TimeStep::Day, "2026-11-23", true),
        (Detail::City, TimeStep::Hour, "2026-11-23T10:00Z", true),
        (Detail::Network, TimeStep::Exact, "2026-11-23T10:00:00.000Z", true),
    ] {
        let tracker = tracker(&clock);
        let sent = ping(&tracker, asking().detail(detail).time_step(step));
        assert_eq!(click(&tracker, &sent).status(), 200, "{detail}");
        let kept = receipt(&tracker, sent.id()).summary.milestones[0];
        assert_eq!(kept.time().to_string(), at, "{detail}");
        assert_eq!(kept.evidence.contains(Evidence::TimeEarly), has_evidence, "{detail}");
        assert_eq!(kept.verdict, Some(Verdict::Uncertain), "at once after sending");
        let json = serde_json::to_value(kept).unwrap();
        let fields: Vec<&String> = json.as_object().unwrap().keys().collect();
        assert_eq!(fields, ["at", "evidence", "kind", "reply_code", "status_code", "verdict"]);
    }
    // A ceiling that was lowered later holds too.
    let keys = Keyring::generate().unwrap();
    let store = FaultyStore::default();
    let tracker_of = |ceiling| {
        let clock = clock.clone();
        let builder =
            Tracker::builder(keys.clone(), store.clone()).base_url(BASE).unwrap().clock(move || clock.now());
        build(builder.ceiling(ceiling))
    };
    let sent = ping(&tracker_of(Detail::Network), asking());
    let lowered = tracker_of(Detail::LastDay);
    assert_eq!(click(&lowered, &sent).status(), 200);
    let kept = receipt(&lowered, sent.id()).summary.milestones[0];
    assert_eq!((kept.time().to_string().as_str(), kept.evidence.is_empty()), ("2026-11-23", true));
}

#[test]
fn a_click_from_the_senders_own_network_confirms_nothing() {
    let clock = Clock::new();
    let classifier = Classifier::default().own_networks(["81.187.81.0/24".parse().unwrap()]);
    let tracker = build(builder(MemoryStore::new(), &clock).classifier(classifier));
    let sent = ping(&tracker, asking());
    clock.advance(minute());
    let answer = click(&tracker, &sent);
    assert_eq!(answer.status(), 403);
    assert!(text(&answer).contains("own network"));
    assert!(receipt(&tracker, sent.id()).summary.milestones.is_empty());
}

#[test]
fn texts_must_say_who_asks_for_what() {
    let wrong = |texts: Texts| {
        let refused = builder(MemoryStore::new(), &Clock::new()).opt_out_texts(&texts).err();
        refused.and_then(|error| error.field())
    };
    assert_eq!(wrong(ENGLISH), None);
    let nobody = Texts { confirm_text: "Please confirm.".into(), ..GERMAN };
    assert_eq!(wrong(nobody), Some("confirm_text"));
    let nothing = Texts { confirm_reference: "Reference".into(), ..ENGLISH };
    assert_eq!(wrong(nothing), Some("confirm_reference"));
}

#[cfg(feature = "html")]
#[test]
fn the_line_is_visible_stands_once_and_leads_nowhere_in_the_senders_copy() {
    let clock = Clock::new();
    let tracker = tracker(&clock);
    let sent = ping(&tracker, asking());
    let url = sent.confirm_url().unwrap();
    let message = "<html><body><p>Invoice</p><blockquote type=\"cite\">old</blockquote></body></html>";
    let html = sent.embed_with_confirm(message, "Confirm & <sign>");
    let line = format!("<p><a href=\"{url}\">Confirm &amp; &lt;sign&gt;</a></p>");
    assert_eq!(html.matches(&line).count(), 1, "{html}");
    assert!(html.find(&line) < html.find("<blockquote"), "before what is quoted: {html}");
    assert!(html.contains(&format!("{line}{}", sent.img_tag())), "{html}");
    assert!(!line.contains("style") && !line.contains("hidden"));
    assert_eq!(sent.embed_with_confirm(&html, "Confirm & <sign>"), html, "twice is once");
    let own_link = format!("<body><a href=\"{url}\">sign</a></body>");
    assert_eq!(sent.embed_with_confirm(&own_link, "Confirm").matches(url).count(), 1);
    let copy = sent.sender_copy(&html);
    assert!(!copy.contains("/confirm") && !copy.contains("<img") && copy.contains("Confirm &amp;"), "{copy}");
    assert_eq!(sent.confirm_text("Confirm receipt"), format!("Confirm receipt: {url}\n"));
    let nobody_asks = ping(&tracker, new_ping());
    assert_eq!(nobody_asks.embed_with_confirm(message, "Confirm"), nobody_asks.embed(message));
    assert_eq!(
        (nobody_asks.confirm_html("x"), nobody_asks.confirm_text("x")),
        (String::new(), String::new())
    );
    // An untracked ping has a line and no pixel.
    block_on(tracker.people().object("ada@example.com")).unwrap();
    let untracked = ping(&tracker, asking().to("ada@example.com"));
    let html = untracked.embed_with_confirm("<body>x</body>", "Confirm");
    assert!(html.contains(untracked.confirm_url().unwrap()) && !html.contains("<img"), "{html}");
    let lines = sent.list_unsubscribe();
    assert!(lines.iter().all(|(_, value)| !value.contains("/confirm")));
}

#[test]
fn a_milestone_of_each_kind_has_its_name_in_json() {
    let names: Vec<&str> = MilestoneKind::ALL.iter().map(|kind| kind.as_str()).collect();
    assert_eq!(
        names,
        ["unknown", "deferred", "refused", "accepted", "delayed", "failed", "delivered", "confirmed"]
    );
}
