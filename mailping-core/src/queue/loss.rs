//! Why an open is lost, and counted.

use crate::Error;

/// Why an open is lost: each reason has a counter of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Loss {
    /// The store has not kept up and the queue holds as many opens as it may.
    QueueFull,
    /// The database is damaged where this open belongs, or refuses it. Others are kept.
    Damaged,
    /// The tracker was closed.
    Closed,
    /// The operating system gave no random bytes for the open's id.
    NoRandom,
    /// The operating system gave no thread to write opens with. The next hit tries again.
    NoThread,
}

impl Loss {
    pub(crate) const fn reason(self) -> &'static str {
        match self {
            Self::QueueFull => "the queue of opens is full: the store cannot keep up",
            Self::Damaged => "the database is damaged, or refuses this open",
            Self::Closed => "the tracker is closed",
            Self::NoRandom => "the operating system provided no random bytes",
            Self::NoThread => "the operating system could not start a thread",
        }
    }
}

impl From<Loss> for Error {
    fn from(loss: Loss) -> Self {
        Self::Lost { reason: loss.reason() }
    }
}
