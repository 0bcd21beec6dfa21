//! Why a message may be tracked, as its sender states it. mailping keeps the statement and judges
//! nothing.

mod json;

use serde::{Deserialize as _, Deserializer, Serialize};

use crate::Timestamp;
use crate::named::named;

named! {
    /// Whether a message goes to one person or to many.
    #[derive(Default)]
    pub enum Purpose ("a purpose", else Unknown) {
        /// One message written for one recipient: an invoice, a proposal, a contract.
        #[default]
        OneToOne = 0, "one_to_one";
        /// One of many like it; it must carry consent evidence.
        Bulk = 1, "bulk";
        /// One that a newer version has stored. No ping is made with it.
        Unknown = 255, "unknown";
    }
}

/// The sender's legal basis for tracking this message (GDPR article 6), as stated when the ping was
/// made.
///
/// There is no default: the app must say one. Texts are for documentation; put no personal data
/// into them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[cfg_attr(feature = "utoipa", derive(utoipa::ToSchema))]
#[non_exhaustive]
pub enum Basis {
    /// A legitimate interest, with the written reason (1 to 2,000 bytes).
    LegitimateInterest {
        /// Which interest, and where its assessment is found.
        reason: String,
    },
    /// Consent to tracking, with its evidence: when it was given, to which text, through which
    /// channel.
    Consent {
        /// When it was given. A time in the future is refused.
        given_at: Timestamp,
        /// Which version of the text was agreed to (1 to 200 bytes).
        text_version: String,
        /// Where it was given, such as `signup-form` (1 to 200 bytes).
        channel: String,
    },
    /// Performance of a contract.
    Contract,
    /// A legal obligation.
    LegalObligation,
    /// One that a newer version has stored. No ping is made with it.
    Unknown,
}

impl Basis {
    /// A legitimate interest with its written reason.
    pub fn legitimate_interest(reason: impl Into<String>) -> Self {
        Self::LegitimateInterest { reason: reason.into() }
    }

    /// Consent with its evidence.
    pub fn consent(
        given_at: impl Into<Timestamp>,
        text_version: impl Into<String>,
        channel: impl Into<String>,
    ) -> Self {
        let (given_at, text_version, channel) = (given_at.into(), text_version.into(), channel.into());
        Self::Consent { given_at, text_version, channel }
    }

    /// Reads a basis that a store has kept: one that only a newer version knows is
    /// [`Basis::Unknown`], and only what is no basis at all is an error. From the text of its JSON
    /// it comes by way of a `serde_json::Value`.
    ///
    /// # Errors
    /// Those of the format.
    pub fn from_stored<'de, D: Deserializer<'de>>(stored: D) -> Result<Self, D::Error> {
        Ok(match Stored::deserialize(stored)? {
            Stored::Current(basis) => basis,
            Stored::Newer { .. } => Self::Unknown,
        })
    }
}

#[derive(serde::Deserialize)]
#[serde(untagged)]
enum Stored {
    Current(Basis),
    Newer {
        #[serde(rename = "kind")]
        _kind: String,
    },
}

named! {
    /// The sender's ground under ePrivacy article 5(3), a question apart from the basis.
    pub enum EprivacyGround ("an ePrivacy ground") {
        /// The recipient consented to the pixel.
        Consent = 0, "consent";
        /// Strictly necessary for a service that the recipient asked for.
        StrictlyNecessary = 1, "strictly_necessary";
        /// An exemption of national law.
        NationalExemption = 2, "national_exemption";
        /// The sender holds that the rule does not apply to this message.
        NotApplicable = 3, "not_applicable";
    }
}

named! {
    /// What kind of message it is, in the words of the US CAN-SPAM act (16 CFR 316.3).
    pub enum MessageKind ("a kind of message") {
        /// Its primary purpose is to advertise or promote.
        Commercial = 0, "commercial";
        /// It completes or confirms a transaction that the recipient agreed to.
        Transactional = 1, "transactional";
        /// It informs within a standing relation, such as an account or an employment.
        Relationship = 2, "relationship";
    }
}

impl MessageKind {
    /// Whether CAN-SPAM asks for an unsubscribe link in such a message: in commercial ones, and
    /// one-to-one mail between businesses is no exception. Other laws may ask for more; this is a
    /// reminder, not legal advice.
    #[must_use]
    pub const fn needs_unsubscribe_link(self) -> bool {
        matches!(self, Self::Commercial)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_basis_has_one_json_form() {
        let json = r#"{"kind":"legitimate_interest","reason":"proof of delivery"}"#;
        let basis: Basis = serde_json::from_str(json).unwrap();
        assert_eq!(basis, Basis::legitimate_interest("proof of delivery"));
        assert_eq!(serde_json::to_string(&basis).unwrap(), json);
        let json = r#"{"kind":"consent","given_at":"2026-01-02T03:04:05.000Z","text_version":"v3","channel":"form"}"#;
        let basis: Basis = serde_json::from_str(json).unwrap();
        assert_eq!(serde_json::to_string(&basis).unwrap(), json);
        assert_eq!(serde_json::to_string(&Basis::Contract).unwrap(), r#"{"kind":"contract"}"#);
        let json =
            r#"{"channel":"form","kind":"consent","text_version":"v3","given_at":"2026-01-02T03:04:05Z"}"#;
        assert_eq!(serde_json::from_str::<Basis>(json).unwrap(), basis);
    }

    #[test]
    fn what_is_no_basis_is_refused_without_repeating_it() {
        for json in [
            r#"{"kind":"legitimate_interest","reason":"x","to":"ada@example.com"}"#,
            r#"{"kind":"legitimate_interest","reason":"x","ada@example.com":1}"#,
            r#"{"kind":"ada@example.com"}"#,
            r#"{"kind":"legitimate_interest"}"#,
            r#"{"kind":"contract","reason":"ada@example.com"}"#,
            r#"{"kind":"contract","kind":"contract","x":"ada@example.com"}"#,
            r#"{"kind":"consent","given_at":4242,"text_version":"v3","channel":"form"}"#,
            r#"{"kind":"consent","given_at":"ada@example.com","text_version":"v3","channel":"form"}"#,
            r#"{"kind":"consent","text_version":"v3","channel":"form"}"#,
            r#"{"kind":["ada@example.com"]}"#,
            r#"{"kind":4242}"#,
            r#"{"reason":"ada@example.com"}"#,
            r#"["ada@example.com"]"#,
            r#""ada@example.com""#,
            "4242",
            "true",
            "null",
        ] {
            let error = serde_json::from_str::<Basis>(json).unwrap_err().to_string();
            assert!(error.contains("expected"), "{json}: {error}");
            assert!(!error.contains("ada") && !error.contains("4242"), "{json}: {error}");
        }
        assert!(serde_json::from_str::<Basis>(r#"{"kind":"contract","kind":"contract"}"#).is_err());
    }

    #[test]
    fn a_stored_basis_of_a_newer_version_is_unknown_and_a_damaged_one_is_none() {
        let stored =
            |json: &str| serde_json::from_str::<serde_json::Value>(json).and_then(Basis::from_stored).ok();
        assert_eq!(stored(r#"{"kind":"contract"}"#), Some(Basis::Contract));
        for newer in [
            r#"{"kind":"public_task"}"#,
            r#"{"kind":"contract","number":7}"#,
            r#"{"kind":"consent","given_at":[1]}"#,
            r#"{"kind":"unknown"}"#,
        ] {
            assert_eq!(stored(newer), Some(Basis::Unknown), "{newer}");
            assert!(serde_json::from_str::<Basis>(newer).is_err(), "nobody makes a ping with {newer}");
        }
        for damaged in ["", "{", "{}", r#"{"kind":7}"#, "[]", r#"{"kind":"contract"}x"#] {
            assert_eq!(stored(damaged), None, "{damaged}");
        }
        assert_eq!(serde_json::to_string(&Basis::Unknown).unwrap(), r#"{"kind":"unknown"}"#);
    }

    #[test]
    fn commercial_mail_alone_needs_an_unsubscribe_link() {
        assert!(MessageKind::Commercial.needs_unsubscribe_link());
        assert!(!MessageKind::Transactional.needs_unsubscribe_link());
        assert!(!MessageKind::Relationship.needs_unsubscribe_link());
    }
}
