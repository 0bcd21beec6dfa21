//! Who is logged in: random ids in a cookie, kept in memory alone, so that a restart logs everyone
//! out.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How long a session lasts.
const LASTS: Duration = Duration::from_secs(12 * 3_600);
/// The most sessions at once; the oldest ends for a new one.
const MAX_SESSIONS: usize = 1_000;
const COOKIE: &str = "mailping_session";

/// The id of a session: 16 random bytes, hardly to be guessed.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct SessionId([u8; 16]);

impl SessionId {
    /// From a line of the `Cookie` header. A browser can send several of this name, which were set
    /// for other paths.
    pub(crate) fn from_cookies(line: &[u8]) -> impl Iterator<Item = Self> {
        line.split(|byte| *byte == b';').filter_map(|pair| {
            let (name, text) = std::str::from_utf8(pair).ok()?.trim().split_once('=')?;
            let parsed = u128::from_str_radix(text, 16).ok().filter(|_| text.len() == 32);
            parsed.filter(|_| name == COOKIE).map(|id| Self(id.to_be_bytes()))
        })
    }

    /// The `Set-Cookie` line that keeps it in the browser, out of reach of scripts and of other
    /// sites.
    pub(crate) fn cookie(&self, path: &str, https: bool) -> String {
        let secure = if https { "; Secure" } else { "" };
        let (id, age) = (u128::from_be_bytes(self.0), LASTS.as_secs());
        format!("{COOKIE}={id:032x}; Path={path}; HttpOnly; SameSite=Strict; Max-Age={age}{secure}")
    }

    /// The line that takes it away.
    pub(crate) fn no_cookie(path: &str) -> String {
        format!("{COOKIE}=; Path={path}; HttpOnly; SameSite=Strict; Max-Age=0")
    }
}

impl std::fmt::Debug for SessionId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("[redacted]")
    }
}

/// The sessions of this process.
#[derive(Debug, Default)]
pub(crate) struct Sessions(Mutex<HashMap<SessionId, Instant>>);

impl Sessions {
    fn lock(&self) -> MutexGuard<'_, HashMap<SessionId, Instant>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins one; `None` if the operating system gives no random bytes.
    pub(crate) fn begin(&self) -> Option<SessionId> {
        let mut id = [0; 16];
        getrandom::fill(&mut id).ok()?;
        let (id, now) = (SessionId(id), Instant::now());
        let mut sessions = self.lock();
        sessions.retain(|_, begun| now.saturating_duration_since(*begun) < LASTS);
        if sessions.len() >= MAX_SESSIONS
            && let Some(oldest) = sessions.iter().min_by_key(|(_, begun)| **begun).map(|(id, _)| *id)
        {
            sessions.remove(&oldest);
        }
        sessions.insert(id, now);
        Some(id)
    }

    /// Whether it has begun and neither ended nor lasted too long.
    pub(crate) fn holds(&self, id: SessionId) -> bool {
        self.lock().get(&id).is_some_and(|begun| begun.elapsed() < LASTS)
    }

    pub(crate) fn end(&self, id: SessionId) {
        self.lock().remove(&id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_is_found_by_its_cookie_until_it_ends() {
        let sessions = Sessions::default();
        let id = sessions.begin().unwrap();
        let line = id.cookie("/tools", true);
        assert!(line.contains("; Path=/tools; "), "{line}");
        assert!(line.contains("HttpOnly; SameSite=Strict") && line.ends_with("; Secure"), "{line}");
        let cookies = format!("theme=dark; {}", line.split(';').next().unwrap());
        let found = SessionId::from_cookies(cookies.as_bytes()).next().unwrap();
        assert!(sessions.holds(found));
        sessions.end(found);
        assert!(!sessions.holds(id));
        for wrong in [&b"mailping_session="[..], b"mailping_session=zz", b"mailping_session=00", b"\xff", b""]
        {
            assert_eq!(SessionId::from_cookies(wrong).count(), 0);
        }
    }

    #[test]
    fn there_are_never_more_than_a_thousand() {
        let sessions = Sessions::default();
        let first = sessions.begin().unwrap();
        let last = (0..MAX_SESSIONS).map(|_| sessions.begin().unwrap()).last().unwrap();
        assert!(sessions.lock().len() == MAX_SESSIONS && sessions.holds(last) && !sessions.holds(first));
    }
}
