//! Reads a User-Agent: one pass over its tokens, then the first reading that fits.

use super::Provider;
use super::agent_names::Means;
use super::hints::Seen;
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
pub(super) struct Reading {
    pub(super) kind: Kind,
    /// Whose software it is, if that is known.
    pub(super) provider: Option<Provider>,
    /// The system that it names.
    pub(super) system: Option<System>,
}

pub(super) fn read(agent: Option<&[u8]>) -> Reading {
    let agent = agent.unwrap_or_default();
    let text = agent.get(..LIMIT).unwrap_or(agent).trim_ascii();
    let nothing_more = |kind| Reading { kind, provider: None, system: None };
    match text {
        b"" => return nothing_more(Kind::Missing),
        b"Mozilla/5.0" => return nothing_more(Kind::BareMozilla),
        // A dash or a number is what logs and scripts put in place of an agent.
        _ if !text.iter().any(u8::is_ascii_alphabetic) => return nothing_more(Kind::Opaque),
        _ => {}
    }
    let mut seen = Seen::default();
    Tokens::new(text).for_each(|token| seen.add(&token));
    let (kind, provider) = seen.kind();
    Reading { kind, provider, system: seen.system }
}

impl Seen {
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
            Some(AppleMail) if !self.app_stack => return (Kind::MailClient, None),
            Some(Thunderbird | AppleMail | MailClient) => means,
            _ if self.names_itself => return (Kind::Bot, None),
            _ if self.has_contact() => return (Kind::Contact, None),
            _ if self.mail == Some(NamesMail::Server) => return (Kind::MailServer, None),
            _ if self.mail == Some(NamesMail::Client) => return (Kind::MailClient, None),
            Some(Office) if self.is_old_outlook() => Some(Outlook),
            Some(Outlook | Office | AppStack | AppleStack | Opaque) => means,
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
        let in_app = self.ios.is_some() || (self.android && (self.wv || self.safari.is_some()));
        // Any app can be built on Electron; those for mail are known by name.
        (self.electron || (self.added_names && !self.own_version)) && !self.plain && !in_app
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
mod tests {
    use super::*;

    fn kind(text: &str) -> Kind {
        read(Some(text.as_bytes())).kind
    }

    const CHROME: &str = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36";

    #[test]
    fn words_inside_device_models_and_builds_prove_nothing() {
        let device = |device: &str| {
            kind(&format!(
                "Mozilla/5.0 (Linux; Android 15; {device}) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Mobile Safari/537.36"
            ))
        };
        for model in [
            "CPH2617 Build/AP3A.240617.008",
            "CUBOT X30",
            "TECNO Spark 10",
            "java-phone",
            "Google Security Proxy",
            "Handybot",
        ] {
            assert_eq!(device(model), Kind::Browser, "{model}");
        }
    }

    #[test]
    fn a_program_that_names_itself_is_known_by_form_alone() {
        for text in [
            "Mozilla/5.0 (compatible; Never-Heard-Of/1.0; +https://example.com/info)",
            "Mozilla/5.0 (compatible; Unheard)",
            "NeverHeardBot",
            "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; Unheard/2.0) Chrome/140.0.0.0 Safari/537.36",
            "Mozilla/5.0 (X11; Linux x86_64; Unheardbot/1.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36",
            "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko, Unheard) Chrome/140.0.0.0 Safari/537.36",
        ] {
            assert_eq!(kind(text), Kind::Bot, "{text}");
        }
        assert_eq!(kind(&format!("{CHROME} (mail: someone@example.com)")), Kind::Contact);
        assert_eq!(kind("unheard/1.0"), Kind::NoBrowser);
    }

    #[test]
    fn the_second_mozilla_counts_only_at_the_end() {
        assert_eq!(kind(&format!("{CHROME} Mozilla/5.0")), Kind::GmailPrefetch);
        assert_ne!(kind(&format!("{CHROME} Mozilla/5.0 (X11)")), Kind::GmailPrefetch);
        assert_ne!(kind("Unheard/1.0 More/2.0 Mozilla/5.0"), Kind::GmailPrefetch);
    }

    #[test]
    fn a_named_mail_program_is_one_at_any_age_and_on_any_stack() {
        let old = "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/61.0.3163.100 Safari/537.36";
        assert_eq!(kind(old), Kind::StaleBrowser);
        for text in [format!("{old} UnheardMail/1.0"), "Spark/2.11 CFNetwork/1240 Darwin/20.6.0".to_owned()] {
            assert_eq!(kind(&text), Kind::MailClient, "{text}");
        }
        assert_eq!(kind("Mail/3445.1.6 CFNetwork/887 Darwin/17.0.0"), Kind::AppleMail);
        assert_eq!(kind("WhatsApp/2.23 CFNetwork/1408 Darwin/22"), Kind::Preview);
    }

    #[test]
    fn webkit_with_nothing_after_it_is_apple_mail_only_on_apples_devices() {
        let on = |device: &str, after: &str| {
            kind(&format!("Mozilla/5.0 ({device}) AppleWebKit/605.1.15 (KHTML, like Gecko){after}"))
        };
        assert_eq!(on("Macintosh; Intel Mac OS X 10_15_7", ""), Kind::BareWebkit);
        assert_eq!(on("iPhone; CPU iPhone OS 26_1 like Mac OS X", " Mobile/15E148"), Kind::BareWebkit);
        assert_eq!(on("iPhone; CPU iPhone OS 26_1 like Mac OS X", " Mobile/15E148 Unheard/1"), Kind::Browser);
        assert_eq!(on("X11; Linux x86_64", ""), Kind::StaleBrowser);
    }
}

#[cfg(test)]
mod edges;
