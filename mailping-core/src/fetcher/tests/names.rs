//! Names since 2026: each kind with others of its kind, and the same words if they prove nothing.

use super::super::kind::Kind;
use super::super::user_agent::read;

const WINDOWS: &str = "Mozilla/5.0 (Windows NT 10.0; Win64; x64)";
const BLINK: &str = "AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36";

#[track_caller]
fn all(kind: Kind, agents: &[&str]) {
    for template in agents {
        let text = template.replace("{windows}", WINDOWS).replace("{blink}", BLINK);
        assert_eq!(read(Some(text.as_bytes())).kind, kind, "{text}");
    }
}

#[test]
fn webmail_servers_fetch_on_display_and_unknown_proxies_nobody_knows_when() {
    all(
        Kind::DisplayProxy,
        &[
            "Nextcloud-Server-Crawler",
            "Nextcloud-Server-Crawler/33.0.2",
            "Nextcloud Server Crawler",
            "Nextcloud%20Server%20Crawler/33",
            "RainLoop External Proxy",
            "SnappyMail External Proxy",
            "SnappyMail/2.38.2",
        ],
    );
    all(
        Kind::OtherProxy,
        &[
            "Unheard External Proxy/1.0",
            "Unheard%20External%20Proxy/1.0",
            "Unheard Image Proxy",
            "Messages-ImageProxy/1.0",
            "Mozilla/5.0 (compatible; UnheardImageProxy/2.0; +https://unheard.example)",
            "Mailosh/1.0",
            "Shortwave Image Fetcher",
            "ownCloud Server Crawler",
        ],
    );
    // Words of the same look.
    all(Kind::NoBrowser, &["External/1.0 Proxying", "Nextcloud/1.0", "ImageProxyTool/1.0"]);
    all(Kind::MailClient, &["Shortwave/1.0"]);
}

#[test]
fn what_only_looks_like_a_mail_program_is_none() {
    all(
        Kind::MailServer,
        &[
            "mailcow",
            "MailHog/1.0",
            "Mailtrap",
            "AcmeWebMail/9",
            "Acme-Mail-Server/2",
            "MailGateway/3",
            "mailer/1.0",
            "{windows} {blink} MailHog/1.0",
            "SquirrelMail/1.4.23",
            "fetchmail/6.4",
            "MailKit/4.14",
            "Email-Protection/1.0",
            "MailDefender2",
        ],
    );
    all(Kind::OtherProxy, &["AfterLogic WebMail/9.7", "UnheardMailProxy/1.0"]);
    all(Kind::Bot, &["UnheardMail-Crawler/1.0", "MailChecker/2", "Mailchimp/1"]);
    all(
        Kind::MailClient,
        &[
            "UnheardMail/1.0",
            "NaverMailApp/3.1",
            "Yahoo%20Mail/1 CFNetwork/3826 Darwin/25.0.0",
            "Proton%20Mail/4.22 Network/5812.1 iOS/26.1",
            "Mail%20by%20Unheard/3 CFNetwork/3826 Darwin/25.0.0",
        ],
    );
    all(Kind::Outlook, &["Microsoft%20Outlook/16 CFNetwork/3826 Darwin/25.0.0"]);
    all(Kind::AppStack, &["Unheard%20Reader/1 CFNetwork/3826 Darwin/25.0.0", "Unheard NetworkSDK/9.0"]);
}

#[test]
fn a_name_that_begins_with_mail_and_ends_as_servers_do_is_no_mail_program() {
    all(
        Kind::MailServer,
        &[
            "Mail-Gateway/2.1",
            "mail-security-gateway/2",
            "mail_relay",
            "Mail Gateway/2",
            "Secure Mail Gateway/3",
            "Unheard Email Threat Defense 2/1.0",
            "E-Mail Filter",
            "Mail%20Gateway/1 CFNetwork/3826 Darwin/25.0.0",
            "Unheard%20Email%20Security/1 CFNetwork/3826 Darwin/25.0.0",
            "{windows} {blink} Mail-Gateway/2.1",
            "{windows} {blink} Mail Gateway/2.1",
        ],
    );
    // Another name begins after a version or a comment.
    all(Kind::AppleMail, &["Mail/3826 Service/1 CFNetwork/3826 Darwin/25.0.0"]);
    all(Kind::MailClient, &["Secure Mail/25.10", "Unheard Mail (Android) Service/1", "K-9 Mail/12.0"]);
}

#[test]
fn words_that_a_mail_program_is_called_by_are_no_mail_program_in_other_names() {
    all(
        Kind::Opaque,
        &[
            "hey/0.0.1",
            "canary/2",
            "spark-submit/3.5",
            "Canary-Deploy/1.0",
            "Lightning_Fetch/1",
            "Evolution-api/2.1",
            "OutlookSafeLinks/1.0",
            "outlook-api/1",
            "Outlook-Sync2/1",
        ],
    );
    all(Kind::OtherProxy, &["Outlook-Image-Proxy/1.0", "Unheard_Image-Proxy", "Mail-Proxy/1.0"]);
    all(Kind::AppStack, &["Outlook%20Sync/1 CFNetwork/3826 Darwin/25.0.0"]);
    all(
        Kind::MailClient,
        &[
            "HEY/1.2",
            "Spark-iOS/3",
            "Canary-Mail/5",
            "Airmail5/1",
            "airmail/5",
            "{windows} {blink} Superhuman/2",
        ],
    );
    all(
        Kind::Outlook,
        &[
            "Outlook-iOS-Android/1.0",
            "Outlook16/1",
            "OutlookMobile/4",
            "outlook/16",
            "Microsoft%20Outlook%20for%20Mac/16 CFNetwork/3826 Darwin/25.0.0",
        ],
    );
    all(Kind::Thunderbird, &["Thunderbird-ESR/140.0", "Thunderbird140/1"]);
}

#[test]
fn apps_that_are_named_for_a_domain_are_no_crawlers() {
    let phone =
        "Mozilla/5.0 (iPhone; CPU iPhone OS 18_7 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko)";
    let view =
        "Mozilla/5.0 (Linux; Android 16; Pixel 9; wv) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0";
    let in_app = [
        format!("{phone} Mobile/15E148 Unheard.com/25.1"),
        format!("{view} Chrome/140.0.0.0 Mobile Safari/537.36 unheard.de/8"),
    ];
    all(Kind::Browser, &in_app.each_ref().map(String::as_str));
    all(
        Kind::MailClient,
        &["WEB.DE Mail/8.2 (Android 14)", "unheard.de Mail/4.1", "unheard.com UnheardMail/4"],
    );
    all(Kind::AppStack, &["mail.com/8.2 (Android 14)", "Mail.ru/14 CFNetwork/3826 Darwin/24.6.0"]);
    all(Kind::AppleStack, &["Unheard.com/25 Network/5812 iOS/26.1"]);
    all(
        Kind::Bot,
        &[
            "unheard.com/1.0",
            "{windows} {blink} unheard.com/1.0",
            "Mozilla/5.0 (Linux; Android 16; Pixel 9) {blink} unheard.com/1.0",
            "Mozilla/5.0 (Linux; Android 16; Pixel 9) {blink} (unheard.com)",
            "Mozilla/5.0 (iPhone; CPU iPhone OS 18_7 like Mac OS X; unheard.com/1.0) AppleWebKit/605.1.15",
        ],
    );
}

#[test]
fn apples_stack_is_known_in_the_spelling_of_every_system() {
    all(
        Kind::AppleStack,
        &[
            "com.apple.WebKit.Networking/8621.2.5 Network/5569.42.2 iOS/26.1",
            "com.apple.WebKit.Networking/21624.2 Network/5812.121.1 macOS/26.5.1",
            "NetworkingExtension/8621.1 Network/5569.42.2 iOS/26.0",
            "Unheard/4.2 Network/5812.121.1 iPadOS/26.2",
            "Unheard/4.2 Network/5812.121.1 visionOS/27.0",
            "Unheard/4.2 Network/5812.121.1 watchOS/26.1",
        ],
    );
    all(
        Kind::NoBrowser,
        &["Unheard/4.2 Network iOS/26", "Unheard/4.2 iOS/26", "Unheard/4.2 Network/1 Linux/6"],
    );
}

#[test]
fn harmonys_web_view_is_a_browser_at_any_number_of_chrome() {
    all(
        Kind::Browser,
        &[
            "Mozilla/5.0 (Phone; OpenHarmony 4.1) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/99.0.4844.88 Safari/537.36 ArkWeb/4.1.6.1 Mobile",
            "Mozilla/5.0 (Tablet; OpenHarmony 6.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/132.0.0.0 Safari/537.36 ArkWeb/6.0.0.47",
            "Mozilla/5.0 (PC; OpenHarmony 5.1) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/114.0.0.0 Safari/537.36",
        ],
    );
}

#[test]
fn scrapers_inside_comments_and_in_place_of_versions_are_found() {
    all(
        Kind::Bot,
        &[
            "HeadOnlyScraperV2",
            "Mozilla/5.0 (Linux; Android 10; K; HeadOnlyScraperV2) {blink}",
            "Mozilla/5.0 (Linux; Android 14; Unheard Crawler HTTP/2) {blink}",
            "Mozilla/5.0 (Unheard Crawler HTTP/2)",
            "{windows} {blink} (Unheard HTTP/1.1)",
            "Mozilla/5.0 (Linux; Android 14; UnheardWebCrawler) {blink}",
        ],
    );
    all(
        Kind::Headless,
        &[
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:135.0) Gecko/20100101 Firefox/Camoufox",
            "Mozilla/5.0 (X11; Linux x86_64; rv:142.0) Gecko/20100101 Firefox/142.0 Camoufox/142.0",
            "{windows} AppleWebKit/537.36 (KHTML, like Gecko) Chrome/Unheard Safari/537.36",
        ],
    );
    all(
        Kind::Scanner,
        &[
            "{windows} {blink} Edge/12.246 Gmail-content-sampling",
            "{windows} {blink} Gmail-content-sampling Mozilla/5.0",
        ],
    );
    // Telephones may be called so.
    all(
        Kind::Browser,
        &[
            "Mozilla/5.0 (Linux; Android 16; itel Crawler A70) {blink}",
            "Mozilla/5.0 (Linux; Android 16; Crawler) {blink}",
            "Mozilla/5.0 (Linux; Android 16; Handybot) {blink}",
        ],
    );
}
