//! The admin token, as a bearer or in a session that it began.

use std::fmt;

use subtle::ConstantTimeEq;

use crate::guesses::Guesses;
use crate::request::Call;
use crate::sessions::{SessionId, Sessions};

/// The fewest characters of a token.
const MIN_CHARACTERS: usize = 16;

/// The admin token has fewer than 16 characters, or a blank or a control character within: make
/// one, for example with `openssl rand -hex 32`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "must have at least {MIN_CHARACTERS} characters, and no blank within: make one, for example with `openssl rand -hex 32`"
)]
#[non_exhaustive]
pub struct WeakToken;

/// What to do without the token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Try {
    Again,
    TooMany,
}

pub(super) struct Admin {
    token: String,
    sessions: Sessions,
    logins: Guesses,
    bearers: Guesses,
}

impl Admin {
    /// White space around the token is taken off, as a form and a header do.
    pub(super) fn new(token: &str) -> Result<Self, WeakToken> {
        let token = token.trim();
        let has_blank = token.contains(|c: char| c.is_whitespace() || c.is_control());
        if token.chars().count() < MIN_CHARACTERS || has_blank {
            return Err(WeakToken);
        }
        let (logins, bearers) = (Guesses::per_minute(10), Guesses::per_minute(100));
        Ok(Self { token: token.to_owned(), sessions: Sessions::default(), logins, bearers })
    }

    /// Whether this is it, compared in constant time.
    fn is(&self, given: &[u8]) -> bool {
        given.ct_eq(self.token.as_bytes()).into()
    }

    /// Whether an `Authorization` header carries it.
    fn is_borne(&self, authorization: &[u8]) -> bool {
        authorization
            .split_at_checked(7)
            .is_some_and(|(scheme, token)| scheme.eq_ignore_ascii_case(b"bearer ") && self.is(token))
    }

    /// The session that lets a request in; `None` if it bears the token itself.
    pub(super) async fn grant(&self, call: &Call<'_>) -> Result<Option<SessionId>, Try> {
        let mut sessions = call.cookies().flat_map(SessionId::from_cookies);
        if let Some(id) = sessions.find(|id| self.sessions.holds(*id)) {
            return Ok(Some(id));
        }
        match call.header("authorization") {
            None => Err(Try::Again),
            Some(given) if self.is_borne(given) => Ok(None),
            Some(_) if self.bearers.wrong().await => Err(Try::TooMany),
            Some(_) => Err(Try::Again),
        }
    }

    pub(super) async fn log_in(&self, given: &str) -> Result<SessionId, Try> {
        if self.is(given.as_bytes()) {
            self.sessions.begin().ok_or(Try::Again)
        } else if self.logins.wrong().await {
            Err(Try::TooMany)
        } else {
            Err(Try::Again)
        }
    }

    pub(super) fn log_out(&self, id: SessionId) {
        self.sessions.end(id);
    }

    pub(super) fn holds(&self, id: SessionId) -> bool {
        self.sessions.holds(id)
    }
}

impl fmt::Debug for Admin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Admin([redacted])")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: &str = "open-sesame-7777";

    #[test]
    fn only_the_token_itself_is_admitted() {
        let admin = Admin::new(TOKEN).unwrap();
        for right in ["Bearer", "bearer", "BEARER"] {
            assert!(admin.is_borne(format!("{right} {TOKEN}").as_bytes()), "{right}");
        }
        for wrong in [
            "Bearer open-sesame-777",
            "Bearer open-sesame-77777",
            "Basic open-sesame-7777",
            "open-sesame-7777",
            "Bearer ",
            "",
        ] {
            assert!(!admin.is_borne(wrong.as_bytes()), "{wrong}");
        }
        assert!(!format!("{admin:?}").contains("sesame"));
    }

    #[test]
    fn a_token_that_is_short_or_cannot_be_sent_is_refused() {
        for refused in [
            "fifteen-chars-1",
            " fifteen-chars-1\n",
            "                ",
            "open sesame 7777777",
            "open-sesame\n-7777",
            "open-sesame-\u{7f}-7777",
            "open-sesame-\u{2003}-7777",
        ] {
            assert_eq!(Admin::new(refused).err(), Some(WeakToken), "{refused:?}");
        }
        for around in ["open-sesame-7777\n", "\topen-sesame-7777 ", "\u{a0}open-sesame-7777\r\n"] {
            let admin = Admin::new(around).unwrap();
            assert!(admin.is_borne(b"Bearer open-sesame-7777"), "{around:?}");
        }
    }

    #[tokio::test]
    async fn a_session_is_found_in_whichever_cookie_line_or_place_it_stands() {
        let admin = Admin::new(TOKEN).unwrap();
        let session = admin.log_in(TOKEN).await.unwrap();
        let cookie = session.cookie("/", false);
        let ours = cookie.split(';').next().unwrap();
        let of_another = format!("mailping_session={:032x}", 7);
        let mixed = format!("a=1; {of_another}; {ours}; b=2");
        for lines in [
            vec![ours],
            vec!["a=1", ours],
            vec!["a=1; b=2", ours, "c=3"],
            vec![&of_another, ours],
            vec![&mixed],
            vec!["mailping_session=damaged", "\u{e4}=1", ours],
        ] {
            let mut request = http::Request::builder();
            for line in &lines {
                request = request.header("cookie", http::HeaderValue::from_bytes(line.as_bytes()).unwrap());
            }
            let head = request.body(()).unwrap().into_parts().0;
            let call = Call { head: &head, path: "/", body: None };
            assert_eq!(admin.grant(&call).await, Ok(Some(session)), "{lines:?}");
        }
        let head = http::Request::builder().header("cookie", &of_another).body(()).unwrap().into_parts().0;
        assert_eq!(admin.grant(&Call { head: &head, path: "/", body: None }).await, Err(Try::Again));
    }

    #[tokio::test(start_paused = true)]
    async fn a_session_ends_with_its_logout_and_no_number_of_guesses_keeps_the_right_token_out() {
        let admin = Admin::new(TOKEN).unwrap();
        let session = admin.log_in(TOKEN).await.unwrap();
        assert!(admin.holds(session));
        admin.log_out(session);
        assert!(!admin.holds(session));
        for _ in 0..10 {
            assert_eq!(admin.log_in("guess").await, Err(Try::Again));
        }
        let begun = tokio::time::Instant::now();
        for _ in 0..1_000 {
            assert_eq!(admin.log_in("guess").await, Err(Try::TooMany));
        }
        assert!(begun.elapsed().as_secs() >= 1_000, "one after the other, they are slow");
        let begun = tokio::time::Instant::now();
        assert!(admin.log_in(TOKEN).await.is_ok());
        assert_eq!(begun.elapsed().as_millis(), 0, "the right one does not wait");
    }
}
