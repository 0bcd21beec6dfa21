//! How far an objection goes.

use crate::named::named;

named! {
    /// How far a recipient's objection goes. A wider one is never narrowed by a later one.
    pub enum ObjectionScope ("the scope of an objection", else Everything) {
        /// To being tracked: no opens. What the recipient confirms by a deliberate act, and what
        /// mail servers tell, is kept.
        Opens = 0, "opens";
        /// To everything: no opens, no confirmation, nothing that mail servers tell.
        Everything = 1, "everything";
    }
}

impl ObjectionScope {
    /// What becomes of a new ping whose recipient has objected so far.
    #[must_use]
    pub const fn status_of_new(self) -> crate::Status {
        match self {
            Self::Opens => crate::Status::Untracked,
            Self::Everything => crate::Status::Closed,
        }
    }
}
