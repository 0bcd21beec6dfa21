//! The one error of the app's side: what an app does about it depends on whether its own input was
//! wrong or the store failed.

use std::fmt;

#[cfg(feature = "tracker")]
use crate::store::StoreError;
use crate::text::ParseError;

/// Why a tracker was not built or did not do what it was asked. It never repeats what was given:
/// that may be personal.
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
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A field, a setting or a text is wrong.
    #[error(transparent)]
    Invalid(#[from] ParseError),
    /// The store did not do it.
    #[cfg(feature = "tracker")]
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The open of a hit is lost; [`Health::dropped`](crate::intake::Health::dropped) counts it by
    /// this reason.
    #[error("{reason}")]
    Lost {
        /// Why, such as a full queue.
        reason: &'static str,
    },
    /// The operating system gave no random bytes.
    #[error("the operating system provided no random bytes")]
    NoRandom,
    /// The log of what is sealed cannot be continued or used as it is.
    #[error("the log is not continued: {problem}")]
    Log {
        /// Why, and what to do.
        problem: &'static str,
    },
    /// A file of places, of network numbers or of the log's last head is missing, damaged or
    /// another one.
    #[error(transparent)]
    File(Box<dyn std::error::Error + Send + Sync>),
}

impl Error {
    /// Whether the input was wrong: the same call fails again.
    #[must_use]
    pub const fn is_invalid(&self) -> bool {
        matches!(self, Self::Invalid(_))
    }

    /// The field or setting that is wrong, by its name in JSON or of the builder's method.
    #[must_use]
    pub const fn field(&self) -> Option<&'static str> {
        match self {
            Self::Invalid(error) => error.field(),
            _ => None,
        }
    }
}

/// As a `main` that returns it prints it: what is wrong, with its causes.
impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Invalid(error) => fmt::Debug::fmt(error, f),
            error => f.write_str(&with_sources(error)),
        }
    }
}

/// An error and all that caused it, in one line. One that repeats its source is not repeated.
pub(crate) fn with_sources(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        let cause = error.to_string();
        if !text.ends_with(&cause) {
            text.push_str(": ");
            text.push_str(&cause);
        }
        source = error.source();
    }
    text
}

#[cfg(feature = "tracker")]
impl Error {
    /// Whether the same call may succeed later: the database did not answer, or the operating
    /// system gave no random bytes.
    #[must_use]
    pub const fn is_unavailable(&self) -> bool {
        matches!(self, Self::NoRandom | Self::Store(StoreError::Unavailable { .. }))
    }

    /// Whether a mark is not one of this database: begin with a new one.
    #[must_use]
    pub const fn is_unknown_mark(&self) -> bool {
        matches!(self, Self::Store(StoreError::UnknownMark))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_says_whether_to_change_the_input_or_to_try_again() {
        let down = Error::from(StoreError::unavailable("down"));
        assert_eq!((down.is_invalid(), down.is_unavailable(), down.field()), (false, true, None));
        let random = Error::NoRandom;
        assert_eq!((random.is_invalid(), random.is_unavailable(), random.field()), (false, true, None));
        let wrong = Error::from(ParseError::because("too short").in_field("keep_for"));
        assert_eq!(
            (wrong.is_invalid(), wrong.is_unavailable(), wrong.field()),
            (true, false, Some("keep_for"))
        );
        let lost = Error::Lost { reason: "the queue is full" };
        assert_eq!((lost.is_invalid(), lost.is_unavailable(), lost.field()), (false, false, None));
        let mark = Error::from(StoreError::UnknownMark);
        assert_eq!((mark.is_unknown_mark(), mark.is_unavailable()), (true, false));
        for (error, printed) in [
            (&down, "the store could not do this: down"),
            (&random, "the operating system provided no random bytes"),
            (&wrong, "keep_for: too short"),
            (&lost, "the queue is full"),
        ] {
            assert_eq!(format!("{error:?}"), printed, "what a main that returns it prints");
        }
        assert!(!format!("{down} {random} {wrong} {lost} {mark}").is_empty());
    }
}
