//! Each form of a token, at its edges.

use super::*;
use crate::fetcher::tokens::Tokens;

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
        assert_eq!(names_mail(name.as_bytes()), Some(NamesMail::Client), "{name}");
    }
    for name in ["Chromailer", "mailto:x", "EMailTool", "Gmailer", "XMailX", "remailapp"] {
        assert_eq!(names_mail(name.as_bytes()), None, "{name}");
    }
}

#[test]
fn what_serves_sends_or_filters_mail_is_no_mail_program() {
    for name in [
        "WebMail",
        "AcmeWebmail2",
        "mailserver",
        "MailGateway-x",
        "YahooMailProxy",
        "mailer",
        "Acme-Mail-Server",
        "MailFilter3",
    ] {
        assert_eq!(names_mail(name.as_bytes()), Some(NamesMail::Server), "{name}");
    }
    for name in ["NaverMailApp", "AcmeMailPro", "Webmix-Mail"] {
        assert_eq!(names_mail(name.as_bytes()), Some(NamesMail::Client), "{name}");
    }
}

#[test]
fn blanks_that_were_escaped_come_back_and_nothing_else_does() {
    let mut room = [0; 64];
    assert_eq!(without_escapes(b"Yahoo%20Mail%20", &mut room), Some(&b"Yahoo Mail "[..]));
    assert_eq!(without_escapes(b"a%2", &mut room), None);
    assert_eq!(without_escapes(b"a%21b", &mut room), None);
    assert_eq!(without_escapes(&[b'%'; 65], &mut room), None);
}

#[test]
fn a_version_mark_does_not_hide_a_program() {
    tells(
        names_scraper,
        &["HeadOnlyScraperV2", "Acme-WebCrawler3", "scraper"],
        &["Scrape", "Crawler", "CrawlerX", "V2", "Handybot"],
    );
    for name in ["AcmeBotV3", "acmebotv12"] {
        assert!(Tokens::new(name.as_bytes()).all(|token| names_program(&token)), "{name}");
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
    let yes = ["Google-Read-Aloud", "PlayStore-Google", "ChatGPT-User", "Unheard-Agent", "bot2", "a.bot.b"];
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
    let is_outlook = |name: &[u8]| names_outlook(name) == Some(true);
    tells(is_outlook, &["OutlookMobile", "UnheardOutlook"], &["OutlookUnheard", "UnOutlookable", "Outloo"]);
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
    let plain =
        ["http://a.example", "HTTPS://a", "www.a.example", "mailto:x", "info@a.example", "mary@a.example"];
    for name in plain {
        assert_eq!(contact(name), Contact::Plain, "{name}");
    }
    for name in ["hello", "www", "info", "+x", "mary@a"] {
        assert_eq!(contact(name), Contact::None, "{name}");
    }
    tells(is_email, &["a@b.co", "a@b.c.de"], &["a@b.c", "a@b.c1", "a@.com", "@b.com", "a@b", "a@b."]);
}
