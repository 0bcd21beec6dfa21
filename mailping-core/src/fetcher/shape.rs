//! What a token's form tells, so that next year's names need no line in the table.

use super::agent_names::{Agent, Means};
use super::tokens::{Token, ends_with, starts_with};

/// How self-running programs end their names. Read as the end of a word, outside the description of
/// a device, whose model may be a `Cubot`.
const PROGRAMS: &[&[u8]] = &[
    b"bot",
    b"bots",
    b"crawler",
    b"crawlers",
    b"crawlerd",
    b"crawl",
    b"spider",
    b"spiders",
    b"scraper",
    b"archiver",
    b"fetcher",
    b"checker",
    b"validator",
    b"monitor",
    b"monitoring",
    b"indexer",
    b"scanner",
    b"scan",
    b"probe",
    b"prober",
    b"preview",
    b"previewer",
    b"harvester",
    b"linkcheck",
    b"healthcheck",
    b"sitecheck",
    b"synthetics",
    b"screenshot",
    b"screenshots",
    b"renderer",
    b"transcoder",
    b"auditor",
    b"grabber",
    b"downloader",
    b"extractor",
    b"collector",
    b"aggregator",
    b"detector",
    b"verifier",
    b"analyzer",
    b"agent",
    b"scraping",
    b"synthetic",
    b"tester",
    b"watcher",
    b"resolver",
    b"optimizer",
    b"inspector",
    b"audit",
    b"sampling",
    b"sampler",
];

/// Names of programs that no device has, so that they are believed in its description too.
const SCRAPERS: &[&[u8]] = &[b"scraper", b"scrapers", b"scraping", b"harvester"];

/// How the image proxies of mailbox providers end their names.
const PROXIES: &[&[u8]] = &[b"imageproxy", b"mailproxy"];

/// Domains that a program may be named for. Not `net`: `.NET` is a library.
const DOMAINS: &[&[u8]] = &[b"com", b"org", b"info", b"biz", b"io", b"dev", b"ai"];

/// Does the name call itself a program, as `SiteCheck-sitecrawl` and `MJ12bot` do?
pub(super) fn names_program(token: &Token<'_>) -> bool {
    if !token.has_signs {
        return ends_as_program(token.name);
    }
    let parts = token.name.split(|byte| matches!(byte, b'-' | b'_' | b'.' | b':' | b'!'));
    if let Some((first, last)) = parts.clone().next().zip(parts.clone().skip(1).last()) {
        // `Google-Read-Aloud`, `PlayStore-Google`; what fetches for an assistant's user is called
        // `ChatGPT-User`.
        let of_google = first.eq_ignore_ascii_case(b"Google") || last.eq_ignore_ascii_case(b"Google");
        if of_google || last.eq_ignore_ascii_case(b"User") {
            return true;
        }
        // Some put the header's own name into its value.
        if first.eq_ignore_ascii_case(b"User") {
            return false;
        }
    }
    parts.into_iter().any(ends_as_program)
}

/// Does the name end as that of no device does?
pub(super) fn names_scraper(name: &[u8]) -> bool {
    let mut parts = name.split(|byte| matches!(byte, b'-' | b'_' | b'.')).map(without_version);
    // A telephone may be called Crawler, but not by a word that ends so.
    let crawls = |part: &[u8]| ends_with(part, b"crawler") && part.len() > 7;
    parts.any(|part| crawls(part) || SCRAPERS.iter().any(|end| ends_with(part, end)))
}

fn ends_as_program(part: &[u8]) -> bool {
    let part = without_version(part);
    let mut candidates = LAST_LETTERS.get(letter(part.last())).copied().unwrap_or(0);
    while candidates != 0 {
        let end = PROGRAMS.get(candidates.trailing_zeros() as usize).copied().unwrap_or_default();
        if ends_with(part, end) {
            return !part.eq_ignore_ascii_case(b"cubot");
        }
        candidates &= candidates - 1;
    }
    false
}

/// Which of [`PROGRAMS`] end in which letter, one bit each: most tokens are done with after one
/// look.
const LAST_LETTERS: [u64; 32] = {
    let mut letters = [0; 32];
    let mut at = 0;
    while at < PROGRAMS.len() {
        letters[(PROGRAMS[at][PROGRAMS[at].len() - 1] % 32) as usize] |= 1 << at;
        at += 1;
    }
    letters
};

/// A letter's place in the alphabet, in either case; other signs fall among them and are sorted out
/// later.
fn letter(byte: Option<&u8>) -> usize {
    byte.map_or(0, |byte| usize::from(byte % 32))
}

/// What a name with "mail" in it is the name of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum NamesMail {
    Client,
    /// What serves mail, sends it or filters it.
    Server,
}

/// How servers, senders and filters end their names, or begin the rest of a name that starts with
/// "mail".
const SERVERS: &[&[u8]] = &[
    b"server",
    b"proxy",
    b"gateway",
    b"relay",
    b"daemon",
    b"filter",
    b"guard",
    b"hook",
    b"api",
    b"smtp",
    b"imap",
    b"sender",
    b"engine",
    b"suite",
    b"security",
    b"admin",
    b"backend",
    b"service",
    b"protect",
    b"protection",
    b"defense",
    b"defence",
    b"defender",
    b"shield",
    b"antivirus",
    b"antispam",
    b"sandbox",
    b"archive",
    b"tracker",
    b"parser",
    b"deploy",
    b"fetch",
    b"kit",
    b"sdk",
];

/// Does the name start or end in "mail", as `MailMasterPC` and `kmail2` do, or have it as a word
/// inside, as `NaverMailApp` does? A webmail is a server, and so is what calls itself one. Words of
/// a name have signs or blanks between them.
pub(super) fn names_mail(name: &[u8]) -> Option<NamesMail> {
    let is_name = |part: &&[u8]| part.iter().all(u8::is_ascii_alphanumeric);
    let parts = name.split(|byte| matches!(byte, b'-' | b'_' | b' ')).map(without_digits);
    let names = |part: &[u8]| starts_with(part, b"mail") || ends_with(part, b"mail") || has_mail_inside(part);
    if !parts.clone().filter(is_name).any(names) {
        return None;
    }
    let serves =
        |part: &[u8]| contains(part, b"webmail") || starts_with(part, b"mailer") || names_server(part);
    Some(if parts.clone().any(serves) { NamesMail::Server } else { NamesMail::Client })
}

/// Does the word end as servers', senders' and filters' do?
pub(super) fn names_server(word: &[u8]) -> bool {
    let word = without_digits(word);
    SERVERS.iter().any(|end| ends_with(word, end))
}

/// `NaverMailApp`: a word of its own between others.
fn has_mail_inside(part: &[u8]) -> bool {
    part.windows(6).any(|at| {
        matches!(at, [before, b'M', b'a', b'i', b'l', after] if before.is_ascii_lowercase() && after.is_ascii_uppercase())
    })
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|at| at.eq_ignore_ascii_case(part))
}

/// The name with a blank for each `%20`; `None` if it has none or is longer than any app's.
pub(super) fn without_escapes<'a>(name: &[u8], room: &'a mut [u8; 64]) -> Option<&'a [u8]> {
    let (mut rest, mut len, mut found) = (name, 0, false);
    while let Some((byte, after)) = rest.split_first() {
        let (byte, after) = match after.strip_prefix(b"20") {
            Some(after) if *byte == b'%' => {
                found = true;
                (&b' ', after)
            }
            _ => (byte, after),
        };
        *room.get_mut(len)? = *byte;
        (rest, len) = (after, len + 1);
    }
    room.get(..len).filter(|_| found)
}

/// Is it one of Apple's systems, as its stack names them?
pub(super) fn names_apple_system(name: &[u8]) -> bool {
    const SYSTEMS: [&[u8]; 8] =
        [b"iOS", b"iPadOS", b"macOS", b"watchOS", b"tvOS", b"visionOS", b"xrOS", b"MacCatalyst"];
    SYSTEMS.iter().any(|system| name.eq_ignore_ascii_case(system))
}

/// What may follow the name of a mail program and leave it one.
const EDITIONS: &[&[u8]] = &[
    b"android", b"app", b"beta", b"daily", b"desktop", b"esr", b"express", b"for", b"formac", b"ios",
    b"ipad", b"iphone", b"lite", b"linux", b"mac", b"macos", b"mail", b"mobile", b"new", b"nightly", b"osx",
    b"pro", b"win", b"windows",
];

fn is_edition(rest: &[u8]) -> bool {
    rest.split(|byte| matches!(byte, b'-' | b'_' | b' ')).all(|part| {
        let part = without_digits(part);
        let digits = part.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let word = part.get(digits..).unwrap_or_default();
        word.is_empty() || EDITIONS.iter().any(|edition| word.eq_ignore_ascii_case(edition))
    })
}

/// Does a token that begins with a mail program's name mean it? `Spark-iOS` does; `spark-submit`
/// and the tool `hey` are called by the same words.
pub(super) fn stands_for(token: &[u8], program: &Agent) -> bool {
    let is_capital = |byte: &u8| byte.is_ascii_uppercase();
    let may_be_word = program.means == Means::MailClient && program.name.as_bytes().iter().any(is_capital);
    let is_spelled = !may_be_word || token.iter().any(is_capital) || names_mail(token).is_some();
    is_spelled && is_edition(token.get(program.name.len()..).unwrap_or_default())
}

/// Does one of the name's words start or end in "Outlook"? If so, whether the rest of the name
/// leaves it Outlook's.
pub(super) fn names_outlook(name: &[u8]) -> Option<bool> {
    let mut words = name.split(|byte| *byte == b' ');
    let word = words.find(|word| starts_with(word, b"outlook") || ends_with(word, b"outlook"))?;
    let rest = if ends_with(word, b"outlook") { b"" } else { word.get(7..).unwrap_or_default() };
    Some(is_edition(rest) && words.all(is_edition))
}

/// Does the name end as those of image proxies do, as `Mail-Image-Proxy` does too?
pub(super) fn names_proxy(name: &[u8]) -> bool {
    PROXIES.iter().any(|end| ends_with_letters(name, end))
}

/// Does the text end so, whatever hyphens stand between?
fn ends_with_letters(text: &[u8], suffix: &[u8]) -> bool {
    let mut letters = text.iter().rev().filter(|byte| !matches!(byte, b'-' | b'_'));
    suffix.iter().rev().all(|byte| letters.next().is_some_and(|letter| letter.eq_ignore_ascii_case(byte)))
}

/// Is the name a domain? Apps are named the other way round, such as `com.example.app`.
pub(super) fn names_domain(name: &[u8]) -> bool {
    let mut labels = name.rsplit(|byte| *byte == b'.');
    let top = labels.next().unwrap_or_default();
    let Some(label) = labels.next() else { return false };
    let of_country =
        top.len() == 2 && top.iter().chain(label).all(u8::is_ascii_alphabetic) && label.len() > 2;
    let known = DOMAINS.iter().any(|known| top.eq_ignore_ascii_case(known));
    (of_country || (known && label.len() > 1)) && !starts_with(name, b"com.")
}

/// Does the name say that it speaks HTTP, as `http.rb` and `AsyncHTTPClient` do?
pub(super) fn names_library(token: &Token<'_>) -> bool {
    let name = token.name;
    let mut parts = name.split(|byte| matches!(byte, b'-' | b'_' | b'.')).map(without_digits);
    parts.any(|part| {
        ends_with(part, b"httpclient") || (part.eq_ignore_ascii_case(b"http") && name.len() > part.len())
    })
}

/// Does the name call itself a preview? Apps whose names hold blanks, such as Safari's own preview,
/// do not.
pub(super) fn names_preview(name: &[u8]) -> bool {
    ends_with(name, b"preview") && !name.contains(&b'%')
}

/// Has a version the form that only apps and browsers give theirs: several digits in a part, or no
/// number at all? What somebody puts into a browser's agent by hand is `1.0`.
pub(super) fn is_app_version(version: &[u8]) -> bool {
    let mut parts = version.split(|byte| *byte == b'.');
    !version.is_empty() && parts.any(|part| part.len() > 1 || !part.iter().all(u8::is_ascii_digit))
}

/// How openly a token gives an address where somebody can be reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Contact {
    None,
    /// Toolbars of the old Internet Explorer write their maker's address like that too.
    Plain,
    /// `+http://…`, which only self-running programs write.
    Plus,
}

/// Is the token an address of the web or of e-mail?
pub(super) fn contact(token: &Token<'_>) -> Contact {
    let name = token.name;
    let may_start = matches!(name.first(), Some(b'+' | b'h' | b'H' | b'w' | b'W' | b'm' | b'M'));
    if !may_start {
        return if is_email(name) { Contact::Plain } else { Contact::None };
    }
    if starts_with(name, b"+http") || starts_with(name, b"+www.") || starts_with(name, b"+mailto:") {
        return Contact::Plus;
    }
    let web = [&b"http:"[..], b"https:", b"www.", b"mailto:"].iter().any(|start| starts_with(name, start));
    if web || is_email(name) { Contact::Plain } else { Contact::None }
}

/// `info@example.com` is; `android@111.0.5563.58` is not.
fn is_email(name: &[u8]) -> bool {
    let Some(at) = name.iter().position(|byte| *byte == b'@') else { return false };
    let domain = name.get(at + 1..).unwrap_or_default();
    let Some(dot) = domain.iter().rposition(|byte| *byte == b'.') else { return false };
    let top = domain.get(dot + 1..).unwrap_or_default();
    at > 0 && dot > 0 && top.len() > 1 && top.iter().all(u8::is_ascii_alphabetic)
}

/// `ScraperV2` and `bot3` without their numbers.
fn without_version(part: &[u8]) -> &[u8] {
    let name = without_digits(part);
    match name {
        [start @ .., b'v' | b'V'] if name.len() < part.len() => start,
        _ => name,
    }
}

fn without_digits(part: &[u8]) -> &[u8] {
    let end = part.iter().rposition(|byte| !byte.is_ascii_digit()).map_or(0, |last| last + 1);
    part.get(..end).unwrap_or(part)
}

#[cfg(test)]
mod tests;
