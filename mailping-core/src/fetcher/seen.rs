//! What the tokens of a User-Agent say, gathered in one pass; `agent.rs` decides what it means.

use super::agents::Means;
use super::shape::{self, Contact};
use super::tokens::{Token, ends_with, leading_number, starts_with};
use super::{Provider, index};

/// What the tokens said.
#[derive(Default)]
pub(super) struct Seen {
    pub(super) tokens: u32,
    pub(super) best: Option<(Means, Option<Provider>)>,
    pub(super) mozilla_first: bool,
    pub(super) mozilla_version: Option<u32>,
    pub(super) ends_in_mozilla: bool,
    /// Products other than those of which every WebKit agent is made.
    pub(super) extras: u32,
    pub(super) comments: u32,
    pub(super) compatible: u32,
    pub(super) khtml: u32,
    pub(super) awaits_name: bool,
    pub(super) names_itself: bool,
    pub(super) program: bool,
    /// A program's word in what may be the description of a device.
    pub(super) device_program: bool,
    pub(super) contact: Option<Contact>,
    pub(super) mail: bool,
    pub(super) library: bool,
    pub(super) proxy: bool,
    pub(super) ms_office: bool,
    pub(super) msie: bool,
    pub(super) office_version: Option<bool>,
    pub(super) app_stack: bool,
    pub(super) safari_token: bool,
    pub(super) ancient: bool,
    pub(super) engine: bool,
    pub(super) apple_device: bool,
    /// A telephone or tablet.
    pub(super) phone: bool,
    /// The first comment names a desktop system: no device model stands there, so words can be believed.
    pub(super) desktop: bool,
    /// The first comment begins with a name in place of a system.
    pub(super) starts_strangely: bool,
    /// Products of no known browser, by whether their version is one that apps and browsers have.
    pub(super) added_names: bool,
    pub(super) own_version: bool,
    pub(super) electron: bool,
    /// A browser that is known by name.
    pub(super) plain: bool,
    pub(super) android: bool,
    pub(super) wv: bool,
    pub(super) after_os: bool,
    pub(super) ios: Option<u32>,
    pub(super) chrome: Option<u32>,
    pub(super) firefox: Option<u32>,
    pub(super) safari: Option<u32>,
    pub(super) maker: Option<Provider>,
}

impl Seen {
    /// Takes in the next token.
    pub(super) fn add(&mut self, token: &Token<'_>) {
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
        // Of these every WebKit agent is made: nothing is in their form.
        if outside && (is(b"AppleWebKit") || is(b"Safari") || is(b"Mobile")) {
            self.engine |= is(b"AppleWebKit");
            self.safari_token |= is(b"Safari");
            return;
        }
        let found = self.look_up(token);
        if outside && matches!(found, Some(Means::Chrome | Means::SafariVersion)) {
            self.extras += u32::from(!is(b"Chrome") && !is(b"Version"));
            return;
        }
        if token.comment == 1 && self.mozilla_first {
            self.add_system(token);
        }
        self.add_shape(token, found.is_some());
        if outside {
            let is_engine = is(b"Gecko") || is(b"Goanna");
            self.engine |= is_engine;
            self.extras += 1;
            self.electron |= is(b"Electron");
            if !is_engine && found.is_none() {
                self.added_names |= token.name.first().is_some_and(u8::is_ascii_alphabetic);
                let is_version = if self.android {
                    !token.version.is_empty()
                } else {
                    shape::is_app_version(token.version)
                };
                self.own_version |= is_version || ends_with(token.name, b"browser");
            }
        } else {
            self.add_platform(token);
        }
    }

    fn look_up(&mut self, token: &Token<'_>) -> Option<Means> {
        let inside = token.comment > 0;
        let found = index::find(token.name, token.rest, inside).or_else(|| {
            // `Slackbot-LinkExpanding`, `okhttp3`: what stands before the first sign that is no letter.
            let stem = token.name.iter().position(|byte| !byte.is_ascii_alphabetic())?;
            // A dot or colon makes another name of it: `Mail::STS`, `Mail.RU`.
            let (stem, rest) =
                token.name.split_at_checked(stem).filter(|(stem, _)| stem.len() > 2 && !inside)?;
            rest.first().filter(|byte| !matches!(byte, b'.' | b':'))?;
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
            Means::Plain => self.plain = true,
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
        let of_device = token.comment == 1 && self.mozilla_first && self.compatible != 1 && !self.desktop;
        if !of_device || (token.alone && !token.version.is_empty()) {
            self.program |= names_program(token, known, self.msie);
        } else if token.leads {
            self.device_program |= names_program(token, known, self.msie);
        }
        // Nothing but these words stands in the comment with which each WebKit explains itself.
        if token.leads && starts_with(token.name, b"KHTML") {
            self.khtml = token.comment;
        } else if token.comment == self.khtml && !outside && token.leads && is_added_name(token) {
            self.names_itself = true;
        }
        if outside {
            self.mail |= shape::names_mail(token.name);
            self.library |= shape::names_library(token.name);
            if shape::names_preview(token.name) && !known {
                self.propose(Means::Preview, None);
            }
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

    /// What the first comment says of the system: a browser begins with it.
    fn add_system(&mut self, token: &Token<'_>) {
        let is = |name: &[u8]| token.name.eq_ignore_ascii_case(name);
        if token.leads && (is(b"Windows") || is(b"Macintosh") || is(b"X11")) {
            self.desktop = true;
            self.added_names |=
                self.starts_strangely && (is(b"Macintosh") || starts_with(token.rest, b"Windows NT"));
        }
        // Behind the Macintosh's system stand at most a language and Gecko's version.
        if self.desktop && self.apple_device && token.alone {
            let is_usual = is(b"U") || token.name.len() == 5 || starts_with(token.name, b"rv:");
            self.added_names |= !is_usual;
        }
        self.starts_strangely |= self.tokens == 2 && !is_system(token.name);
    }

    fn add_platform(&mut self, token: &Token<'_>) {
        let is = |name: &[u8]| token.name.eq_ignore_ascii_case(name);
        if self.after_os && self.apple_device {
            self.ios = self.ios.or(leading_number(token.name));
        }
        self.after_os = is(b"OS");
        self.engine |= is(b"KHTML") || is(b"Gecko") || starts_with(token.name, b"KHTML%2C");
        let of_apple = [&b"iPhone"[..], b"iPad", b"iPod"].iter().any(|name| is(name));
        self.apple_device |= of_apple || is(b"Macintosh");
        self.android |= is(b"Android");
        self.phone |= of_apple || self.android;
        self.wv |= is(b"wv") && token.alone;
    }
}

/// Does the token call itself a program, or stand for one by its domain?
fn names_program(token: &Token<'_>, known: bool, msie: bool) -> bool {
    let may_be_domain = (token.alone || token.comment == 0) && !known && !msie;
    shape::names_program(token.name) || (may_be_domain && shape::names_domain(token.name))
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
        b"compatible",
    ]
    .iter()
    .any(|system| name.eq_ignore_ascii_case(system))
}
