//! How long opens are recorded and kept, unless the app says otherwise, and at most.

use std::time::Duration;

use super::invalid::invalid;
use crate::text::ParseError;

pub(super) const DAY: Duration = Duration::from_secs(86_400);
/// How long opens are recorded unless you say otherwise.
pub(super) const DEFAULT_RECORD_FOR: Duration = DAY.saturating_mul(30);
/// How long a ping and its opens are kept unless you say otherwise.
pub(super) const DEFAULT_KEEP_FOR: Duration = DAY.saturating_mul(90);
/// The longest that opens may be recorded or kept: there is no infinite time.
const MAX_LIFETIME: Duration = DAY.saturating_mul(5 * 366);

pub(super) fn check_lifetime(field: &'static str, duration: Duration) -> Result<(), ParseError> {
    if duration < Duration::from_secs(1) || duration > MAX_LIFETIME {
        return Err(invalid(field, "must be from one second to five years"));
    }
    Ok(())
}
