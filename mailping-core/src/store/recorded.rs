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
