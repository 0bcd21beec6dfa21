//! Why a ping is refused, and the checks of its fields that say so. An error names the field and
//! never repeats its value.

use std::time::Duration;

use super::DAY;
use crate::recipient::RecipientError;
use crate::{Basis, Timestamp};

const REASON_BYTES: usize = 2_000;
const EVIDENCE_BYTES: usize = 200;
/// The longest that opens may be recorded or kept: there is no infinite time.
const MAX_LIFETIME: Duration = DAY.saturating_mul(5 * 366);

/// Why a ping was refused. It names the field and never repeats its value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidPing {
    /// A text is empty or too long.
    #[error("{field} must have from 1 to {most} bytes")]
    Length {
        /// Which field.
        field: &'static str,
        /// The most bytes it may have.
        most: usize,
    },
    /// A text has control characters.
    #[error("{field} must not have control characters or line breaks")]
    Control {
        /// Which field.
        field: &'static str,
    },
    /// The recipient is no address.
    #[error("recipient is not a valid address")]
    Recipient {
        /// Why.
        source: RecipientError,
    },
    /// A lifetime is under a second or over five years.
    #[error("{field} must be from one second to five years")]
    Lifetime {
        /// Which field.
        field: &'static str,
    },
    /// The ping would be gone while opens are still recorded.
    #[error("keep_for must not be shorter than record_for")]
    KeptTooShort,
    /// The basis is one that only a newer version has given.
    #[error("basis must be one that this version knows")]
    UnknownBasis,
    /// A consent was given in the future.
    #[error("basis.given_at is in the future: consent comes before the message")]
    ConsentInFuture,
    /// The sent time is more than a year ahead.
    #[error("sent_at must not be more than a year ahead")]
    SentTooFarAhead,
    /// The operating system gave no random bytes for the id.
    #[error("the operating system provided no random bytes")]
    NoRandom,
}

impl InvalidPing {
    /// The field that is wrong, by its name in JSON.
    #[must_use]
    pub fn field(&self) -> Option<&'static str> {
        match self {
            Self::Length { field, .. } | Self::Control { field } | Self::Lifetime { field } => Some(field),
            Self::Recipient { .. } => Some("recipient"),
            Self::KeptTooShort => Some("keep_for"),
            Self::UnknownBasis => Some("basis"),
            Self::ConsentInFuture => Some("basis.given_at"),
            Self::SentTooFarAhead => Some("sent_at"),
            Self::NoRandom => None,
        }
    }
}

pub(super) fn check_text(field: &'static str, value: &str, most: usize) -> Result<(), InvalidPing> {
    if value.is_empty() || value.len() > most {
        return Err(InvalidPing::Length { field, most });
    }
    // A NUL is refused by PostgreSQL, and line breaks have no place in a name.
    if value.chars().any(|c| c.is_control() && !(field == "basis.reason" && matches!(c, '\n' | '\t'))) {
        return Err(InvalidPing::Control { field });
    }
    Ok(())
}

pub(super) fn check_basis(basis: &Basis, now: Timestamp) -> Result<(), InvalidPing> {
    match basis {
        Basis::LegitimateInterest { reason } => check_text("basis.reason", reason, REASON_BYTES),
        Basis::Consent(consent) => {
            check_text("basis.text_version", &consent.text_version, EVIDENCE_BYTES)?;
            check_text("basis.channel", &consent.channel, EVIDENCE_BYTES)?;
            if consent.given_at > now { Err(InvalidPing::ConsentInFuture) } else { Ok(()) }
        }
        Basis::Contract | Basis::LegalObligation => Ok(()),
        Basis::Unknown => Err(InvalidPing::UnknownBasis),
    }
}

pub(super) fn check_lifetime(field: &'static str, duration: Duration) -> Result<(), InvalidPing> {
    if duration < Duration::from_secs(1) || duration > MAX_LIFETIME {
        return Err(InvalidPing::Lifetime { field });
    }
    Ok(())
}
