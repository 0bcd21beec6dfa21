//! What a hit comes to.

/// What became of a hit: a store answers with the first three for each open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Recorded {
    /// The open is in the database, now or since an earlier call, and survives `kill -9` and power
    /// loss. [`Health::copies`](crate::intake::Health::copies) says on how many machines' disks.
    Durable,
    /// The open is on this machine's disk, in front of a database that is away, and survives
    /// `kill -9` and power loss of this machine. It is handed over when the database is back.
    Spooled,
    /// Nothing is kept of it: the token is not ours, or the ping records no opens, or a limit or
    /// signal forbids it. What was spooled may still be filtered when it is handed over.
    Filtered,
    /// The deadline passed first. The open stays queued and is written when the store answers.
    Late,
}

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
