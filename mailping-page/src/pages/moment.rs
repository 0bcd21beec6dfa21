//! Times as people read them: how long ago, and in UTC, from which a script makes local time.

use std::time::{Duration, SystemTime};

use mailping_core::Timestamp;
use mailping_core::pings::TimeStep;
use mailping_core::receipts::StepTime;

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// A time to show, at the step that it is kept in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Moment {
    /// For programs, such as `2026-11-27T10:02:03.000Z`.
    pub(crate) machine: String,
    /// `3 minutes ago`, `on 27 November 2026`.
    pub(crate) ago: String,
    /// `27 November 2026, 10:02 UTC`.
    pub(crate) utc: String,
    /// The same with seconds.
    pub(crate) exact: String,
    /// Whether a script may show it in local time and count on: not a day or an hour, which are
    /// those of UTC.
    pub(crate) is_exact: bool,
}

impl Moment {
    pub(crate) fn new(time: StepTime, now: Timestamp) -> Self {
        let is_exact = time.step() == TimeStep::Exact;
        let start = time.start().to_string();
        let (date, clock) = (day(&start), |to| start.get(11..to).unwrap_or_default());
        let (utc, exact) = match time.step() {
            TimeStep::Day => (format!("{date} (UTC)"), format!("{date} (UTC)")),
            TimeStep::Hour => {
                let hour = format!("{date}, in the hour from {} UTC", clock(16));
                (hour.clone(), hour)
            }
            _ => (format!("{date}, {} UTC", clock(16)), format!("{date}, {} UTC", clock(19))),
        };
        let ago = match time.step() {
            TimeStep::Day => format!("on {date}"),
            TimeStep::Hour => format!("on {date} after {} UTC", clock(16)),
            _ => now.since(time.start()).and_then(ago).unwrap_or_else(|| format!("on {date}")),
        };
        Self { machine: time.to_string(), ago, utc, exact, is_exact }
    }

    pub(crate) fn exact(time: Timestamp, now: Timestamp) -> Self {
        Self::new(time.into(), now)
    }
}

/// Now, to count from.
pub(crate) fn now() -> Timestamp {
    SystemTime::now().into()
}

/// `None` if it is so long ago that the date says more. The script has the same steps.
fn ago(elapsed: Duration) -> Option<String> {
    let seconds = elapsed.as_secs();
    let (number, unit) = match seconds {
        0..45 => return Some("just now".to_owned()),
        45..3_570 => ((seconds + 30) / MINUTE, "minute"),
        3_570..84_600 => ((seconds + 1_800) / HOUR, "hour"),
        84_600..2_592_000 => ((seconds + 43_200) / DAY, "day"),
        _ => return None,
    };
    let s = if number == 1 { "" } else { "s" };
    Some(format!("{number} {unit}{s} ago"))
}

/// `27 November 2026` of `2026-11-27T...`.
fn day(time: &str) -> String {
    const MONTHS: [&str; 12] = [
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ];
    let part = |from, to| time.get(from..to).unwrap_or_default();
    let month = part(5, 7).parse::<usize>().ok().and_then(|month| MONTHS.get(month.checked_sub(1)?));
    format!("{} {} {}", part(8, 10).trim_start_matches('0'), month.copied().unwrap_or_default(), part(0, 4))
}

/// How long something took, in a few letters: `2 s`, `5 min`.
pub(crate) fn span(from: Timestamp, to: Timestamp) -> String {
    let millis = to.since(from).map_or(0, |span| span.as_millis());
    match millis {
        0..1_000 => "less than a second".to_owned(),
        1_000..120_000 => format!("{} s", millis.div_ceil(1_000)),
        _ => format!("{} min", millis.div_ceil(60_000)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_long_ago_is_said_in_the_largest_unit() {
        for (seconds, expected) in [
            (0, Some("just now")),
            (44, Some("just now")),
            (45, Some("1 minute ago")),
            (89, Some("1 minute ago")),
            (90, Some("2 minutes ago")),
            (3_569, Some("59 minutes ago")),
            (3_570, Some("1 hour ago")),
            (84_599, Some("23 hours ago")),
            (84_600, Some("1 day ago")),
            (129_600, Some("2 days ago")),
            (2_591_999, Some("30 days ago")),
            (2_592_000, None),
        ] {
            assert_eq!(ago(Duration::from_secs(seconds)).as_deref(), expected, "{seconds}");
        }
    }

    #[test]
    fn a_moment_says_no_more_than_is_kept() {
        let time: Timestamp = "2026-03-07T10:02:03.5Z".parse().unwrap();
        let now: Timestamp = "2026-03-07T10:05:00Z".parse().unwrap();
        let shown = |step| {
            let moment = Moment::new(StepTime::new(time, step), now);
            (moment.machine, moment.ago, moment.utc, moment.exact)
        };
        let own = |texts: [&str; 4]| {
            let [machine, ago, utc, exact] = texts.map(str::to_owned);
            (machine, ago, utc, exact)
        };
        assert_eq!(
            shown(TimeStep::Exact),
            own([
                "2026-03-07T10:02:03.500Z",
                "3 minutes ago",
                "7 March 2026, 10:02 UTC",
                "7 March 2026, 10:02:03 UTC"
            ])
        );
        let hour = "7 March 2026, in the hour from 10:00 UTC";
        assert_eq!(
            shown(TimeStep::Hour),
            own(["2026-03-07T10:00Z", "on 7 March 2026 after 10:00 UTC", hour, hour])
        );
        let day = "7 March 2026 (UTC)";
        assert_eq!(shown(TimeStep::Day), own(["2026-03-07", "on 7 March 2026", day, day]));
        let ahead = Moment::exact(now, time);
        assert_eq!(ahead.ago, "on 7 March 2026", "a clock that is behind");
    }

    #[test]
    fn a_span_is_rounded_up() {
        let at = Timestamp::from_unix_millis;
        assert_eq!(span(at(0), at(999)), "less than a second");
        assert_eq!(span(at(0), at(1_400)), "2 s");
        assert_eq!(span(at(0), at(121_000)), "3 min");
    }
}
