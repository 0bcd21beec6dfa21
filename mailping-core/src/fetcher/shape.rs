//! What a token's form tells, so that next year's names need no line in the table.

use super::tokens::{Token, ends_with, starts_with};

/// How self-running programs end their names. Read as the end of a word, outside the description of a device, whose
/// model may be a `Cubot`.
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
];

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
        // `Google-Read-Aloud`, `PlayStore-Google`; what fetches for an assistant's user is called `ChatGPT-User`.
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

fn ends_as_program(part: &[u8]) -> bool {
    let part = without_digits(part);
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

/// Which of [`PROGRAMS`] end in which letter, one bit each: most tokens are done with after one look.
const LAST_LETTERS: [u64; 32] = {
    let mut letters = [0; 32];
    let mut at = 0;
    while at < PROGRAMS.len() {
        letters[(PROGRAMS[at][PROGRAMS[at].len() - 1] % 32) as usize] |= 1 << at;
        at += 1;
    }
    letters
};

/// A letter's place in the alphabet, in either case; other signs fall among them and are sorted out later.
fn letter(byte: Option<&u8>) -> usize {
    byte.map_or(0, |byte| usize::from(byte % 32))
}

/// Does the name start or end in "mail", as `MailMasterPC` and `kmail2` do?
pub(super) fn names_mail(name: &[u8]) -> bool {
    let is_name = |part: &&[u8]| part.iter().all(u8::is_ascii_alphanumeric);
    let mut parts = name.split(|byte| matches!(byte, b'-' | b'_')).filter(is_name).map(without_digits);
    parts.any(|part| starts_with(part, b"mail") || ends_with(part, b"mail"))
}

/// Does the name start or end in "Outlook"?
pub(super) fn names_outlook(name: &[u8]) -> bool {
    starts_with(name, b"outlook") || ends_with(name, b"outlook")
}

/// Does the name end as those of image proxies do?
pub(super) fn names_proxy(name: &[u8]) -> bool {
    PROXIES.iter().any(|end| ends_with(name, end))
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

/// Does the name call itself a preview? Apps whose names hold blanks, such as Safari's own preview, do not.
pub(super) fn names_preview(name: &[u8]) -> bool {
    ends_with(name, b"preview") && !name.contains(&b'%')
}

/// Has a version the form that only apps and browsers give theirs: several digits in a part, or no number at all?
/// What somebody puts into a browser's agent by hand is `1.0`.
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

fn without_digits(part: &[u8]) -> &[u8] {
    let end = part.iter().rposition(|byte| !byte.is_ascii_digit()).map_or(0, |last| last + 1);
    part.get(..end).unwrap_or(part)
}

#[cfg(test)]
mod tests {
    use super::super::tokens::Tokens;
    use super::*;

    #[test]
    fn programs_are_known_by_the_end_of_a_word() {
        for name in ["MJ12bot", "Mail.RU_Bot", "GenomeCrawlerd", "SiteCheck-sitecrawl", "Luminator-robots"] {
            assert!(Tokens::new(name.as_bytes()).all(|token| names_program(&token)), "{name}");
        }
        for name in ["Cubot", "Botany", "Safari", "javabottle", "Scandia"] {
            assert!(Tokens::new(name.as_bytes()).all(|token| !names_program(&token)), "{name}");
        }
    }

    #[test]
    fn mail_is_known_at_either_end_of_a_word() {
        for name in ["MailMasterPC", "kmail2", "ZohoMail-Desktop", "Foxmail", "mailapp"] {
            assert!(names_mail(name.as_bytes()), "{name}");
        }
        for name in ["YahooMailProxy", "Chromailer", "mailto:x"] {
            assert!(!names_mail(name.as_bytes()), "{name}");
        }
    }

    #[test]
    fn a_build_number_after_an_at_sign_is_no_address() {
        assert!(is_email(b"info@example.com"));
        assert!(!is_email(b"android@111.0.5563.58"));
        assert!(!is_email(b"@example.com"));
    }

    #[track_caller]
    fn tells(rule: impl Fn(&[u8]) -> bool, yes: &[&str], no: &[&str]) {
        for (names, expected) in [(yes, true), (no, false)] {
            for name in names {
                assert_eq!(rule(name.as_bytes()), expected, "{name}");
            }
        }
    }

    fn with_token(name: &[u8], rule: impl Fn(&Token<'_>) -> bool) -> bool {
        rule(&Tokens::new(name).next().unwrap())
    }

    #[test]
    fn what_fetches_for_an_assistants_user_or_for_google_is_a_program() {
        let program = |name: &[u8]| with_token(name, names_program);
        let yes =
            ["Google-Read-Aloud", "PlayStore-Google", "ChatGPT-User", "Unheard-Agent", "bot2", "a.bot.b"];
        tells(program, &yes, &["User-Agent", "Google", "Unheard-Thing", "Unheard_User_Thing", "Cubot"]);
    }

    #[test]
    fn a_domain_has_a_label_of_some_length_and_a_known_end_or_a_countrys() {
        let yes = ["ab.com", "unheard.io", "www.unheard.org", "abc.de"];
        tells(
            names_domain,
            &yes,
            &["a.com", "ab.de", "abc1.de", "abc.d3", "abc.net", "abc.xyz", "com.unheard.io", "com"],
        );
    }

    #[test]
    fn a_library_says_http_in_a_part_of_its_name() {
        let library = |name: &[u8]| with_token(name, names_library);
        tells(
            library,
            &["http.rb", "AsyncHTTPClient", "unheard-http2", "x_HttpClient_y"],
            &["http", "httpx", "unheardhttp"],
        );
    }

    #[test]
    fn previews_and_outlooks_are_known_by_the_ends_of_their_names() {
        tells(names_preview, &["UnheardPreview", "preview"], &["Unheard%20Preview", "Previews"]);
        tells(names_outlook, &["OutlookUnheard", "UnheardOutlook"], &["UnOutlookable", "Outloo"]);
        tells(names_proxy, &["UnheardImageProxy", "MailProxy"], &["UnheardProxy", "ImageProxyUnheard"]);
    }

    #[test]
    fn only_apps_have_versions_of_several_digits_or_without_a_number() {
        tells(is_app_version, &["12.0", "1.10", "1.0b", "x", "1.x"], &["", "1", "1.0", "1.2.3"]);
    }

    #[test]
    fn an_address_is_plain_or_has_the_plus_that_programs_alone_write() {
        // Without a blank in the text, a plus is one.
        let contact = |name: &str| contact(&Tokens::new(format!("x {name}").as_bytes()).nth(1).unwrap());
        for name in ["+http://a.example", "+https://a", "+www.a.example", "+mailto:x"] {
            assert_eq!(contact(name), Contact::Plus, "{name}");
        }
        let plain = [
            "http://a.example",
            "HTTPS://a",
            "www.a.example",
            "mailto:x",
            "info@a.example",
            "mary@a.example",
        ];
        for name in plain {
            assert_eq!(contact(name), Contact::Plain, "{name}");
        }
        for name in ["hello", "www", "info", "+x", "mary@a"] {
            assert_eq!(contact(name), Contact::None, "{name}");
        }
        tells(is_email, &["a@b.co", "a@b.c.de"], &["a@b.c", "a@b.c1", "a@.com", "@b.com", "a@b", "a@b."]);
    }
}
