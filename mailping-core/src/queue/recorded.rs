//! What a hit comes to.

/// What became of a hit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Recorded {
    /// The open is in the database and survives `kill -9` and power loss.
    Durable,
    /// The open is on this machine's disk, in front of a database that is away, and survives
    /// `kill -9` and power loss of this machine. It is handed over when the database is back.
    Spooled,
    /// Nothing is kept of it: the token is not ours, or the ping records no opens, or a limit or
    /// signal forbids it.
    Filtered,
    /// The deadline passed first. The open stays queued and is written when the store answers.
    Late,
}

/// The queue is full or closed: this open is lost, and counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RecordError {
    /// The store has not kept up and the queue holds as many opens as it may.
    #[error("the queue of opens is full: the store cannot keep up")]
    QueueFull,
    /// The database is damaged where this open belongs, or refuses it. Others are kept.
    #[error("the database is damaged, or refuses this open")]
    Damaged,
    /// The tracker was closed.
    #[error("the tracker is closed")]
    Closed,
    /// The operating system gave no random bytes for the open's id.
    #[error("the operating system provided no random bytes")]
    NoRandom,
    /// The operating system gave no thread to write opens with. The next hit tries again.
    #[error("the operating system could not start a thread")]
    NoThread,
}
