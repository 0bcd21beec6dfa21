//! What the tokens of a User-Agent say, gathered in one pass; `user_agent.rs` decides what it
//! means.

use std::mem;

use super::agent_names::{Agent, Means, Word};
use super::shape::{self, Contact, NamesMail};
use super::signals::System;
use super::tokens::{Token, ends_with, leading_number, starts_with};
use super::{Provider, index};

/// What the tokens said.
#[derive(Default)]
pub(super) struct Findings {
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
    /// A product that is named for a domain: a crawler, unless it is an app.
    pub(super) domain: bool,
    pub(super) contact: Option<Contact>,
    pub(super) mail: Option<NamesMail>,
    /// The last token of a name with "mail" in it that goes on: it has no version yet.
    mail_so_far: Option<u32>,
    pub(super) library: bool,
    pub(super) proxy: bool,
    pub(super) ms_office: bool,
    pub(super) msie: bool,
    pub(super) office_version: Option<bool>,
    pub(super) app_stack: bool,
    /// `Network/…`, which Apple's own stack writes before the system's name.
    pub(super) apple_network: bool,
    /// A browser's name with a word where its version stands.
    pub(super) impostor: bool,
    pub(super) harmony: bool,
    pub(super) system: Option<System>,
    pub(super) safari_token: bool,
    pub(super) ancient: bool,
    pub(super) engine: bool,
    pub(super) apple_device: bool,
    /// A telephone or tablet.
    pub(super) phone: bool,
    /// The first comment names a desktop system: no device model stands there, so words can be
    /// believed.
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

impl Findings {
    /// Takes in the next token.
    pub(super) fn add(&mut self, token: &Token<'_>) {
        self.tokens = self.tokens.saturating_add(1);
        self.comments = self.comments.max(token.comment);
        self.ends_in_mozilla = false;
        let outside = token.comment == 0;
        if !token.has_letters {
            self.extras += u32::from(outside);
            if mem::take(&mut self.after_os) && self.apple_device {
                self.ios = self.ios.or(leading_number(token.name));
            }
            return;
        }
        self.after_os = false;
        if !outside && token.name.starts_with(b"rv:") {
            return;
        }
        match index::find(token.name, token.rest, !outside) {
            Some(Agent { means: Means::Part(word), .. }) => self.add_word(*word, token),
            Some(agent) => self.add_known(agent, token),
            None => {
                if token.has_signs && token.name.contains(&b'%') {
                    self.add_escaped(token);
                }
                let stem = stem(token).and_then(|stem| index::find(stem, stem, false));
                match stem.filter(|agent| !matches!(agent.means, Means::Part(_))) {
                    Some(agent) => {
                        self.add_shape(token, true);
                        self.add_known(agent, token);
                    }
                    None => self.add_unknown(token),
                }
            }
        }
    }

    /// Apps on CFNetwork write the blanks of their names as `%20`.
    fn add_escaped(&mut self, token: &Token<'_>) {
        let mut name = [0; 64];
        let Some(name) = shape::without_escapes(token.name, &mut name) else { return };
        let first = name.split(|byte| *byte == b' ').next().unwrap_or_default();
        // A part of the name is no name: `Yahoo Mail` is not Apple's `Mail`. Proxies are known by
        // their first word.
        let known = index::find(first, name, token.comment != 0)
            .filter(|agent| agent.name.contains(' ') || agent.means <= Means::OtherProxy);
        if let Some(agent) = known.filter(|agent| !matches!(agent.means, Means::Part(_))) {
            self.propose(agent.means, agent.provider);
        }
        let ends = |end: &[u8]| name.ends_with(end) && first != name;
        self.proxy |= ends(b" Proxy") && name.windows(6).any(|part| part == b"Image " || part == b"ternal");
        if token.comment == 0 {
            self.mail = shape::names_mail(name).max(self.mail);
            self.add_outlook(name);
        }
    }

    /// A word of which all browsers' agents are made.
    fn add_word(&mut self, word: Word, token: &Token<'_>) {
        let is_named = token.comment != 0 && token.comment == self.khtml && token.leads;
        match word {
            Word::Mozilla if token.comment == 0 => {
                self.ends_in_mozilla = token.version == b"5.0";
                if self.tokens == 1 {
                    self.mozilla_first = true;
                    self.mozilla_version = leading_number(token.version);
                }
            }
            Word::WebKit => self.engine = true,
            Word::Safari => self.safari_token = true,
            Word::Gecko => {
                self.engine = true;
                self.extras += u32::from(token.comment == 0);
            }
            Word::Khtml => {
                self.engine = true;
                self.khtml = if token.leads { token.comment } else { self.khtml };
            }
            Word::Compatible if token.alone => {
                self.compatible = token.comment;
                self.awaits_name = true;
            }
            Word::Windows | Word::Macintosh | Word::X11 => self.add_desktop(word, token),
            Word::AppleDevice => {
                self.apple_device = true;
                self.phone = true;
            }
            Word::Android => {
                self.android = true;
                self.phone = true;
            }
            Word::Harmony => {
                self.harmony = true;
                self.phone = true;
            }
            Word::Os => self.after_os = true,
            Word::View => self.wv |= token.alone,
            _ => {}
        }
        if token.comment == 1 {
            self.add_system(word, token);
        }
        self.names_itself |=
            is_named && !matches!(word, Word::Khtml | Word::Like) && token.version.is_empty();
    }

    /// The system in the first comment: the first one named, but Android calls itself Linux before.
    fn add_system(&mut self, word: Word, token: &Token<'_>) {
        let named = match word {
            Word::Windows => System::Windows,
            Word::Macintosh => System::Mac,
            Word::AppleDevice => System::Ios,
            Word::Android => System::Android,
            Word::X11 => System::Linux,
            Word::Other if token.name == b"Linux" => System::Linux,
            _ => return,
        };
        if named == System::Android || self.system.is_none() {
            self.system = Some(named);
        }
    }

    /// A desktop's system in the first comment: a browser begins with it.
    fn add_desktop(&mut self, word: Word, token: &Token<'_>) {
        self.apple_device |= word == Word::Macintosh;
        if token.comment == 1 && self.mozilla_first && token.leads {
            self.desktop = true;
            let is_system = word == Word::Macintosh || starts_with(token.rest, b"Windows NT");
            self.added_names |= self.starts_strangely && is_system;
        }
    }

    /// A name of the table.
    fn add_known(&mut self, agent: &Agent, token: &Token<'_>) {
        self.impostor |= matches!(agent.means, Means::Chrome | Means::Firefox)
            && token.version.first().is_some_and(u8::is_ascii_alphabetic);
        match agent.means {
            Means::Chrome => self.chrome = leading_number(token.version).max(self.chrome).or(Some(0)),
            Means::Firefox => self.firefox = leading_number(token.version).max(self.firefox).or(Some(0)),
            Means::SafariVersion => self.safari = leading_number(token.version),
            Means::Ancient => {
                self.ancient = true;
                self.msie |= agent.name == "MSIE";
            }
            Means::AppStack | Means::AppleStack => self.app_stack = true,
            Means::Plain => {
                self.plain = true;
                self.harmony |= agent.name == "ArkWeb";
            }
            Means::Office if agent.name == "ms-office" => self.ms_office = true,
            Means::Office if agent.name == "MSOffice" => {
                let after = token.rest.get(token.name.len()..).unwrap_or_default().trim_ascii_start();
                self.office_version = Some(after.first().is_some_and(u8::is_ascii_digit));
            }
            _ => {}
        }
        if matches!(agent.means, Means::Chrome | Means::Firefox | Means::SafariVersion | Means::Plain) {
            self.maker = agent.provider.or(self.maker);
        } else if agent.means.is_mail_program() && !shape::stands_for(token.name, agent) {
            self.propose(Means::Opaque, None);
        } else {
            self.propose(agent.means, agent.provider);
        }
        if token.comment == 0 {
            self.continue_mail(token, agent.means == Means::AppleMail);
            self.extras += u32::from(!matches!(agent.name, "Chrome" | "Version"));
        } else {
            self.awaits_name &= token.comment != self.compatible || !token.leads;
        }
    }

    fn add_unknown(&mut self, token: &Token<'_>) {
        self.add_shape(token, false);
        // No browser says so, and no device is called so.
        self.program |= token.comment != 0 && token.name == b"HTTP" && !token.version.is_empty();
        if token.comment == 0 {
            self.add_apple_stack(token);
            self.extras += 1;
            self.electron |= token.name == b"Electron";
            self.added_names |= token.name.first().is_some_and(u8::is_ascii_alphabetic);
            let is_version =
                if self.android { !token.version.is_empty() } else { shape::is_app_version(token.version) };
            self.own_version |= is_version || ends_with(token.name, b"browser");
            return;
        }
        self.engine |= starts_with(token.name, b"KHTML%2C");
        if self.awaits_name && token.comment == self.compatible && token.leads {
            self.awaits_name = false;
            self.names_itself = true;
        }
        if token.comment == 1 && self.mozilla_first {
            self.starts_strangely |= self.tokens == 2;
            // Behind the Macintosh's system stands at most a language.
            let is_language = token.name.len() == 5;
            self.added_names |= self.desktop && self.apple_device && token.alone && !is_language;
        }
    }

    fn add_outlook(&mut self, name: &[u8]) {
        match shape::names_outlook(name) {
            Some(true) => self.propose(Means::Outlook, Some(Provider::Microsoft)),
            Some(false) => self.propose(Means::Opaque, None),
            None => {}
        }
    }

    /// `Secure Mail Gateway/3` is one name: what it ends in counts as in `MailGateway`.
    fn continue_mail(&mut self, token: &Token<'_>, names_mail: bool) {
        let goes_on = self.mail_so_far.is_some_and(|last| last + 1 == self.tokens);
        if goes_on && shape::names_server(token.name) {
            self.mail = Some(NamesMail::Server);
        }
        if (goes_on || names_mail) && token.version.is_empty() {
            self.mail_so_far = Some(self.tokens);
        }
    }

    /// `Name/1.0 Network/5812.121.1 iOS/26.1` is what any app on Apple's systems sends by default.
    fn add_apple_stack(&mut self, token: &Token<'_>) {
        if token.name == b"Network" && !token.version.is_empty() {
            self.apple_network = true;
        } else if self.apple_network && shape::names_apple_system(token.name) && !token.version.is_empty() {
            self.app_stack = true;
            self.propose(Means::AppleStack, Some(Provider::Apple));
        }
    }

    fn propose(&mut self, means: Means, provider: Option<Provider>) {
        if self.best.is_none_or(|(best, _)| means < best) {
            self.best = Some((means, provider));
        }
    }

    /// What the form of a name tells.
    fn add_shape(&mut self, token: &Token<'_>, known: bool) {
        let outside = token.comment == 0;
        if token.has_signs {
            self.contact = self.contact.max(Some(shape::contact(token)));
        }
        self.proxy |= shape::names_proxy(token.name) || (!outside && token.leads && token.name == b"via");
        // The first comment describes the device, unless it says that it does not. Devices have no
        // version.
        let of_device = token.comment == 1 && self.mozilla_first && self.compatible != 1 && !self.desktop;
        let may_be_domain = token.has_signs && (token.alone || outside) && !known && !self.msie;
        let domain = may_be_domain && shape::names_domain(token.name);
        if outside {
            self.domain |= domain;
            self.program |= shape::names_program(token);
        } else if !of_device || (token.alone && !token.version.is_empty()) {
            self.program |= domain || shape::names_program(token);
        } else {
            self.program |= shape::names_scraper(token.name);
            self.device_program |= token.leads && (domain || shape::names_program(token));
        }
        // Nothing but these words stands in the comment with which each WebKit explains itself.
        if token.leads && starts_with(token.name, b"KHTML") {
            self.khtml = token.comment;
        } else if token.comment == self.khtml && !outside && token.leads && token.version.is_empty() {
            self.names_itself = true;
        }
        if outside {
            let mail = shape::names_mail(token.name);
            self.mail = self.mail.max(mail);
            self.continue_mail(token, mail.is_some());
            self.library |= shape::names_library(token);
            if shape::names_preview(token.name) && !known {
                self.propose(Means::Preview, None);
            }
            if !known {
                self.add_outlook(token.name);
            }
        }
    }
}

/// `Slackbot-LinkExpanding`, `okhttp3`: what stands before the first sign that is no letter. A dot,
/// colon or escaped blank makes another name of it: `Mail::STS`, `Mail.RU`, `Mail%20by%20Unheard`.
fn stem<'a>(token: &Token<'a>) -> Option<&'a [u8]> {
    let at = token.name.iter().position(|byte| !byte.is_ascii_alphabetic())?;
    let (stem, rest) = token.name.split_at_checked(at)?;
    let is_other = matches!(rest.first(), Some(b'.' | b':' | b'%'));
    (token.comment == 0 && stem.len() > 2 && !is_other).then_some(stem)
}
