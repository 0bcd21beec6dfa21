//! A basis from its JSON. By hand, since serde's own errors repeat unknown names and values of a
//! wrong type, and what stands in the wrong place may be somebody's address.

use std::fmt;

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::Basis;
use crate::Timestamp;
use crate::text::{TextOf, refuse, refuse_values};

impl<'de> Deserialize<'de> for Basis {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let expected = Object(
            "a legal basis: `kind`, one of: legitimate_interest (with `reason`) consent (with `given_at`, `text_version` and \
             `channel`) contract legal_obligation, and nothing else",
        );
        let fields = deserializer.deserialize_any(expected)?;
        Self::from_fields(fields).ok_or_else(|| refuse(&expected))
    }
}

impl Basis {
    fn from_fields(mut fields: Fields) -> Option<Self> {
        let basis = match fields.kind.take()?.as_str() {
            "legitimate_interest" => Self::LegitimateInterest { reason: fields.reason.take()? },
            "consent" => Self::Consent {
                given_at: fields.given_at.take()?,
                text_version: fields.text_version.take()?,
                channel: fields.channel.take()?,
            },
            "contract" => Self::Contract,
            "legal_obligation" => Self::LegalObligation,
            _ => return None,
        };
        fields.are_used_up().then_some(basis)
    }
}

/// All that can stand in a basis.
#[derive(Default, PartialEq)]
struct Fields {
    kind: Option<String>,
    reason: Option<String>,
    given_at: Option<Timestamp>,
    text_version: Option<String>,
    channel: Option<String>,
}

impl Fields {
    fn are_used_up(&self) -> bool {
        *self == Self::default()
    }
}

/// Reads an object of which this is expected.
#[derive(Clone, Copy)]
struct Object(&'static str);

impl<'de> Visitor<'de> for Object {
    type Value = Fields;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Fields, A::Error> {
        let mut fields = Fields::default();
        while let Some(Text(name)) = object.next_key()? {
            let text = match name.as_str() {
                "kind" => &mut fields.kind,
                "reason" => &mut fields.reason,
                "text_version" => &mut fields.text_version,
                "channel" => &mut fields.channel,
                "given_at" if fields.given_at.is_none() => {
                    fields.given_at = Some(object.next_value()?);
                    continue;
                }
                _ => return Err(refuse(&self)),
            };
            let Text(value) = object.next_value()?;
            if text.replace(value).is_some() {
                return Err(refuse(&self));
            }
        }
        Ok(fields)
    }

    refuse_values!(and_text);
}

struct Text(String);

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        TextOf::new("a text").read(deserializer).map(Self)
    }
}
