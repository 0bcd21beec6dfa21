//! The one error of the doors: what an app does about it depends on whether its own input was wrong
//! or the store failed.

use crate::new_ping::InvalidPing;
use crate::recipient::RecipientError;
use crate::store::StoreError;

/// Why a tracker did not do what it was asked. It never repeats what was given: that may be
/// personal.
///
/// ```
/// # use mailping_core::{Error, NewPing, Tracker};
/// # async fn send(tracker: &Tracker, new: NewPing) -> Result<(), String> {
/// match tracker.pings().create(new).await {
///     Ok(ping) => println!("{}", ping.img_tag()),
///     Err(error) if error.is_invalid() => return Err(format!("{:?}: {error}", error.field())),
///     Err(error) if error.is_unavailable() => return Err("try again".to_owned()),
///     Err(error) => return Err(error.to_string()),
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A field of the ping is wrong.
    #[error(transparent)]
    Ping(#[from] InvalidPing),
    /// The recipient's address is none.
    #[error(transparent)]
    Recipient(#[from] RecipientError),
    /// The store did not do it.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Error {
    /// Whether the input was wrong: the same call fails again.
    #[must_use]
    pub const fn is_invalid(&self) -> bool {
        match self {
            Self::Ping(invalid) => !matches!(invalid, InvalidPing::NoRandom),
            Self::Recipient(_) => true,
            Self::Store(_) => false,
        }
    }

    /// Whether the same call may succeed later: the database did not answer, or the operating
    /// system gave no random bytes.
    #[must_use]
    pub const fn is_unavailable(&self) -> bool {
        matches!(self, Self::Ping(InvalidPing::NoRandom) | Self::Store(StoreError::Unavailable { .. }))
    }

    /// Whether a mark is not one of this database: begin with a new one.
    #[must_use]
    pub const fn is_unknown_mark(&self) -> bool {
        matches!(self, Self::Store(StoreError::UnknownMark))
    }

    /// The field that is wrong, by its name in JSON.
    #[must_use]
    pub fn field(&self) -> Option<&'static str> {
        match self {
            Self::Ping(invalid) => invalid.field(),
            Self::Recipient(_) => Some("recipient"),
            Self::Store(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_says_whether_to_change_the_input_or_to_try_again() {
        let down = Error::from(StoreError::unavailable("down"));
        assert_eq!((down.is_invalid(), down.is_unavailable(), down.field()), (false, true, None));
        let random = Error::from(InvalidPing::NoRandom);
        assert_eq!((random.is_invalid(), random.is_unavailable(), random.field()), (false, true, None));
        let wrong = Error::from(InvalidPing::KeptTooShort);
        assert_eq!(
            (wrong.is_invalid(), wrong.is_unavailable(), wrong.field()),
            (true, false, Some("keep_for"))
        );
        let mark = Error::from(StoreError::UnknownMark);
        assert_eq!((mark.is_unknown_mark(), mark.is_unavailable()), (true, false));
        assert!(!format!("{down} {random} {wrong} {mark}").is_empty());
    }
}
