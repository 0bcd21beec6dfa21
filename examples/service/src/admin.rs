//! The bearer token that the API asks for when one is set.

use std::fmt;

use subtle::ConstantTimeEq;

/// The secret that gives access to the API.
#[derive(Clone)]
pub(crate) struct AdminToken(String);

impl AdminToken {
    pub(crate) fn new(token: String) -> Self {
        Self(token)
    }

    /// Whether an `Authorization` header carries it, compared in constant time.
    pub(crate) fn admits(&self, authorization: Option<&[u8]>) -> bool {
        let given = authorization.and_then(|value| {
            let (scheme, token) = value.split_at_checked(7)?;
            scheme.eq_ignore_ascii_case(b"bearer ").then_some(token)
        });
        given.is_some_and(|given| given.ct_eq(self.0.as_bytes()).into())
    }
}

impl fmt::Debug for AdminToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_token_itself_is_admitted() {
        let token = AdminToken::new("s3cret".to_owned());
        assert!(token.admits(Some(b"Bearer s3cret")));
        assert!(token.admits(Some(b"bearer s3cret")));
        for wrong in [&b"Bearer s3cre"[..], b"Bearer s3crets", b"Basic s3cret", b"s3cret", b"Bearer ", b""] {
            assert!(!token.admits(Some(wrong)));
        }
        assert!(!token.admits(None));
    }
}
