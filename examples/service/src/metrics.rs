//! The tracker's health as Prometheus reads it.

use http::StatusCode;
use mailping_core::intake::Health;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use crate::call::Answer;

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
    gauge("oldest_waiting_seconds", "How long the oldest of them has waited", seconds(health.oldest_waiting));
    let spool = health.spool.unwrap_or_default();
    gauge("spool_waiting", "Opens on disk that wait for the database", spool.waiting as f64);
    gauge("spool_oldest_seconds", "How long the oldest of them has waited", seconds(spool.oldest));
    gauge("spool_unreadable", "Places in the spool that cannot be read", spool.unreadable as f64);
    gauge("spool_set_aside", "Opens in the spool that wait for a person", spool.set_aside as f64);
    gauge("spool_newer", "Records in the spool that wait for a newer version", spool.newer as f64);
    gauge("store_failing", "1 while the store refuses batches", f64::from(u8::from(health.store_failing)));
    for (name, help, value) in [
        ("durable", "Hits whose open is in the database", health.durable),
        ("spooled", "Hits whose open is on disk in front of the database", health.spooled),
        ("filtered", "Hits whose ping records no opens", health.filtered),
        ("late", "Hits answered at the deadline", health.late),
    ] {
        let counter: Counter = Counter::default();
        counter.inc_by(value);
        registry.register(name, help, counter);
    }
    let dropped = Family::<[(&str, &str); 1], Counter>::default();
    for (reason, value) in [
        ("bad_token", health.dropped.bad_token),
        ("detail", health.dropped.detail),
        ("signal", health.dropped.signal),
        ("hit_limit", health.dropped.hit_limit),
        ("queue_full", health.dropped.queue_full),
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
