//! One way to give a small type its text: serde, `Display` and `FromStr` agree, and no error
//! repeats what was read.

use std::fmt;
use std::marker::PhantomData;
use std::str::FromStr;

use serde::Deserializer;
use serde::de::{Error, Expected, Visitor};

/// What was given is not what was expected: a text, or the value of a field or a setting. It says
/// what was expected, and never repeats what was given, which may be personal or secret.
///
/// ```
/// use mailping_core::{PingId, Tracker};
/// # use mailping_core::{Keyring, MemoryStore};
/// let error = "ada@example.com".parse::<PingId>().unwrap_err();
/// assert!(error.to_string().starts_with("expected the id of a ping"));
/// # let builder = Tracker::builder(Keyring::generate().unwrap(), MemoryStore::new());
/// let error = builder.base_url("ftp://app.example").unwrap_err();
/// assert_eq!(error.field(), Some("base_url"));
/// ```
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
#[error("{problem}")]
#[non_exhaustive]
pub struct ParseError {
    problem: Problem,
    field: Option<&'static str>,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
enum Problem {
    #[error("expected {0}")]
    Expected(&'static str),
    #[error("{0}")]
    Said(Box<str>),
}

impl ParseError {
    /// `expected` ends the sentence that begins with this word.
    pub(crate) const fn new(expected: &'static str) -> Self {
        Self { problem: Problem::Expected(expected), field: None }
    }

    /// A whole sentence, which must not repeat what was given.
    pub(crate) fn because(problem: impl fmt::Display) -> Self {
        Self { problem: Problem::Said(problem.to_string().into()), field: None }
    }

    pub(crate) const fn in_field(mut self, field: &'static str) -> Self {
        self.field = Some(field);
        self
    }

    /// Which field or setting is wrong, by its name in JSON or of the builder's method; `None` for
    /// a text alone.
    #[must_use]
    pub const fn field(&self) -> Option<&'static str> {
        self.field
    }
}

/// As a `main` that returns it prints it: what is wrong, and in which field.
impl fmt::Debug for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.field {
            Some(field) => write!(f, "{field}: {self}"),
            None => write!(f, "{self}"),
        }
    }
}

/// `Serialize` as `Display` prints it and `Deserialize` as `FromStr` reads it. The last part is for
/// the schema: what the text has to look like, or the list of all that it can be.
macro_rules! text {
    ($name:ident, expected: $expected:expr, $kind:ident: $form:expr) => {
        impl ::serde::Serialize for $name {
            fn serialize<S: ::serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> ::serde::Deserialize<'de> for $name {
            fn deserialize<D: ::serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                $crate::text::TextOf::new($expected).read(deserializer)
            }
        }

        #[cfg(feature = "utoipa")]
        impl ::utoipa::PartialSchema for $name {
            fn schema() -> ::utoipa::openapi::RefOr<::utoipa::openapi::Schema> {
                $crate::schema::$kind($expected, $form)
            }
        }

        #[cfg(feature = "utoipa")]
        impl ::utoipa::ToSchema for $name {}
    };
}

pub(crate) use text;

/// The methods of a visitor for values of a wrong type: serde's own ones repeat the value in the
/// error.
macro_rules! refuse_values {
    () => {
        $crate::text::refuse_values! {
            visit_bool: bool, visit_i64: i64, visit_i128: i128, visit_u64: u64, visit_u128: u128, visit_f64: f64,
        }
    };
    (and_text) => {
        $crate::text::refuse_values!();
        $crate::text::refuse_values! { visit_str: &str, }
    };
    ($( $method:ident: $type:ty, )+) => {
        $(
            fn $method<E: ::serde::de::Error>(self, _: $type) -> Result<Self::Value, E> {
                Err($crate::text::refuse(&self))
            }
        )+
    };
}

pub(crate) use refuse_values;

pub(crate) fn refuse<E: Error>(expected: &dyn Expected) -> E {
    E::custom(format_args!("expected {expected}"))
}

/// Reads a `T` from its text.
pub(crate) struct TextOf<T> {
    expected: &'static str,
    of: PhantomData<T>,
}

impl<T> TextOf<T> {
    pub(crate) const fn new(expected: &'static str) -> Self {
        Self { expected, of: PhantomData }
    }
}

impl<T: FromStr> TextOf<T> {
    /// Formats such as JSON are asked for whatever there is: asked for a text, they repeat what
    /// there is instead.
    pub(crate) fn read<'de, D: Deserializer<'de>>(self, deserializer: D) -> Result<T, D::Error> {
        if deserializer.is_human_readable() {
            deserializer.deserialize_any(self)
        } else {
            deserializer.deserialize_str(self)
        }
    }
}

impl<T: FromStr> Visitor<'_> for TextOf<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.expected)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
        text.parse().map_err(|_| refuse(&self))
    }

    refuse_values!();
}

/// So many lower- or upper-case hexadecimal digits, without a sign.
pub(crate) fn hex<const DIGITS: usize>(text: &str) -> Option<u64> {
    let digits = text.len() == DIGITS && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    digits.then(|| u64::from_str_radix(text, 16).ok()).flatten()
}

/// A decimal number as it is printed: without a sign and without leading zeros.
pub(crate) fn decimal(text: &str) -> Option<u64> {
    let number: u64 = text.parse().ok()?;
    let canonical = text.bytes().all(|byte| byte.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    canonical.then_some(number)
}

#[cfg(test)]
mod tests;
