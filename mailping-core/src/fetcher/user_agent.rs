//! Reads a User-Agent: one pass over its tokens, then the first reading that fits.

use super::Provider;
use super::agent_names::Means;
use super::hints::Findings;
use super::kind::Kind;
use super::shape::{Contact, NamesMail};
use super::signals::System;
use super::tokens::{LIMIT, Tokens};

/// Below these a browser is "stale": real old ones exist, and sandboxes use them
/// (opencollective#3656, gophish#2357).
const FRESH_CHROME: u32 = 100;
const FRESH_FIREFOX: u32 = 100;
const FRESH_SAFARI: u32 = 14;

/// What a User-Agent says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Software {
    pub(super) kind: Kind,
    /// Whose software it is, if that is known.
    pub(super) provider: Option<Provider>,
    /// The system that it names.
    pub(super) system: Option<System>,
}

pub(super) fn read(agent: Option<&[u8]>) -> Software {
    let agent = agent.unwrap_or_default();
    let text = agent.get(..LIMIT).unwrap_or(agent).trim_ascii();
    let nothing_more = |kind| Software { kind, provider: None, system: None };
    match text {
        b"" => return nothing_more(Kind::Missing),
        b"Mozilla/5.0" => return nothing_more(Kind::BareMozilla),
        // A dash or a number is what logs and scripts put in place of an agent.
        _ if !text.iter().any(u8::is_ascii_alphabetic) => return nothing_more(Kind::Opaque),
        _ => {}
    }
    let mut findings = Findings::default();
    Tokens::new(text).for_each(|token| findings.add(&token));
    let (kind, provider) = findings.kind();
    Software { kind, provider, system: findings.system }
}

impl Findings {
    fn kind(&self) -> (Kind, Option<Provider>) {
        use Means::*;

        let (means, provider) = self.best.unzip();
        let provider = provider.flatten();
        let is_prefetch = self.mozilla_first && self.ends_in_mozilla && self.tokens > 2;
        if is_prefetch && means != Some(Scanner) {
            return (Kind::GmailPrefetch, Some(Provider::Gmail));
        }
        let named = match means {
            // Fastmail's agent without a browser's fetches calendars. A server's own has none.
            Some(DisplayProxy) if !self.engine && provider.is_some() => Some(OtherProxy),
            Some(GoogleImageProxy | YahooMailProxy | DisplayProxy | OtherProxy) => means,
            _ if self.proxy => return (Kind::OtherProxy, None),
            Some(Scanner | Preview | Library | Headless | Bot) => means,
            _ if self.impostor => return (Kind::Headless, None),
            _ if self.program => return (Kind::Bot, None),
            // Where a desktop or no system follows, it was no device.
            _ if self.device_program && (self.desktop || !self.engine) => return (Kind::Bot, None),
            Some(MailServer) => means,
            // `Mail-Gateway` begins with Apple's name.
            _ if self.mail == Some(NamesMail::Server) => return (Kind::MailServer, None),
            Some(AppleMail) if !self.app_stack => return (Kind::MailClient, None),
            Some(Thunderbird | AppleMail | MailClient) => means,
            _ if self.names_itself => return (Kind::Bot, None),
            _ if self.has_contact() => return (Kind::Contact, None),
            _ if self.mail == Some(NamesMail::Client) => return (Kind::MailClient, None),
            Some(Office) if self.is_old_outlook() => Some(Outlook),
            Some(Outlook | Office | AppStack | AppleStack | Opaque) => means,
            // Shops and mailbox providers call their apps so.
            _ if self.domain && !self.is_phone_app() => return (Kind::Bot, None),
            _ => None,
        };
        named.map_or_else(|| self.browser(), |means| (means.kind(), provider))
    }

    /// Old Outlooks leave their name out: `MSOffice 12`, or `ms-office` beside Internet Explorer's
    /// name.
    fn is_old_outlook(&self) -> bool {
        self.office_version.unwrap_or(self.ms_office && self.msie)
    }

    fn has_contact(&self) -> bool {
        let enough = if self.msie { Contact::Plus } else { Contact::Plain };
        self.contact >= Some(enough)
    }

    fn browser(&self) -> (Kind, Option<Provider>) {
        let kind = if self.ancient {
            Kind::StaleBrowser
        } else if !self.mozilla_first {
            let wraps_browser = self.engine && (self.chrome.is_some() || self.safari.is_some());
            // `Name/1.0 (iPad; iOS 26.1; Scale/2.00)` is what apps send by default.
            match (wraps_browser, self.phone) {
                (true, _) => Kind::Opaque,
                _ if self.library => Kind::Library,
                (_, true) => Kind::AppStack,
                _ => Kind::NoBrowser,
            }
        } else if self.is_bare_webkit() {
            return (Kind::BareWebkit, Some(Provider::Apple));
        } else if !self.engine {
            self.without_engine()
        } else if !self.is_fresh() {
            Kind::StaleBrowser
        } else if self.android && self.wv && self.extras == 0 && self.comments == 2 {
            Kind::Webview
        } else if self.has_added_name() {
            Kind::AddedName
        } else {
            Kind::Browser
        };
        let plain_chrome = self.chrome.is_some() && self.extras == 0;
        (kind, self.maker.or(plain_chrome.then_some(Provider::Google)))
    }

    /// A name on a browser's agent that no browser has. Apps show pages on telephones, and name
    /// themselves with long versions on desktops; a name without one is mostly a program's.
    fn has_added_name(&self) -> bool {
        // Any app can be built on Electron; those for mail are known by name.
        (self.electron || (self.added_names && !self.own_version)) && !self.plain && !self.is_phone_view()
    }

    /// A page in an app on a telephone.
    fn is_phone_view(&self) -> bool {
        self.ios.is_some() || (self.android && (self.wv || self.safari.is_some()))
    }

    fn is_phone_app(&self) -> bool {
        self.is_phone_view() || (self.phone && !self.mozilla_first)
    }

    fn is_bare_webkit(&self) -> bool {
        let nothing_else = self.extras == 0 && self.safari.is_none() && self.chrome.is_none();
        self.engine && self.apple_device && nothing_else && self.comments <= 2 && !self.safari_token
    }

    fn without_engine(&self) -> Kind {
        match self.mozilla_version {
            Some(version) if version < 5 && self.compatible == 0 => Kind::StaleBrowser,
            _ if self.extras > 0 => Kind::NoBrowser,
            _ => Kind::Opaque,
        }
    }

    fn is_fresh(&self) -> bool {
        // HarmonyOS's web view stays behind Chrome's number for years.
        if self.harmony {
            return true;
        }
        let safari = self.safari.filter(|_| !self.android);
        match (self.chrome, self.firefox, safari, self.ios) {
            (Some(chrome), ..) => chrome >= FRESH_CHROME,
            (_, Some(firefox), ..) => firefox >= FRESH_FIREFOX,
            (_, _, Some(safari), _) => safari >= FRESH_SAFARI,
            (_, _, _, Some(ios)) => ios >= FRESH_SAFARI,
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests;
