//! A receipt of made-up data, so that one can be seen before there is any. Nothing of it is stored:
//! it is made in memory, and gone with its answer.

use std::time::Duration;

use askama::Template;
use http::StatusCode;
use mailping_core::fetcher::{Evidence, Fetcher, Provider, Verdict};
use mailping_core::pings::{Ping, Status};
use mailping_core::receipts::{Milestone, MilestoneKind, Open, OpenId};
use mailping_core::store::{Attempt, Store as _};
use mailping_core::{Basis, Detail, Keyring, MemoryStore, PingId, Receipt, Timestamp, Tracker};

use super::frame::{Frame, html};
use super::moment::now;
use super::shown::Shown;
use crate::answer::Answer;
use crate::visit::Visit;

#[derive(Template)]
#[template(path = "sample.html")]
struct SamplePage {
    frame: Frame,
    shown: Shown,
}

pub(crate) async fn answer(visit: &Visit<'_>) -> Result<Answer, Answer> {
    let receipt = receipt(now()).await.ok_or_else(Answer::not_found)?;
    let window = visit.tracker().receipts().repeat_window();
    let shown = Shown::new(&receipt, &visit.page.prefix, Vec::new(), None, window);
    Ok(html(StatusCode::OK, &SamplePage { frame: Frame::new(visit), shown }))
}

/// One load: how many seconds ago, by what, as what, and why.
type Load =
    (f64, Fetcher, Option<Provider>, Verdict, &'static [Evidence], Option<(&'static str, &'static str)>);

const SENT: u64 = 3 * 3_600;

/// A scanner at once, Apple's prefetch, something unclear, and two looks by a person.
const LOADS: [Load; 12] = {
    use Evidence::{NetHosting, NetMailGateway, TimeEarly, UaBrowser, UaOutlook};
    use Verdict::{Human, Machine, Uncertain};
    const HOME: Option<(&str, &str)> = Some(("SE", "Link\u{f6}ping"));
    const APPLE: &[Evidence] = &[Evidence::UaBareMozilla];
    const MIMECAST: &[Evidence] = &[NetMailGateway, TimeEarly];
    const fn apple(seconds: f64) -> Load {
        (seconds, Fetcher::AppleMpp, Some(Provider::Apple), Machine, APPLE, None)
    }
    [
        (10_798.0, Fetcher::SecurityScanner, Some(Provider::Mimecast), Machine, MIMECAST, None),
        (10_797.2, Fetcher::SecurityScanner, Some(Provider::Mimecast), Machine, MIMECAST, None),
        (8_160.0, Fetcher::Browser, None, Uncertain, &[UaBrowser, NetHosting], None),
        (5_400.0, Fetcher::OutlookClient, Some(Provider::Microsoft), Human, &[UaOutlook], HOME),
        apple(3_002.0),
        apple(3_001.7),
        apple(3_001.4),
        apple(3_001.0),
        apple(3_000.8),
        apple(3_000.5),
        apple(3_000.1),
        (180.0, Fetcher::Browser, None, Human, &[UaBrowser], HOME),
    ]
};

/// `None` only if the operating system gives no random bytes.
async fn receipt(now: Timestamp) -> Option<Receipt> {
    let id = PingId::from_bytes([0; 16]);
    let before = |seconds: Duration| {
        Timestamp::from_unix_millis(
            now.unix_millis() - i64::try_from(seconds.as_millis()).unwrap_or_default(),
        )
    };
    let basis = Basis::legitimate_interest("proof that the invoice arrived");
    let mut ping = Ping::stored(id, "invoice-42".to_owned(), basis, Status::Live);
    ping.sent_at = before(Duration::from_secs(SENT));
    ping.record_until = Timestamp::from_unix_millis(now.unix_millis() + 30 * 86_400_000);
    (ping.keep_until, ping.detail) = (ping.record_until, Detail::City);
    ping.time_step = mailping_core::pings::TimeStep::Exact;
    ping.asked_by = Some("Example Ltd".to_owned());
    let opens: Vec<Open> = LOADS
        .into_iter()
        .zip(1..)
        .map(|((seconds, fetcher, provider, verdict, evidence, place), number)| {
            let at = before(Duration::from_secs_f64(seconds));
            let mut open = Open::new(id, OpenId::from_bytes([number; 8]), at, fetcher, verdict);
            open.evidence = evidence.iter().copied().collect();
            open.provider = provider;
            open.country = place.and_then(|(country, _)| country.parse().ok());
            open.city = place.and_then(|(_, city)| city.parse().ok());
            open
        })
        .collect();
    let store = MemoryStore::new();
    store.insert_ping(&ping, None).await.ok()?;
    store.record(&opens, &[], Attempt::First).await.ok()?;
    for (kind, seconds) in [(MilestoneKind::Accepted, SENT - 2), (MilestoneKind::Confirmed, 150)] {
        store.reach(&Milestone::new(id, kind, before(Duration::from_secs(seconds)))).await.ok()?;
    }
    let builder = Tracker::builder(Keyring::generate().ok()?, store);
    let tracker = builder.base_url("https://sample.invalid/px").ok()?.build().await.ok()?;
    tracker.receipts().get(id).await.ok()?
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prefix::Prefix;
    use crate::source::Source;

    #[tokio::test]
    async fn places_name_the_database_that_they_come_from() {
        let receipt = receipt(now()).await.unwrap();
        let window = Duration::from_secs(30);
        let shown = |source| Shown::new(&receipt, &Prefix::new("/x"), Vec::new(), source, window).render();
        let named = shown(Source::of(&["DBIP-City-Lite".to_owned()])).unwrap();
        let link = "<a href=\"https://db-ip.com\" rel=\"noreferrer\">IP Geolocation by DB-IP</a>";
        assert!(named.contains(link), "{named}");
        assert!(!shown(None).unwrap().contains("https://"), "nobody asks to be named");
    }

    #[tokio::test]
    async fn the_sample_has_a_bit_of_everything() {
        let receipt = receipt(now()).await.unwrap();
        let sums = &receipt.summary;
        assert_eq!((sums.human_opens, sums.machine_fetches, sums.uncertain_fetches), (2, 2, 1));
        assert_eq!(sums.fetches, LOADS.len() as u64);
        let steps = super::super::steps::steps(sums, now());
        assert!(steps.iter().all(|step| step.reached.is_some()));
        let names: Vec<&str> = steps.iter().map(|step| step.name).collect();
        let (accepted, confirmed) = ("Accepted by the mail server", "Confirmed by the recipient");
        assert_eq!(names, ["Sent", accepted, "First opened", confirmed]);
    }
}
