//! A place as it is kept: a country code and a city's name, both checked, so that no database,
//! store or header can put anything else there.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::Serialize;

use super::city_name::without_district;
use super::iso_3166::is_country;
use crate::text::{ParseError, text};

/// Where a network is, as far as a database knows.
///
/// The country prints as its code: names of countries differ by language and by state, and an app
/// has its own.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize)]
#[cfg_attr(feature = "utoipa", derive(utoipa::ToSchema))]
#[non_exhaustive]
pub struct Place {
    /// The country.
    pub country: Option<Country>,
    /// The city.
    pub city: Option<City>,
}

impl Place {
    /// A place of what is known.
    #[must_use]
    pub const fn new(country: Option<Country>, city: Option<City>) -> Self {
        Self { country, city }
    }

    /// Whether neither country nor city is known.
    #[must_use]
    pub const fn is_unknown(&self) -> bool {
        self.country.is_none() && self.city.is_none()
    }

    /// Takes in what is known of `other` if both can be one place. If not, `false`, and nothing
    /// changes.
    ///
    /// Unknown is not different: a place of which only the country is known may be the other's
    /// city.
    pub fn join(&mut self, other: &Self) -> bool {
        let joins = !self.differs(other);
        if joins {
            self.country = self.country.or(other.country);
            self.city = self.city.take().or_else(|| other.city.clone());
        }
        joins
    }

    pub(crate) fn differs(&self, other: &Self) -> bool {
        fn differ<T: PartialEq>(one: Option<&T>, other: Option<&T>) -> bool {
            one.zip(other).is_some_and(|(one, other)| one != other)
        }
        differ(self.country.as_ref(), other.country.as_ref())
            || differ(self.city.as_ref(), other.city.as_ref())
    }
}

/// Prints `Lisbon, PT`, `PT`, `Lisbon` or `unknown place`.
impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.city, &self.country) {
            (Some(city), Some(country)) => write!(f, "{city}, {country}"),
            (Some(city), None) => city.fmt(f),
            (None, Some(country)) => country.fmt(f),
            (None, None) => f.write_str("unknown place"),
        }
    }
}

/// A country's code: two upper-case ASCII letters that ISO 3166-1 assigns, or `XK` (Kosovo), which
/// is in use without being in the standard. `ZZ`, `XX`, `AP` or `EU` are no country.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Country([u8; 2]);

impl Country {
    /// The two letters.
    #[must_use]
    pub fn as_str(&self) -> &str {
        // Always ASCII: `from_str` is the one way in.
        std::str::from_utf8(&self.0).unwrap_or("")
    }
}

impl fmt::Display for Country {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Country {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Country({self})")
    }
}

/// Takes an assigned code; lower case is raised.
impl FromStr for Country {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let code: [u8; 2] = text.as_bytes().try_into().map_err(|_| ParseError::new(COUNTRY))?;
        let code = code.map(|letter| letter.to_ascii_uppercase());
        if is_country(code) { Ok(Self(code)) } else { Err(ParseError::new(COUNTRY)) }
    }
}

text!(Country, expected: COUNTRY, pattern: "^[A-Z]{2}$");

/// A city's name: at most [`City::MAX_BYTES`] bytes, without control characters, not empty. Cheap
/// to clone.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct City(Arc<str>);

impl City {
    /// The longest name that is kept, in bytes of UTF-8.
    pub const MAX_BYTES: usize = 128;

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Makes a name of what a database says: a district, street or base in brackets cut (`Berlin
    /// (Bezirk Mitte)`, not `Frankfurt (Oder)`), control characters and what reorders text dropped,
    /// cut after [`City::MAX_BYTES`] at a character's border; none if nothing is left.
    #[must_use]
    pub fn from_database(name: &str) -> Option<Self> {
        let name = without_district(name);
        if let Ok(city) = name.parse() {
            return Some(city);
        }
        let mut kept = String::new();
        for character in name.chars().filter(|&character| !is_refused(character)) {
            if kept.len() + character.len_utf8() > Self::MAX_BYTES {
                break;
            }
            kept.push(character);
        }
        kept.trim().parse().ok()
    }
}

impl fmt::Display for City {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for City {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "City({self})")
    }
}

/// Takes a name that is fit to keep and refuses any other; [`City::from_database`] makes one fit.
impl FromStr for City {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        if text.trim().is_empty() || text.len() > Self::MAX_BYTES || text.chars().any(is_refused) {
            return Err(ParseError::new(CITY));
        }
        Ok(Self(text.into()))
    }
}

text!(City, expected: CITY, max_length: Self::MAX_BYTES);

/// Control characters, and those that turn or hide text in a log or on a page.
fn is_refused(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

const COUNTRY: &str = "a country: its code of two letters by ISO 3166-1, such as PT";
const CITY: &str = "a city: a name of 1 to 128 bytes without control characters";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn country_is_a_code_that_is_assigned() {
        assert_eq!("pt".parse::<Country>().unwrap().to_string(), "PT");
        assert_eq!("XK".parse::<Country>().unwrap().to_string(), "XK");
        for bad in [
            "", "P", "PRT", "P1", "\u{e9}", " PT", "P\n", "ZZ", "XX", "AP", "EU", "A1", "A2", "O1", "T1",
            "UK", "AN", "QM", "xz", "--",
        ] {
            assert_eq!(bad.parse::<Country>(), Err(ParseError::new(COUNTRY)), "{bad:?}");
        }
    }

    #[test]
    fn city_is_refused_when_it_cannot_be_kept() {
        assert_eq!("Montr\u{e9}al".parse::<City>().unwrap().as_str(), "Montr\u{e9}al");
        for bad in ["", " ", "a\nb", "a\u{0}b", "a\u{202e}b", &"x".repeat(129)] {
            assert_eq!(bad.parse::<City>(), Err(ParseError::new(CITY)), "{bad:?}");
        }
        assert!("x".repeat(128).parse::<City>().is_ok());
    }

    #[test]
    fn city_from_a_database_is_made_fit_to_keep() {
        let read = |name: &str| City::from_database(name).map(|city| city.to_string());
        assert_eq!(read("  Lisbon\n").as_deref(), Some("Lisbon"));
        assert_eq!(read("Berlin (Bezirk Mitte)").as_deref(), Some("Berlin"));
        assert_eq!(read("Frankfurt (Oder)").as_deref(), Some("Frankfurt (Oder)"));
        assert_eq!(read("(Mitte)"), None);
        assert_eq!(read("Lis\u{1b}bon").as_deref(), Some("Lisbon"));
        assert_eq!(read(""), None);
        assert_eq!(read("\u{0}\u{1}"), None);
        // Two bytes each, so that the 128th byte is a border and the 127th is not.
        assert_eq!(read(&"\u{e9}".repeat(100)), Some("\u{e9}".repeat(64)));
        assert_eq!(read(&format!("x{}", "\u{e9}".repeat(100))), Some(format!("x{}", "\u{e9}".repeat(63))));
    }

    #[test]
    fn place_serializes_as_text_and_null() {
        let place = Place::new("PT".parse().ok(), None);
        assert_eq!(serde_json::to_string(&place).unwrap(), r#"{"country":"PT","city":null}"#);
    }
}
