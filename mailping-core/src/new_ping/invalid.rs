//! The checks of a new ping's fields. An error names the field and never repeats its value.

use crate::text::ParseError;
use crate::{Basis, Timestamp};

const MAX_REASON_BYTES: usize = 2_000;
const MAX_EVIDENCE_BYTES: usize = 200;

pub(super) fn invalid(field: &'static str, problem: &str) -> ParseError {
    ParseError::because(format_args!("{field} {problem}")).in_field(field)
}

pub(super) fn check_text(field: &'static str, value: &str, most: usize) -> Result<(), ParseError> {
    if value.is_empty() || value.len() > most {
        return Err(invalid(field, &format!("must have from 1 to {most} bytes")));
    }
    // A NUL is refused by PostgreSQL, and line breaks have no place in a name.
    if value.chars().any(|c| c.is_control() && !(field == "basis.reason" && matches!(c, '\n' | '\t'))) {
        return Err(invalid(field, "must not have control characters or line breaks"));
    }
    Ok(())
}

pub(super) fn check_basis(basis: &Basis, now: Timestamp) -> Result<(), ParseError> {
    match basis {
        Basis::LegitimateInterest { reason } => check_text("basis.reason", reason, MAX_REASON_BYTES),
        Basis::Consent { given_at, text_version, channel } => {
            check_text("basis.text_version", text_version, MAX_EVIDENCE_BYTES)?;
            check_text("basis.channel", channel, MAX_EVIDENCE_BYTES)?;
            if *given_at <= now {
                return Ok(());
            }
            Err(invalid("basis.given_at", "is in the future: consent comes before the message"))
        }
        Basis::Contract | Basis::LegalObligation => Ok(()),
        Basis::Unknown => Err(invalid("basis", "must be one that this version knows")),
    }
}
