//! Whether a batch comes for the first time.

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
