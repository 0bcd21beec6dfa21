//! The rows of the link that confirms receipt: a click confirms, and nothing else does.

use super::fixture::{Before, Subject};
use super::rows::{Answer, CHROME, FORM, Leaves, Row, escaped, forged};
use super::wire::Request;
use crate::confirm::Page;
use crate::opt_out::{ENGLISH, GERMAN};

pub(super) fn page(subject: &Subject) -> String {
    format!("/px/{}/confirm", subject.confirm)
}

/// The button, as a browser sends it.
pub(super) fn click(target: impl Into<Vec<u8>>) -> Request {
    Request::new("POST", target)
        .header("User-Agent", CHROME)
        .header("Accept", "text/html,application/xhtml+xml")
        .header("Sec-Fetch-Dest", "document")
        .header("Sec-Fetch-Mode", "navigate")
        .header("Sec-Fetch-Site", "same-origin")
        .header("Origin", "http://app.example")
        .header("Content-Type", FORM)
}

/// A POST to the button's address that a browser says something else of.
fn no_press(subject: &Subject, name: &'static str, value: &'static str) -> Request {
    Request::new("POST", page(subject)).header("User-Agent", CHROME).header(name, value)
}

fn get(subject: &Subject) -> Request {
    Request::get(page(subject))
}

#[rustfmt::skip]
pub(super) fn rows() -> Vec<Row> {
    use Answer::NotAllowed;
    use Leaves::{Confirmation, Nothing, Objection};
    const ASK: Answer = Answer::Confirming(Page::Ask, &ENGLISH);
    const ASK_GERMAN: Answer = Answer::Confirming(Page::Ask, &GERMAN);
    const DONE: Answer = Answer::Confirming(Page::Done, &ENGLISH);
    const DAMAGED: Answer = Answer::Confirming(Page::Damaged, &ENGLISH);
    const CLOSED: Answer = Answer::Confirming(Page::Closed, &ENGLISH);
    const UNPROVEN: Answer = Answer::Confirming(Page::Unproven, &ENGLISH);
    let row = |name, request, answer, leaves| Row { name, before: Before::SentLongAgo, request, answer, leaves };
    let after = |before, name, request, answer, leaves| Row { name, before, request, answer, leaves };
    vec![
        // What follows links, or fetches them ahead, is shown the page and confirms nothing.
        row("confirm page", get, ASK, Nothing),
        row("confirm page in German", |s| get(s).header("Accept-Language", "de"), ASK_GERMAN, Nothing),
        row("HEAD of the confirm page", |s| Request::new("HEAD", page(s)), ASK, Nothing),
        row("confirm page fetched ahead by a browser", |s| get(s).header("User-Agent", CHROME).header("Sec-Purpose", "prefetch;prerender"), ASK, Nothing),
        row("confirm page fetched ahead by a mail program", |s| get(s).header("Purpose", "preview"), ASK, Nothing),
        row("confirm page through SafeLinks", |s| get(s).header("User-Agent", CHROME).header("Referer", "https://eur02.safelinks.protection.outlook.com/"), ASK, Nothing),
        row("confirm page with a checker's query", |s| Request::get(format!("{}?url=https%3A%2F%2Fapp.example{}&data=05%7C02&reserved=0", page(s), page(s))), ASK, Nothing),
        row("confirm page in upper case", |s| Request::get(page(s).to_ascii_uppercase().replace("/PX/", "/px/")), ASK, Nothing),
        row("confirm page with every character escaped", |s| Request::get(format!("/px/{}/{}", escaped(&s.confirm), escaped("confirm"))), ASK, Nothing),
        row("confirm page escaped twice", |s| Request::get(format!("/px/{}%252Fconfirm", escaped(&s.confirm).replace('%', "%25"))), ASK, Nothing),
        row("confirm page with text at its end", |s| Request::get(format!("{}.%3E%0D%0A", page(s))), ASK, Nothing),
        row("confirm page with a body", |s| get(s).body(FORM, b"confirm=1"), ASK, Nothing),
        row("confirm token as a picture", |s| Request::get(format!("/px/{}.gif", s.confirm)), Answer::Picture, Nothing),
        // A click confirms, however the link was changed on its way.
        row("click", |s| click(page(s)), DONE, Confirmation),
        row("click without a form's type", |s| Request::new("POST", page(s)).header("User-Agent", CHROME), DONE, Confirmation),
        row("click with an opaque origin", |s| Request::new("POST", page(s)).header("User-Agent", CHROME).header("Origin", "null").header("Content-Type", FORM), DONE, Confirmation),
        row("click with an opaque origin and Fetch Metadata", |s| Request::new("POST", page(s)).header("User-Agent", CHROME).header("Origin", "null").header("Sec-Fetch-Site", "same-origin").header("Sec-Fetch-Mode", "navigate").header("Sec-Fetch-Dest", "document").header("Content-Type", "application/x-www-form-urlencoded; charset=UTF-8"), DONE, Confirmation),
        row("click with a query", |s| click(format!("{}?utm_source=mail", page(s))), DONE, Confirmation),
        row("click in upper case", |s| click(page(s).to_ascii_uppercase().replace("/PX/", "/px/")), DONE, Confirmation),
        row("click with every character escaped", |s| click(format!("/px/{}/{}", escaped(&s.confirm), escaped("confirm"))), DONE, Confirmation),
        row("click with a soft line break", |s| click(format!("/px/{}=%0D%0A{}/confirm", &s.confirm[..30], &s.confirm[30..])), DONE, Confirmation),
        row("click on the token alone", |s| click(format!("/px/{}", s.confirm)), DONE, Confirmation),
        row("click with half the last part", |s| click(format!("/px/{}/co", s.confirm)), DONE, Confirmation),
        row("click with a slash after it", |s| click(format!("{}/", page(s))), DONE, Confirmation),
        row("click with privacy signals", |s| click(page(s)).header("Sec-GPC", "1").header("DNT", "1"), DONE, Confirmation),
        row("click in German", |s| click(page(s)).header("Accept-Language", "de").body(FORM, b"a=b"), Answer::Confirming(Page::Done, &GERMAN), Confirmation),
        after(Before::Sent, "click at once after sending", |s| click(page(s)), DONE, Confirmation),
        after(Before::Withdrawn, "click on a withdrawn ping", |s| click(page(s)), DONE, Confirmation),
        after(Before::Objected, "click of one who objects to the pixel", |s| click(page(s)), DONE, Confirmation),
        // Programs that press buttons confirm nothing, and are told so.
        row("POST of a scanner", |s| Request::new("POST", page(s)).header("User-Agent", "Mozilla/5.0 (compatible; Barracuda Sentinel)"), UNPROVEN, Nothing),
        row("POST of a library", |s| Request::new("POST", page(s)).header("User-Agent", "python-requests/2.32").body(FORM, b"a=b"), UNPROVEN, Nothing),
        row("POST of a headless browser", |s| click(page(s)).header("Sec-CH-UA", "\"HeadlessChrome\";v=\"141\""), UNPROVEN, Nothing),
        // Neither does what a browser says was no press of this button.
        row("POST by a script of another site", |s| no_press(s, "Origin", "https://evil.example").header("Sec-Fetch-Site", "cross-site").header("Sec-Fetch-Mode", "no-cors").header("Sec-Fetch-Dest", "empty"), UNPROVEN, Nothing),
        row("form of another site", |s| no_press(s, "Sec-Fetch-Site", "cross-site").header("Sec-Fetch-Mode", "navigate").header("Sec-Fetch-Dest", "document").header("Origin", "null").header("Content-Type", FORM), UNPROVEN, Nothing),
        row("form of a sibling site", |s| no_press(s, "Sec-Fetch-Site", "same-site").header("Content-Type", FORM), UNPROVEN, Nothing),
        row("POST by a script of this site", |s| no_press(s, "Sec-Fetch-Site", "same-origin").header("Sec-Fetch-Mode", "cors").header("Sec-Fetch-Dest", "empty"), UNPROVEN, Nothing),
        row("POST into a frame", |s| no_press(s, "Sec-Fetch-Dest", "iframe"), UNPROVEN, Nothing),
        row("POST for an image", |s| no_press(s, "Sec-Fetch-Dest", "image"), UNPROVEN, Nothing),
        row("POST for a script", |s| no_press(s, "Sec-Fetch-Dest", "script"), UNPROVEN, Nothing),
        row("form of another site in a browser without Fetch Metadata", |s| no_press(s, "Origin", "https://evil.example").header("Content-Type", FORM), UNPROVEN, Nothing),
        row("ping of a link", |s| no_press(s, "Content-Type", "text/ping").header("Ping-From", "https://evil.example/"), UNPROVEN, Nothing),
        row("beacon", |s| no_press(s, "Content-Type", "text/plain;charset=UTF-8"), UNPROVEN, Nothing),
        row("report of a policy", |s| no_press(s, "Content-Type", "application/csp-report"), UNPROVEN, Nothing),
        // What takes none says so, and not why.
        after(Before::Erased, "click on an erased ping", |s| click(page(s)), CLOSED, Nothing),
        after(Before::Erased, "confirm page of an erased ping", get, CLOSED, Nothing),
        after(Before::Closed, "click of one who objected to everything", |s| click(page(s)), CLOSED, Nothing),
        after(Before::Closed, "confirm page of one who objected to everything", get, CLOSED, Nothing),
        after(Before::Expired, "click on an expired ping", |s| click(page(s)), CLOSED, Nothing),
        after(Before::Expired, "confirm page of an expired ping", get, CLOSED, Nothing),
        // Forged, cut and foreign tokens.
        row("confirm page of a forged token", |s| Request::get(format!("/px/{}/confirm", forged(&s.confirm))), DAMAGED, Nothing),
        row("HEAD of the confirm page of a forged token", |s| Request::new("HEAD", format!("/px/{}/confirm", forged(&s.confirm))), DAMAGED, Nothing),
        row("click with a forged token", |s| click(format!("/px/{}/confirm", forged(&s.confirm))), DAMAGED, Nothing),
        row("click with a forged token in German", |s| click(format!("/px/{}/confirm", forged(&s.confirm))).header("Accept-Language", "de"), Answer::Confirming(Page::Damaged, &GERMAN), Nothing),
        row("click without the last character", |s| click(format!("/px/{}/confirm", &s.confirm[..47])), DAMAGED, Nothing),
        row("click without the first character", |s| click(format!("/px/{}/confirm", &s.confirm[1..])), DAMAGED, Nothing),
        row("click with half a token", |s| click(format!("/px/{}/confirm", &s.confirm[..24])), DAMAGED, Nothing),
        row("click with a pixel's token", |s| click(format!("/px/{}/confirm", s.pixel)), DAMAGED, Nothing),
        row("click with an opt-out token", |s| click(format!("/px/{}/confirm", s.opt_out)), DAMAGED, Nothing),
        row("click with an empty token", |_| click("/px//confirm"), DAMAGED, Nothing),
        row("click with a token of 10 KB", |_| click(format!("/px/{}/confirm", "A".repeat(10_240))), DAMAGED, Nothing),
        row("opt-out with a confirm token", |s| click(format!("/px/{}/opt-out", s.confirm)), Answer::Page(crate::opt_out::Stage::Damaged, &ENGLISH), Nothing),
        row("one-click form to the opt-out page is no confirmation", |s| Request::new("POST", format!("/px/{}/opt-out", s.opt_out)).body(FORM, b"List-Unsubscribe=One-Click"), Answer::Page(crate::opt_out::Stage::Done, &ENGLISH), Objection),
        row("PUT to the confirm page", |s| Request::new("PUT", page(s)), NotAllowed("GET, HEAD, POST"), Nothing),
        row("DELETE of the confirm page", |s| Request::new("DELETE", page(s)), NotAllowed("GET, HEAD, POST"), Nothing),
    ]
}
