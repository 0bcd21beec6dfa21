//! The parameters of a query.

use http::StatusCode;

use crate::answer::Answer;

const DEFAULT_LIMIT: usize = 100;
const MAX_LIMIT: usize = 1_000;

/// All of them, each known.
pub(super) struct Parameters(Vec<(String, String)>);

impl Parameters {
    pub(super) fn read(query: &str, known: &[&str]) -> Result<Self, Answer> {
        let parameters: Vec<(String, String)> =
            form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        if parameters.iter().all(|(name, _)| known.contains(&name.as_str())) {
            return Ok(Self(parameters));
        }
        let message = format!("known parameters are {}", known.join(", "));
        Err(Answer::error(StatusCode::BAD_REQUEST, "unknown_parameter", None, &message))
    }

    pub(super) fn get(&self, name: &str) -> Option<&str> {
        let given = self.0.iter().find(|(given, _)| given == name);
        given.map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
    }

    pub(super) fn parsed<T: std::str::FromStr>(
        &self,
        name: &'static str,
        expected: &str,
    ) -> Result<Option<T>, Answer> {
        let wrong = |_| {
            let message = format!("{name} must be {expected}");
            Answer::error(StatusCode::BAD_REQUEST, "invalid_parameter", Some(name), &message)
        };
        self.get(name).map(str::parse).transpose().map_err(wrong)
    }

    pub(super) fn limit(&self) -> Result<usize, Answer> {
        let expected = "a number from 1 to 1000";
        match self.parsed("limit", expected)? {
            None => Ok(DEFAULT_LIMIT),
            Some(limit @ 1..=MAX_LIMIT) => Ok(limit),
            Some(_) => {
                let message = format!("limit must be {expected}");
                Err(Answer::error(StatusCode::BAD_REQUEST, "invalid_parameter", Some("limit"), &message))
            }
        }
    }
}
