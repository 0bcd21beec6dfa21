//! The tracker's health as Prometheus reads it.

use http::StatusCode;
use mailping_core::intake::Health;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use crate::answer::Answer;

type Seconds = Gauge<f64, std::sync::atomic::AtomicU64>;

pub(crate) fn answer(health: &Health) -> Answer {
    let mut registry = Registry::with_prefix("mailping");
    let mut gauge = |name: &str, help: &str, value: f64| {
        let gauge = Seconds::default();
        gauge.set(value);
        registry.register(name, help, gauge);
    };
    let seconds = |age: Option<std::time::Duration>| age.map_or(0.0, |age| age.as_secs_f64());
    gauge("queue_depth", "Opens that wait in memory", health.queue_depth as f64);
    gauge("queue_capacity", "The most that may wait", health.queue_capacity as f64);
    gauge("oldest_waiting_seconds", "How long the oldest of them has waited", seconds(health.oldest_waiting));
    let spool = health.spool.unwrap_or_default();
    gauge("spool_waiting", "Opens on disk that wait for the database", spool.waiting as f64);
    gauge("spool_oldest_seconds", "How long the oldest of them has waited", seconds(spool.oldest));
    gauge("spool_unreadable", "Places in the spool that cannot be read", spool.unreadable as f64);
    gauge("spool_set_aside", "Opens in the spool that wait for a person", spool.set_aside as f64);
    gauge("spool_newer", "Records in the spool that wait for a newer version", spool.newer as f64);
    gauge("copies", "On how many machines' disks a durable open is", health.copies as f64);
    let sealing = health.sealing.unwrap_or_default();
    gauge("sealing_failing", "1 while nothing is sealed", f64::from(u8::from(sealing.failing)));
    let passed_over = sealing.passed_over as f64;
    gauge("sealing_passed_over", "Damaged pings that are left out of the seals", passed_over);
    let unanswered = seconds(sealing.outside_unanswered);
    gauge("sealing_outside_unanswered_seconds", "How long an outside party has not answered", unanswered);
    let passed_over = health.purge_passed_over as f64;
    gauge("purge_passed_over", "Damaged rows that are due and cannot be purged", passed_over);
    gauge("store_failing", "1 while the store refuses batches", f64::from(u8::from(health.store_failing)));
    for (name, help, value) in [
        ("durable", "Hits whose open is in the database", health.durable),
        ("spooled", "Hits whose open is on disk in front of the database", health.spooled),
        ("filtered", "Hits whose ping records no opens", health.filtered),
        ("late", "Hits answered at the deadline", health.late),
        ("spool_filtered", "Opens of the spool whose ping records no opens", spool.filtered),
        ("no_peer_address", "Hits whose peer has no address", health.no_peer_address),
        ("stray_links", "Links of ours below another path than the mount's", health.stray_links),
        ("geo_errors", "Look-ups of a place that failed", health.geo_errors),
        (
            "forwarding_ignored",
            "Hits with a forwarding header that is not trusted",
            health.forwarding_ignored,
        ),
        ("purged_pings", "Pings that were purged", health.purged_pings),
        ("purged_opens", "Opens that were purged", health.purged_opens),
    ] {
        let counter: Counter = Counter::default();
        counter.inc_by(value);
        registry.register(name, help, counter);
    }
    let dropped = Family::<[(&str, &str); 1], Counter>::default();
    for (reason, value) in [
        ("bad_token", health.dropped.bad_token),
        ("no_thread", health.dropped.no_thread),
        ("detail", health.dropped.detail),
        ("signal", health.dropped.signal),
        ("hit_limit", health.dropped.hit_limit),
        ("queue_full", health.dropped.queue_full),
        ("damaged", health.dropped.damaged),
        ("closed", health.dropped.closed),
        ("no_random", health.dropped.no_random),
    ] {
        dropped.get_or_create(&[("reason", reason)]).inc_by(value);
    }
    registry.register("dropped", "Hits of which nothing is kept, by reason", dropped);
    let mut text = String::new();
    match encode(&mut text, &registry) {
        Ok(()) => {
            Answer::new(StatusCode::OK, "application/openmetrics-text; version=1.0.0; charset=utf-8", text)
        }
        Err(_) => Answer::error(StatusCode::INTERNAL_SERVER_ERROR, "internal", None, "no text was made"),
    }
}

#[cfg(test)]
mod tests {
    use mailping_core::{Keyring, MemoryStore, Tracker};

    use super::*;

    #[tokio::test]
    async fn every_number_of_health_is_a_metric() {
        let tracker = Tracker::builder(Keyring::generate().unwrap(), MemoryStore::new());
        let tracker = tracker.base_url("https://app.example/px").unwrap().build();
        let health = tracker.await.unwrap().intake().health();
        let answer = answer(&health);
        let text = {
            let crate::answer::Body::Whole(body) = &answer.body else { panic!("a text is one piece") };
            std::str::from_utf8(body).unwrap()
        };
        let names = serde_json::to_value(health).unwrap();
        let has = |name: &str| assert!(text.contains(name), "{name} is missing in:\n{text}");
        for name in names.as_object().unwrap().keys() {
            match name.as_str() {
                "spool" => ["waiting", "oldest_seconds", "unreadable", "newer", "set_aside", "filtered"]
                    .iter()
                    .for_each(|field| has(&format!("mailping_spool_{field}"))),
                "sealing" => ["failing", "passed_over", "outside_unanswered_seconds"]
                    .iter()
                    .for_each(|field| has(&format!("mailping_sealing_{field}"))),
                "oldest_waiting_s" => has("mailping_oldest_waiting_seconds "),
                "dropped" => names["dropped"].as_object().unwrap().keys().for_each(|reason| {
                    has(&format!("mailping_dropped_total{{reason=\"{reason}\"}} "));
                }),
                name => has(&format!("\nmailping_{name}")),
            }
        }
    }
}
