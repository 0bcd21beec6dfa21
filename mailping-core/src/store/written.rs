//! What became of a batch.

/// Whether some of a batch may be on disk already.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "a batch was tried before or it was not")]
pub enum Attempt {
    /// No call has seen any of its opens before, and no two of them are one: the store need not
    /// look for them.
    First,
    /// An earlier call may have kept some of it, and its answer was lost: a retry, or a batch that
    /// a spool hands on.
    Repeat,
}

/// What became of one open or last day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "an open is kept, here or there, or it is not")]
pub enum Answer {
    /// It is on disk, now or since an earlier call.
    Kept,
    /// It is on this machine's disk, in front of a database that is away:
    /// [`Store::spool`](super::Store::spool) hands it over, and the database may filter it then.
    Spooled,
    /// Its ping records nothing.
    Filtered,
}

/// The answers for a batch, in its order.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Written {
    /// One for each open.
    pub opens: Vec<Answer>,
    /// One for each last day.
    pub last_days: Vec<Answer>,
}

impl Written {
    /// The answers for opens and for last days.
    #[must_use]
    pub const fn new(opens: Vec<Answer>, last_days: Vec<Answer>) -> Self {
        Self { opens, last_days }
    }
}
