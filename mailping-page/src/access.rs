//! Who may look: the app's own login, an admin token, or this machine. There is no default, so that
//! no page is mounted without deciding.

mod admin;

use std::fmt;
use std::sync::Arc;

use http::request::Parts;

pub use self::admin::WeakToken;
use self::admin::{Admin, Try};
use crate::request::Call;
use crate::sessions::SessionId;

/// Which receipts somebody may see and change.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Scope {
    /// All of them, and what concerns recipients across all senders: objections, erasure and
    /// export by address, health and metrics.
    All,
    /// Those whose [owner](mailping_core::pings::Ping::owner) is this one, and no other. Pings that
    /// such a reader makes get this owner.
    Owner(String),
}

impl Scope {
    pub(crate) fn holds(&self, owner: Option<&str>) -> bool {
        match self {
            Self::All => true,
            Self::Owner(own) => owner == Some(own),
        }
    }

    /// Whether the reader may ask for this owner's pings.
    pub(crate) fn may_name(&self, owner: &str) -> bool {
        self.owner().is_none_or(|own| own == owner)
    }

    pub(crate) fn owner(&self) -> Option<&str> {
        match self {
            Self::All => None,
            Self::Owner(own) => Some(own),
        }
    }
}

/// Never shows the owner: owners are kept, and never logged.
impl fmt::Debug for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::All => "All",
            Self::Owner(_) => "Owner([redacted])",
        })
    }
}

/// Who may look at the page and call its API.
///
/// What another site makes a browser send is refused whatever is chosen here: a change must come
/// from the page itself, or from a program.
#[derive(Clone)]
pub struct Access(Kind);

type Check = dyn Fn(&Parts) -> Option<Scope> + Send + Sync;

#[derive(Clone)]
enum Kind {
    Check(Arc<Check>),
    Admin(Arc<Admin>),
    ThisMachine,
    Everyone,
}

impl Access {
    /// Your app's own login, if a middleware of yours has looked at it: whoever has a [`Scope`]
    /// among the request's extensions. A request without one is refused, so a middleware that is
    /// missing lets nobody in.
    ///
    /// In actix-web put it into `request.extensions_mut()`.
    #[must_use]
    pub fn app_login() -> Self {
        Self::check(|head| head.extensions.get::<Scope>().cloned())
    }

    /// Your app's own login, if the head of a request says enough: its cookies, headers and
    /// extensions. `None` refuses. It is also asked while a live page goes on.
    pub fn check(check: impl Fn(&Parts) -> Option<Scope> + Send + Sync + 'static) -> Self {
        Self(Kind::Check(Arc::new(check)))
    }

    /// A secret of at least 16 characters, which the page asks for and then keeps a session, and
    /// which programs send as `Authorization: Bearer`. It opens everything. Wrong ones are answered
    /// late once there were many; the right one never waits.
    ///
    /// # Errors
    /// [`WeakToken`] if it is shorter, or holds a blank or a control character. White space around
    /// it, such as the line's end of the file that it is from, is left out.
    pub fn admin_token(token: impl Into<String>) -> Result<Self, WeakToken> {
        Ok(Self(Kind::Admin(Arc::new(Admin::new(&token.into())?))))
    }

    /// Everybody who works on this machine, to try it out: the peer must be a loopback address, the
    /// name that it was called by must be this machine's or the tracker's base URL's, and no proxy
    /// may have forwarded it. In an app without peers (axum without
    /// `into_make_service_with_connect_info`) nobody is let in. Elsewhere than in axum and
    /// actix-web see [`FromThisMachine`](crate::FromThisMachine).
    #[must_use]
    pub const fn this_machine() -> Self {
        Self(Kind::ThisMachine)
    }

    /// Whoever reaches it, to read, change and erase everything: only if something before it, which
    /// this crate cannot see, keeps strangers out.
    #[must_use]
    pub const fn danger_everyone() -> Self {
        Self(Kind::Everyone)
    }

    pub(crate) fn is_this_machine(&self) -> bool {
        matches!(self.0, Kind::ThisMachine)
    }

    /// What a request may do. The right token is let in however many wrong ones came before.
    pub(crate) async fn grant(&self, call: &Call<'_>) -> Grant {
        match &self.0 {
            Kind::Check(check) => match check(call.head) {
                Some(scope) => Grant::Checked(scope, Box::new(call.head.clone())),
                None => Grant::Refused,
            },
            // The guard has looked at where it comes from.
            Kind::ThisMachine | Kind::Everyone => Grant::Open,
            Kind::Admin(admin) => match admin.grant(call).await {
                Ok(None) => Grant::Bearer,
                Ok(Some(session)) => Grant::Session(session),
                Err(Try::Again) => Grant::LogIn,
                Err(Try::TooMany) => Grant::TooManyGuesses,
            },
        }
    }

    /// Begins a session for whoever gives the admin token; what to be granted otherwise.
    pub(crate) async fn log_in(&self, given: &str) -> Result<SessionId, Grant> {
        let Kind::Admin(admin) = &self.0 else { return Err(Grant::Refused) };
        admin.log_in(given).await.map_err(|failed| match failed {
            Try::Again => Grant::LogIn,
            Try::TooMany => Grant::TooManyGuesses,
        })
    }

    pub(crate) fn log_out(&self, grant: &Grant) {
        if let (Kind::Admin(admin), Grant::Session(id)) = (&self.0, grant) {
            admin.log_out(*id);
        }
    }

    /// Whether what was granted holds still: a session may have ended.
    pub(crate) fn still_grants(&self, grant: &Grant) -> bool {
        match (&self.0, grant) {
            (Kind::Admin(admin), Grant::Session(id)) => admin.holds(*id),
            (Kind::Check(check), Grant::Checked(scope, head)) => check(head).as_ref() == Some(scope),
            (_, grant) => grant.scope().is_some(),
        }
    }
}

impl fmt::Debug for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Kind::Check(_) => "Access::Check",
            Kind::Admin(_) => "Access::AdminToken([redacted])",
            Kind::ThisMachine => "Access::ThisMachine",
            Kind::Everyone => "Access::Everyone",
        })
    }
}

/// What a request may do.
#[derive(Clone)]
pub(crate) enum Grant {
    /// All, since nothing is locked.
    Open,
    /// All, with the admin token as a bearer.
    Bearer,
    /// All, in this session.
    Session(SessionId),
    /// What the app said to this head.
    Checked(Scope, Box<Parts>),
    /// Nothing: the app said no.
    Refused,
    /// Nothing but to log in.
    LogIn,
    /// Nothing but to log in, and too many others tried that with a wrong token.
    TooManyGuesses,
}

impl Grant {
    /// `None` if nothing is granted.
    pub(crate) fn scope(&self) -> Option<Scope> {
        match self {
            Self::Open | Self::Bearer | Self::Session(_) => Some(Scope::All),
            Self::Checked(scope, _) => Some(scope.clone()),
            Self::Refused | Self::LogIn | Self::TooManyGuesses => None,
        }
    }
}
