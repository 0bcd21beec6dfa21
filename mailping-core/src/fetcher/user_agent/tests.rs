//! Readings of agents at the edges of the rules in `hints.rs`, `shape.rs` and `user_agent.rs`: each
//! pair of rows differs in one thing. The corpora score the rules as a whole; here each row stands
//! for itself.

use super::super::Provider;
use super::*;

const CHROME: &str = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36";
const WINDOWS: &str = "Mozilla/5.0 (Windows NT 10.0; Win64; x64)";
const BLINK: &str = "AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36";
const ANDROID: &str =
    "AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/140.0.0.0 Mobile Safari/537.36";

fn kind(text: &str) -> Kind {
    read(Some(text.as_bytes())).kind
}

#[track_caller]
fn all(rows: &[(&str, Kind)]) {
    for (template, expected) in rows {
        let text =
            template.replace("{windows}", WINDOWS).replace("{blink}", BLINK).replace("{android}", ANDROID);
        assert_eq!(kind(&text), *expected, "{text}");
    }
}

#[test]
fn no_agent_and_one_without_a_letter_are_told_apart() {
    all(&[("", Kind::Missing), (" \t", Kind::Missing), ("-", Kind::Opaque), ("5.0", Kind::Opaque)]);
    assert_eq!(read(None).kind, Kind::Missing);
    all(&[("Mozilla/5.0", Kind::BareMozilla), ("Mozilla/5.0 Mozilla/5.0", Kind::Opaque)]);
    // A second one of another version is none of Gmail's.
    all(&[
        ("{windows} {blink} Mozilla/5.0", Kind::GmailPrefetch),
        ("{windows} {blink} Mozilla/4.0", Kind::Browser),
    ]);
}

#[test]
fn a_mailbox_providers_name_without_a_browser_is_no_display() {
    all(&[("FastmailUA/1.0", Kind::OtherProxy), ("{windows} {blink} FastmailUA/1.0", Kind::DisplayProxy)]);
}

#[test]
fn a_program_where_a_device_would_stand_is_one_unless_a_devices_browser_follows() {
    all(&[
        ("Mozilla/5.0 (Unheardbot)", Kind::Bot),
        ("Mozilla/5.0 (Unheardbot; Windows NT 10.0) {blink}", Kind::Bot),
        ("Mozilla/5.0 (Linux; Android 15; Unheardbot) {android}", Kind::Browser),
        ("Mozilla/5.0 (Linux; Android 15; Unheardbot/1.0) {android}", Kind::Bot),
        ("Mozilla/5.0 (Linux; Android 15; An Unheardbot) {android}", Kind::Browser),
        ("{windows} {blink} (Unheardbot)", Kind::Bot),
        // What names the system must stand first in the first comment.
        ("Mozilla/5.0 (Unheardbot Windows NT 10.0) {blink}", Kind::Browser),
        ("Mozilla/5.0 (Unheardbot) {blink} (Windows NT 10.0)", Kind::Browser),
    ]);
}

#[test]
fn apple_mail_is_known_by_the_stack_beside_its_name() {
    all(&[
        ("Mail/3445.1.6 CFNetwork/887 Darwin/17.0.0", Kind::AppleMail),
        ("Mail/3445.1.6", Kind::MailClient),
    ]);
}

#[test]
fn old_outlooks_are_told_from_other_office_programs() {
    all(&[
        ("Mozilla/4.0 (compatible; ms-office; MSOffice 16)", Kind::Outlook),
        ("Mozilla/4.0 (compatible; ms-office; MSOffice rmj)", Kind::Office),
        ("Mozilla/4.0 (compatible; MSIE 7.0; Windows NT 6.1; Trident/7.0; ms-office)", Kind::Outlook),
        ("Mozilla/4.0 (compatible; Trident/7.0; ms-office)", Kind::Office),
        ("Mozilla/4.0 (compatible; MSIE 7.0; Windows NT 6.1; Microsoft Office)", Kind::Office),
        ("Mozilla/4.0 (compatible; MSIE 7.0; Windows NT 6.1; OutlookAddin)", Kind::StaleBrowser),
        ("UnheardOutlook/1.0", Kind::Outlook),
        ("OneNote 16.0", Kind::Office),
    ]);
}

#[test]
fn what_is_no_browser_is_told_by_what_follows_its_name() {
    all(&[
        ("Unheard/1.0 {blink}", Kind::Opaque),
        (
            "Unheard/1.0 (iPhone) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.0 Safari/605.1.15",
            Kind::Opaque,
        ),
        ("Unheard/1.0 AppleWebKit/605.1.15 (KHTML, like Gecko)", Kind::NoBrowser),
        ("Unheard/1.0 Chrome/140.0.0.0", Kind::NoBrowser),
        ("Unheard/1.0 (iPad; iOS 26.1; Scale/2.00)", Kind::AppStack),
        ("Unheard/1.0 (Linux; Android 15)", Kind::AppStack),
        ("Unheard/1.0 (Macintosh)", Kind::NoBrowser),
        ("UnheardHTTPClient/1.0", Kind::Library),
        ("Unheard-http/1.0", Kind::Library),
        ("http/1.0", Kind::NoBrowser),
        ("UnheardPreview/1.0", Kind::Preview),
        ("Unheard%20Preview/1.0", Kind::Bot),
        ("UnheardMail/1.0", Kind::MailClient),
    ]);
}

#[test]
fn mozilla_without_an_engine_is_old_a_program_or_nothing() {
    all(&[
        ("Mozilla/4.76 [en] (X11; U; Linux)", Kind::StaleBrowser),
        ("Mozilla/4.0 (compatible)", Kind::Opaque),
        ("Mozilla/5.0 (X11; Linux x86_64)", Kind::Opaque),
        ("Mozilla/6.0 (X11; Linux x86_64)", Kind::Opaque),
        ("Mozilla/5.0 (X11; Linux x86_64) Unheard/1.0", Kind::NoBrowser),
        ("Mozilla/5.0 (X11; Linux x86_64) 1.0", Kind::NoBrowser),
    ]);
}

#[test]
fn each_browser_is_as_fresh_as_its_own_version_says() {
    let safari = |system: &str, version: u32| {
        format!(
            "Mozilla/5.0 ({system}) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/{version}.0 Safari/605.1.15"
        )
    };
    let (mac, telephone) = ("Macintosh; Intel Mac OS X 10_15_7", "iPhone; CPU iPhone OS 26_1 like Mac OS X");
    for (text, expected) in [
        (safari(mac, 14), Kind::Browser),
        (safari(mac, 13), Kind::StaleBrowser),
        (safari(telephone, 13), Kind::StaleBrowser),
        (safari("Linux; U; Android 4.4", 14), Kind::StaleBrowser),
        (format!("{WINDOWS} AppleWebKit/537.36 (KHTML, like Gecko) Chrome/100.0.0.0 Safari/537.36"), Kind::Browser),
        (format!("{WINDOWS} AppleWebKit/537.36 (KHTML, like Gecko) Chrome/99.0.0.0 Safari/537.36"), Kind::StaleBrowser),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:100.0) Gecko/20100101 Firefox/100.0".to_owned(), Kind::Browser),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:99.0) Gecko/20100101 Firefox/99.0".to_owned(), Kind::StaleBrowser),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 14_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148 Unheard"
                .to_owned(),
            Kind::Browser,
        ),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 13_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148 Unheard"
                .to_owned(),
            Kind::StaleBrowser,
        ),
        (format!("{WINDOWS} AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36 Edge/18.0"), Kind::StaleBrowser),
    ] {
        assert_eq!(kind(&text), expected, "{text}");
    }
}

#[test]
fn a_web_view_is_one_by_its_mark_and_nothing_added() {
    all(&[
        ("Mozilla/5.0 (Linux; Android 15; Pixel 9; wv) {android}", Kind::Webview),
        ("Mozilla/5.0 (Linux; Android 15; Pixel 9 wv) {android}", Kind::Browser),
        ("Mozilla/5.0 (Linux; Android 15; Pixel 9) {android}", Kind::Browser),
        ("Mozilla/5.0 (Linux; Android 15; Pixel 9; wv) {android} Unheard/1.0", Kind::Browser),
        ("Mozilla/5.0 (Linux; Android 15; Pixel 9; wv) {android} Vivaldi/7.0", Kind::Browser),
        ("Mozilla/5.0 (Linux; Android 15; Pixel 9; wv) {android} (x y)", Kind::Browser),
        ("Mozilla/5.0 (X11; Linux x86_64; wv) {blink}", Kind::Browser),
    ]);
}

#[test]
fn a_name_added_to_a_browser_counts_unless_an_app_or_a_known_browser_has_it() {
    all(&[
        ("{windows} {blink} Unheard/1.0", Kind::AddedName),
        ("{windows} {blink} Unheard", Kind::AddedName),
        ("{windows} {blink} Unheard/12.0", Kind::Browser),
        ("{windows} {blink} Unheard/1.0b", Kind::Browser),
        ("{windows} {blink} UnheardBrowser/1.0", Kind::Browser),
        ("{windows} {blink} Unheard/1.0 Vivaldi/7.0", Kind::Browser),
        ("{windows} {blink} Electron/38.1.0", Kind::AddedName),
        ("{windows} {blink} Electron/38.1.0 Vivaldi/7.0", Kind::Browser),
        ("{windows} {blink} 12.0", Kind::Browser),
        // In an app a name is an app's.
        (
            "Mozilla/5.0 (Linux; Android 15; Pixel 9; wv) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Mobile Safari/537.36 Unheard",
            Kind::Browser,
        ),
        ("Mozilla/5.0 (Linux; Android 15; Pixel 9) {android} Unheard", Kind::Browser),
        ("Mozilla/5.0 (Linux; Android 15; Pixel 9) {blink} Unheard", Kind::AddedName),
        ("Mozilla/5.0 (Linux; Android 15; Pixel 9) {blink} Unheard/1", Kind::Browser),
        // Where the system should stand, or behind it.
        ("Mozilla/5.0 (Unheard; Windows NT 10.0) {blink}", Kind::AddedName),
        ("Mozilla/5.0 (Unheard; Windows) {blink}", Kind::Browser),
        ("Mozilla/5.0 (Unheard; Macintosh) {blink}", Kind::AddedName),
        ("Mozilla/5.0 (Unheard; X11; Linux x86_64) {blink}", Kind::Browser),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7; Unheard) {blink}", Kind::AddedName),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7; en-us) {blink}", Kind::Browser),
        ("Mozilla/5.0 (Windows NT 10.0; Unheard) {blink}", Kind::Browser),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) {blink} (Unheard)", Kind::Browser),
    ]);
}

#[test]
fn a_name_behind_compatible_or_beside_khtml_is_a_programs() {
    all(&[
        ("Mozilla/5.0 (compatible; Unheard/1.0)", Kind::Bot),
        ("Mozilla/5.0 (compatible; MSIE 9.0; Windows NT 6.1; Trident/5.0; Unheard)", Kind::StaleBrowser),
        ("Mozilla/5.0 (compatible; 1.0; Unheard)", Kind::Bot),
        (
            "{windows} AppleWebKit/537.36 (KHTML, like Gecko, Mobile) Chrome/140.0.0.0 Safari/537.36",
            Kind::Bot,
        ),
        ("Mozilla/5.0 (compatible Foo; Unheard)", Kind::Opaque),
        ("Mozilla/4.0 (compatible; 7 MSIE; Unheard)", Kind::Bot),
        ("Mozilla/5.0 (compatible Unheard)", Kind::Opaque),
        (
            "{windows} AppleWebKit/537.36 (KHTML, like Gecko, Unheard) Chrome/140.0.0.0 Safari/537.36",
            Kind::Bot,
        ),
        (
            "{windows} AppleWebKit/537.36 (KHTML, like Gecko, Unheard/1.0) Chrome/140.0.0.0 Safari/537.36",
            Kind::Browser,
        ),
        (
            "{windows} AppleWebKit/537.36 (KHTML, like Gecko, Safari) Chrome/140.0.0.0 Safari/537.36",
            Kind::Bot,
        ),
        (
            "{windows} AppleWebKit/537.36 (KHTML, like Gecko) (Unheard) Chrome/140.0.0.0 Safari/537.36",
            Kind::Browser,
        ),
    ]);
}

#[test]
fn an_address_to_reach_somebody_is_a_programs_but_in_internet_explorers_toolbars() {
    all(&[
        ("{windows} {blink} (+https://unheard.example/)", Kind::Contact),
        ("{windows} {blink} (https://unheard.example/)", Kind::Contact),
        (
            "Mozilla/4.0 (compatible; MSIE 7.0; Windows NT 6.1; Trident/4.0; http://unheard.example/)",
            Kind::StaleBrowser,
        ),
        (
            "Mozilla/4.0 (compatible; MSIE 7.0; Windows NT 6.1; Trident/4.0; +http://unheard.example/)",
            Kind::Contact,
        ),
        ("{windows} {blink} (unheard.com)", Kind::Bot),
        ("{windows} {blink} (see unheard.com)", Kind::Browser),
        ("{windows} {blink} unheard.example.com", Kind::Bot),
        ("Mozilla/4.0 (compatible; MSIE 7.0; Windows NT 6.1; Trident/4.0; unheard.com)", Kind::StaleBrowser),
    ]);
}

#[test]
fn what_follows_a_known_name_belongs_to_it_where_no_dot_or_colon_parts_them() {
    all(&[
        ("okhttp3/4.0", Kind::AppStack),
        ("curl_unheard/1.0", Kind::Library),
        ("curl.unheard/1.0", Kind::NoBrowser),
    ]);
    all(&[("CFNetwork-x.com/1.0", Kind::AppStack), ("{windows} {blink} Qt5/5.0", Kind::AddedName)]);
    all(&[("curl:unheard/1.0", Kind::NoBrowser), ("{windows} {blink} (curl_unheard)", Kind::Browser)]);
}

#[test]
fn the_maker_is_named_where_the_agent_names_one_and_google_for_plain_chrome() {
    let maker = |text: &str| read(Some(text.as_bytes())).provider;
    assert_eq!(maker(&format!("{WINDOWS} {BLINK}")), Some(Provider::Google));
    assert_eq!(maker(&format!("{WINDOWS} {BLINK} Unheard/1.0")), None);
    assert_eq!(maker(&format!("{WINDOWS} {BLINK} Edg/140.0.0.0")), Some(Provider::Microsoft));
    let firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";
    assert_eq!(maker(firefox), Some(Provider::Mozilla));
    assert_eq!(maker(&format!("{WINDOWS} {BLINK} 12.0")), None);
    // The first of two that mean the same.
    assert_eq!(maker("virustotal/1.0 Barracuda/1.0"), Some(Provider::VirusTotal));
    assert_eq!(maker("Mozilla/5.0 (X11; Linux x86_64)"), None);
}

#[test]
fn the_words_of_which_browsers_are_made_count_where_they_belong() {
    let mac = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7)";
    for (text, expected) in [
        (format!("{mac} AppleWebKit/605.1.15 (KHTML, like Gecko)"), Kind::BareWebkit),
        (format!("{mac} AppleWebKit/605.1.15 (KHTML, like Gecko) Safari/605.1.15"), Kind::StaleBrowser),
        (format!("{mac} Gecko/20100101"), Kind::StaleBrowser),
        (format!("{WINDOWS} AppleWebKit/537.36 Chrome/140.0.0.0 Safari/537.36"), Kind::Browser),
        (format!("{WINDOWS} {BLINK} (Mozilla/5.0)"), Kind::Browser),
        (format!("{WINDOWS} {BLINK} (via unheard)"), Kind::OtherProxy),
        (format!("{WINDOWS} {BLINK} via"), Kind::AddedName),
        (
            "Mozilla/5.0 (Macintosh; Intel Mac OS X 10.15; rv:140.0) Gecko/20100101 Firefox/140.0".to_owned(),
            Kind::Browser,
        ),
    ] {
        assert_eq!(kind(&text), expected, "{text}");
    }
}

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
