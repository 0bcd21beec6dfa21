//! What the time since sending hints at. It lowers certainty and proves nothing.

use std::time::Duration;

use super::Evidence;

/// How long after sending a fetch counts as early.
pub(super) const DEFAULT_EARLY_WINDOW: Duration = Duration::from_secs(30);

/// When the fetch came, counted from the ping's sent time, or from the time at which the
/// recipient's mail server took the message, if that is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SinceSent {
    /// Before the message was sent.
    Before,
    /// After that, and before the recipient's mail server took it.
    BeforeAccepted,
    /// So long after it.
    After(Duration),
}

impl SinceSent {
    pub(super) fn hint(self, early_window: Duration) -> Option<Evidence> {
        match self {
            Self::Before => Some(Evidence::TimeBeforeSent),
            Self::BeforeAccepted => Some(Evidence::TimeBeforeAccepted),
            Self::After(elapsed) => (elapsed < early_window).then_some(Evidence::TimeEarly),
        }
    }
}
