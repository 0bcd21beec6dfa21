//! Who may see receipts if an admin token is set: whoever has it, as a bearer or in a session that
//! it began.

use std::fmt;
use std::sync::Arc;

use subtle::ConstantTimeEq;

use crate::call::Call;
use crate::guesses::Guesses;
use crate::sessions::{SessionId, Sessions};

/// The secret that gives access.
#[derive(Clone)]
pub(crate) struct AdminToken(String);

impl AdminToken {
    pub(crate) fn new(token: String) -> Self {
        Self(token)
    }

    /// Whether this is it, compared in constant time.
    fn is(&self, given: &[u8]) -> bool {
        given.ct_eq(self.0.as_bytes()).into()
    }

    /// Whether an `Authorization` header carries it.
    fn is_borne(&self, authorization: &[u8]) -> bool {
        authorization
            .split_at_checked(7)
            .is_some_and(|(scheme, token)| scheme.eq_ignore_ascii_case(b"bearer ") && self.is(token))
    }
}

impl fmt::Debug for AdminToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

/// Lets in and keeps out.
#[derive(Debug, Clone)]
pub(crate) struct Admin(Option<Arc<Locked>>);

#[derive(Debug)]
struct Locked {
    token: AdminToken,
    sessions: Sessions,
    logins: Guesses,
    bearers: Guesses,
}

/// What a request may do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Access {
    /// All, since nothing is locked.
    Open,
    /// All, with the token as a bearer.
    Bearer,
    /// All, in this session.
    Session(SessionId),
    /// Nothing but to log in.
    None,
    /// Nothing but to log in, and too many others tried that with a wrong token.
    TooManyGuesses,
}

impl Access {
    pub(crate) fn is_granted(&self) -> bool {
        matches!(self, Self::Open | Self::Bearer | Self::Session(_))
    }
}

impl Admin {
    pub(crate) fn new(token: Option<AdminToken>) -> Self {
        Self(token.map(|token| {
            let (logins, bearers) = (Guesses::per_minute(10), Guesses::per_minute(100));
            Arc::new(Locked { token, sessions: Sessions::default(), logins, bearers })
        }))
    }

    pub(crate) fn is_open(&self) -> bool {
        self.0.is_none()
    }

    /// What a request may do. The right token is let in however many wrong ones came before.
    pub(crate) async fn access(&self, call: &Call<'_>) -> Access {
        let Some(locked) = &self.0 else { return Access::Open };
        if let Some(id) =
            SessionId::from_cookies(call.header("cookie")).filter(|id| locked.sessions.holds(*id))
        {
            return Access::Session(id);
        }
        match call.header("authorization") {
            None => Access::None,
            Some(given) if locked.token.is_borne(given) => Access::Bearer,
            Some(_) if locked.bearers.wrong().await => Access::TooManyGuesses,
            Some(_) => Access::None,
        }
    }

    /// Begins a session for whoever gives the token.
    pub(crate) async fn log_in(&self, given: &str) -> Result<SessionId, Access> {
        let Some(locked) = &self.0 else { return Err(Access::Open) };
        if locked.token.is(given.as_bytes()) {
            locked.sessions.begin().ok_or(Access::None)
        } else if locked.logins.wrong().await {
            Err(Access::TooManyGuesses)
        } else {
            Err(Access::None)
        }
    }

    pub(crate) fn log_out(&self, access: &Access) {
        if let (Some(locked), Access::Session(id)) = (&self.0, access) {
            locked.sessions.end(*id);
        }
    }

    /// Whether what was granted holds still: a session may have ended.
    pub(crate) fn still_grants(&self, access: &Access) -> bool {
        match (&self.0, access) {
            (Some(locked), Access::Session(id)) => locked.sessions.holds(*id),
            (_, access) => access.is_granted(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_token_itself_is_admitted() {
        let token = AdminToken::new("s3cret".to_owned());
        assert!(token.is_borne(b"Bearer s3cret"));
        assert!(token.is_borne(b"bearer s3cret"));
        for wrong in [&b"Bearer s3cre"[..], b"Bearer s3crets", b"Basic s3cret", b"s3cret", b"Bearer ", b""] {
            assert!(!token.is_borne(wrong));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_session_ends_with_its_logout_and_no_number_of_guesses_keeps_the_right_token_out() {
        let admin = Admin::new(Some(AdminToken::new("s3cret".to_owned())));
        let session = Access::Session(admin.log_in("s3cret").await.unwrap());
        assert!(admin.still_grants(&session));
        admin.log_out(&session);
        assert!(!admin.still_grants(&session));
        for _ in 0..10 {
            assert_eq!(admin.log_in("guess").await, Err(Access::None));
        }
        let begun = tokio::time::Instant::now();
        for _ in 0..1_000 {
            assert_eq!(admin.log_in("guess").await, Err(Access::TooManyGuesses));
        }
        assert!(begun.elapsed().as_secs() >= 1_000, "one after the other, they are slow");
        let begun = tokio::time::Instant::now();
        assert!(admin.log_in("s3cret").await.is_ok());
        assert_eq!(begun.elapsed().as_millis(), 0, "the right one does not wait");
    }
}
