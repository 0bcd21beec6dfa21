//! Reads a User-Agent: one pass over its tokens, then the first reading that fits.

use super::agents::Means;
use super::kind::Kind;
use super::shape::{self, Contact};
use super::tokens::{LIMIT, Token, Tokens, leading_number, starts_with};
use super::{Provider, index};

/// Below these a browser is "stale": real old ones exist, and sandboxes use them (opencollective#3656, gophish#2357).
const FRESH_CHROME: u32 = 100;
const FRESH_FIREFOX: u32 = 100;
const FRESH_SAFARI: u32 = 14;

/// The kind of a User-Agent, and whose software it is where that is known.
pub(super) fn read(agent: Option<&[u8]>) -> (Kind, Option<Provider>) {
    let agent = agent.unwrap_or_default();
    let text = agent.get(..LIMIT).unwrap_or(agent).trim_ascii();
    match text {
        b"" => return (Kind::Missing, None),
        b"Mozilla/5.0" => return (Kind::BareMozilla, None),
        // A dash or a number is what logs and scripts put in place of an agent.
        _ if !text.iter().any(u8::is_ascii_alphabetic) => return (Kind::Opaque, None),
        _ => {}
    }
    let mut seen = Seen::default();
    Tokens::new(text).for_each(|token| seen.add(&token));
    seen.kind()
}

/// What the tokens said.
#[derive(Default)]
struct Seen {
    tokens: u32,
    best: Option<(Means, Option<Provider>)>,
    mozilla_first: bool,
    mozilla_version: Option<u32>,
    ends_in_mozilla: bool,
    /// Products other than those of which every WebKit agent is made.
    extras: u32,
    comments: u32,
    compatible: u32,
    khtml: u32,
    awaits_name: bool,
    names_itself: bool,
    program: bool,
    contact: Option<Contact>,
    mail: bool,
    proxy: bool,
    ms_office: bool,
    msie: bool,
    office_version: Option<bool>,
    app_stack: bool,
    safari_token: bool,
    ancient: bool,
    engine: bool,
    apple_device: bool,
    android: bool,
    wv: bool,
    after_os: bool,
    ios: Option<u32>,
    chrome: Option<u32>,
    firefox: Option<u32>,
    safari: Option<u32>,
    maker: Option<Provider>,
}

impl Seen {
    fn add(&mut self, token: &Token<'_>) {
        self.tokens = self.tokens.saturating_add(1);
        self.comments = self.comments.max(token.comment);
        let outside = token.comment == 0;
        let is = |name: &[u8]| token.name.eq_ignore_ascii_case(name);
        self.ends_in_mozilla = outside && self.tokens > 1 && is(b"Mozilla") && token.version == b"5.0";
        if outside && is(b"Mozilla") {
            if self.tokens == 1 {
                self.mozilla_first = true;
                self.mozilla_version = leading_number(token.version);
            }
            return;
        }
        let found = self.look_up(token);
        self.add_shape(token, found.is_some());
        if outside {
            self.engine |= is(b"AppleWebKit") || is(b"Gecko") || is(b"Goanna");
            self.safari_token |= is(b"Safari");
            let plain = [&b"AppleWebKit"[..], b"Mobile", b"Safari", b"Version", b"Chrome"];
            self.extras += u32::from(!plain.iter().any(|name| is(name)));
        } else {
            self.add_platform(token);
        }
    }

    fn look_up(&mut self, token: &Token<'_>) -> Option<Means> {
        let inside = token.comment > 0;
        let found = index::find(token.name, token.rest, inside).or_else(|| {
            // `Slackbot-LinkExpanding`, `okhttp3`: what stands before the first sign that is no letter.
            let stem = token.name.iter().position(|byte| !byte.is_ascii_alphabetic())?;
            let stem = token.name.get(..stem).filter(|stem| stem.len() > 2 && !inside)?;
            index::find(stem, stem, inside)
        })?;
        match found.means {
            Means::Chrome => self.chrome = leading_number(token.version).max(self.chrome).or(Some(0)),
            Means::Firefox => self.firefox = leading_number(token.version).max(self.firefox).or(Some(0)),
            Means::SafariVersion => self.safari = leading_number(token.version),
            Means::Ancient => {
                self.ancient = true;
                self.msie |= found.name == "MSIE";
            }
            Means::AppStack => self.app_stack = true,
            Means::Office if found.name == "ms-office" => self.ms_office = true,
            Means::Office if found.name == "MSOffice" => {
                let after = token.rest.get(token.name.len()..).unwrap_or_default().trim_ascii_start();
                self.office_version = Some(after.first().is_some_and(u8::is_ascii_digit));
            }
            _ => {}
        }
        if matches!(found.means, Means::Chrome | Means::Firefox | Means::SafariVersion | Means::Plain) {
            self.maker = found.provider.or(self.maker);
        } else {
            self.propose(found.means, found.provider);
        }
        Some(found.means)
    }

    fn propose(&mut self, means: Means, provider: Option<Provider>) {
        if self.best.is_none_or(|(best, _)| means < best) {
            self.best = Some((means, provider));
        }
    }

    fn add_shape(&mut self, token: &Token<'_>, known: bool) {
        let outside = token.comment == 0;
        self.contact = self.contact.max(Some(shape::contact(token)));
        self.proxy |= shape::names_proxy(token.name) || (!outside && token.leads && token.name == b"via");
        // The first comment describes the device, unless it says that it does not. Devices have no version.
        let of_device = token.comment == 1 && self.mozilla_first && self.compatible != 1;
        if !of_device || (token.alone && !token.version.is_empty()) {
            self.program |= shape::names_program(token.name);
        }
        // Nothing but these words stands in the comment with which each WebKit explains itself.
        if token.leads && starts_with(token.name, b"KHTML") {
            self.khtml = token.comment;
        } else if token.comment == self.khtml && !outside && token.leads && is_added_name(token) {
            self.names_itself = true;
        }
        if outside {
            self.program |= shape::names_domain(token.name) && !known;
            self.mail |= shape::names_mail(token.name);
            if shape::names_outlook(token.name) && !known {
                self.propose(Means::Outlook, Some(Provider::Microsoft));
            }
        }
        if !outside && token.alone && token.name.eq_ignore_ascii_case(b"compatible") {
            self.compatible = token.comment;
            self.awaits_name = true;
        } else if self.awaits_name && token.comment == self.compatible && token.leads {
            if known {
                self.awaits_name = false;
            } else if !is_system(token.name) {
                self.awaits_name = false;
                self.names_itself = true;
            }
        }
    }

    fn add_platform(&mut self, token: &Token<'_>) {
        let is = |name: &[u8]| token.name.eq_ignore_ascii_case(name);
        if self.after_os && self.apple_device {
            self.ios = self.ios.or(leading_number(token.name));
        }
        self.after_os = is(b"OS");
        self.engine |= is(b"KHTML") || is(b"Gecko") || starts_with(token.name, b"KHTML%2C");
        self.apple_device |= [&b"iPhone"[..], b"iPad", b"iPod", b"Macintosh"].iter().any(|name| is(name));
        self.android |= is(b"Android");
        self.wv |= is(b"wv") && token.alone;
    }

    fn kind(&self) -> (Kind, Option<Provider>) {
        if self.mozilla_first && self.ends_in_mozilla && self.tokens > 2 {
            return (Kind::GmailPrefetch, Some(Provider::Gmail));
        }
        let (means, provider) = self.best.unzip();
        let provider = provider.flatten();
        let named = match means {
            Some(Means::GoogleImageProxy) => Some(Kind::GoogleImageProxy),
            Some(Means::YahooMailProxy) => Some(Kind::YahooMailProxy),
            // Fastmail's agent without a browser's fetches calendars.
            Some(Means::DisplayProxy) if !self.engine => Some(Kind::OtherProxy),
            Some(Means::DisplayProxy) => Some(Kind::DisplayProxy),
            Some(Means::OtherProxy) => Some(Kind::OtherProxy),
            _ if self.proxy => return (Kind::OtherProxy, None),
            Some(Means::Scanner) => Some(Kind::Scanner),
            Some(Means::Preview) => Some(Kind::Preview),
            Some(Means::Library) => Some(Kind::Library),
            Some(Means::Headless) => Some(Kind::Headless),
            Some(Means::Bot) => Some(Kind::Bot),
            _ if self.program => return (Kind::Bot, None),
            Some(Means::Thunderbird) => Some(Kind::Thunderbird),
            Some(Means::AppleMail) if self.app_stack => Some(Kind::AppleMail),
            Some(Means::AppleMail) => return (Kind::MailClient, None),
            Some(Means::MailClient) => Some(Kind::MailClient),
            _ if self.names_itself => return (Kind::Bot, None),
            _ if self.has_contact() => return (Kind::Contact, None),
            _ if self.mail => return (Kind::MailClient, None),
            Some(Means::Outlook) => Some(Kind::Outlook),
            Some(Means::Office) if self.is_old_outlook() => Some(Kind::Outlook),
            Some(Means::Office) => Some(Kind::Office),
            Some(Means::AppStack) => Some(Kind::AppStack),
            Some(Means::Opaque) => Some(Kind::Opaque),
            _ => None,
        };
        named.map_or_else(|| self.browser(), |kind| (kind, provider))
    }

    /// Old Outlooks leave their name out: `MSOffice 12`, or `ms-office` beside Internet Explorer's name.
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
            if wraps_browser { Kind::Opaque } else { Kind::NoBrowser }
        } else if self.is_bare_webkit() {
            return (Kind::BareWebkit, Some(Provider::Apple));
        } else if !self.engine {
            self.without_engine()
        } else if !self.is_fresh() {
            Kind::StaleBrowser
        } else if self.android && self.wv && self.extras == 0 && self.comments == 2 {
            Kind::Webview
        } else {
            Kind::Browser
        };
        let plain_chrome = self.chrome.is_some() && self.extras == 0;
        (kind, self.maker.or(plain_chrome.then_some(Provider::Google)))
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

/// `KHTML, like Gecko, NAME`: what stands there besides a version is a name that somebody put in.
fn is_added_name(token: &Token<'_>) -> bool {
    token.version.is_empty() && !token.name.eq_ignore_ascii_case(b"like")
}

/// Systems stand after `compatible` too, and are nobody's name.
fn is_system(name: &[u8]) -> bool {
    [
        &b"Windows"[..],
        b"Win32",
        b"Linux",
        b"X11",
        b"Macintosh",
        b"Android",
        b"U",
        b"iPhone",
        b"iPad",
        b"Mozilla",
    ]
    .iter()
    .any(|system| name.eq_ignore_ascii_case(system))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(text: &str) -> Kind {
        read(Some(text.as_bytes())).0
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
        assert_ne!(kind("Unheard/1.0 Mozilla/5.0"), Kind::GmailPrefetch);
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
