//! The environment's variables, each read once. What is set and says nothing is refused: it would
//! fail silently.

use std::collections::BTreeMap;
use std::ffi::OsString;

use super::program::is_of_kubernetes;
use super::{Program, SettingsError};

const PREFIX: &str = "MAILPING";
const RUST_LOG: &str = "RUST_LOG";

/// The variables of a program.
pub(super) struct Reader {
    given: BTreeMap<String, String>,
    pub(super) printed: Vec<String>,
}

impl Reader {
    /// Takes the variables that concern mailping.
    pub(super) fn new(
        program: Program,
        variables: impl Iterator<Item = (OsString, OsString)>,
    ) -> Result<Self, SettingsError> {
        let mut given = BTreeMap::new();
        for (name, value) in variables {
            let name = name.to_string_lossy().into_owned();
            let concerns = name.get(..PREFIX.len()).is_some_and(|start| start.eq_ignore_ascii_case(PREFIX));
            if !concerns && name != RUST_LOG || is_of_kubernetes(&name, &value.to_string_lossy()) {
                continue;
            }
            if let Some(refusal) = Some(&name).filter(|_| concerns).and_then(|name| program.refusal(name)) {
                return Err(SettingsError::new(printable(&name), refusal));
            }
            let Ok(value) = value.into_string() else {
                return Err(SettingsError::new(printable(&name), "is not UTF-8 text"));
            };
            let value = value.trim();
            if value.is_empty() && concerns {
                return Err(SettingsError::new(name, "is set, but empty: give it a value, or unset it"));
            }
            given.insert(name, value.to_owned());
        }
        Ok(Self { given, printed: Vec::new() })
    }

    pub(super) fn optional(&self, name: &str) -> Option<String> {
        self.given.get(name).cloned()
    }

    pub(super) fn text(&mut self, name: &str, default: &str) -> String {
        let given = self.optional(name).filter(|value| !value.is_empty());
        let note = if given.is_some() { "" } else { " (default)" };
        let value = given.unwrap_or_else(|| default.to_owned());
        self.print(name, &format!("{value}{note}"));
        value
    }

    pub(super) fn parsed<T: std::str::FromStr>(
        &mut self,
        name: &'static str,
        default: &str,
        expected: &str,
    ) -> Result<T, SettingsError> {
        let text = self.text(name, default);
        text.parse().map_err(|_| SettingsError::new(name, format!("expected {expected}")))
    }

    pub(super) fn secret(&mut self, name: &str, default: &str) -> Option<String> {
        let value = self.optional(name);
        let shown = if value.is_some() { "[redacted]".to_owned() } else { format!("({default})") };
        self.print(name, &shown);
        value
    }

    pub(super) fn print(&mut self, name: &str, value: &str) {
        self.printed.push(format!("{name}={value}"));
    }
}

/// A name that somebody made up, on one line.
fn printable(name: &str) -> String {
    name.escape_default().take(60).collect()
}
