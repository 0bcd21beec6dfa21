use proptest::prelude::*;

use super::*;
use crate::token::CHARS;

const BASE: &str = "https://app.example/px";

fn pixel(fill: char) -> String {
    let token: String = std::iter::repeat_n(fill, CHARS).collect();
    format!(r#"<img src="{BASE}/{token}.gif" width="1" height="1" alt="">"#)
}

fn embed(html: &str) -> String {
    insert(without(html, BASE), &pixel('A'))
}

#[test]
fn the_pixel_stands_at_the_end_of_the_message_itself() {
    for marked in [
        "@",
        "<p>Hi@",
        "<p>Grüße\r\n</p>@",
        "<html><head><title>x</title></head><body>Hi@</body></html>\n",
        "<HTML><BODY>Hi@</BODY ></HTML>",
        "<body>Hi<!-- </body> -->@</body>",
        "<head><style>/* </body> */</style></head><body>Hi@</body>",
        "<body>Hi<blockquote><html><body>old</body></html></blockquote>@</body>",
        "<body>Hi<blockquote><div class=gmail_quote>old</div></blockquote>@</body>",
        "<body>Hi@<div class='x gmail_quote'><div>old</div></body></div></body>",
        "<body><div>Hi</div><br>@<div class=\"gmail_quote gmail_quote_container\"><div class=gmail_attr>On</div></div></body>",
        "<body>Hi@<blockquote type=\"cite\"><div>On Nov 23, Ada wrote:</div>old</blockquote></body>",
        "<body>Hi@<blockquote cite=\"mid:1%40example.com\">old</blockquote></body>",
        "<body>Hi@<div class=\"moz-cite-prefix\">On Nov 23</div><blockquote type=cite>old</blockquote></body>",
        "<body>Hi@<div id=\"ydp1yahoo_quoted_7\" class=\"ydp1 yahoo_quoted\">old</div></body>",
        "<body>Hi@<div id=\"yahoo_quoted_7\">old</div></body>",
        "<body>Hi@<div id=\"appendonsend\"></div><hr><div id=\"divRplyFwdMsg\">From</div>old</body>",
        "<body>Hi@<div style=\"border:none; border-top:solid #E1E1E1 1.0pt;padding:3.0pt 0in 0in 0in\">From</div></body>",
        "<body>Hi@<div class=\"protonmail_quote\">old</div></body>",
        "<body>Hi@<p id=\"reply-intro\">On</p><blockquote>old</blockquote></body>",
        "<body>Hi@<div name=\"quote\">old</div></body>",
        "<body>@<blockquote type=cite>old</blockquote><p>Hi</p></body>",
        "<body>Hi<blockquote cite=\"https://a.example/\">said</blockquote>@</body>",
        "<body>Hi<a name=\"quote\">x</a>@</body>",
        "<body>Hi<!-- <div class=gmail_quote> -->@</body>",
        "<body>Hi@<blockquote>never closed</body>",
        "<body>Hi@<div id=divRplyFwdMsg>From</div>old</body>",
        "Hi<blockquote><body>old</body></blockquote>@",
        "<p>Hi</p>@<!-- never closed",
        "<p>Hi</p>@<style>never closed",
        "<body>Hi@</body><!-- never closed",
        "a <@",
    ] {
        let html = marked.replace('@', "");
        assert_eq!(embed(&html), marked.replace('@', &pixel('A')), "{marked}");
    }
}

/// Of any alphabet that tokens may have.
fn token() -> String {
    "b2".repeat(CHARS / 2)
}

fn url() -> String {
    format!("{BASE}/{}.gif", token())
}

fn percent(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
}

/// Our address as programs and gateways rewrite it.
fn spellings() -> Vec<String> {
    use base64::Engine as _;
    let (url, token) = (url(), token());
    let (start, end) = token.split_at(20);
    let path = format!("/px/{token}.gif");
    let rest = format!("app.example{path}");
    let hex: String = url.bytes().map(|byte| format!("{byte:02x}")).collect();
    vec![
        url.clone(),
        format!("http://{rest}"),
        format!("//{rest}"),
        format!("HTTPS://APP.EXAMPLE{path}"),
        format!("https://App.Example.{path}"),
        format!("https://app.example:443{path}"),
        format!("http://app.example:80{path}"),
        format!("https://app\u{3002}example{path}"),
        format!("https://\u{ff41}pp.example{path}"),
        format!("https://app%2Eexample{path}"),
        format!("https://ada:secret@{rest}"),
        format!("https:\\\\app.example\\px\\{token}.gif"),
        format!("https:\\/\\/app.example\\/px\\/{token}.gif"),
        format!("https:{rest}"),
        format!("https://app.example/%70x/{token}%2Egif"),
        format!("https://app.example/PX/{token}.GIF"),
        format!("https://app.example//px///{token}.gif/"),
        format!("https://app.example/./a/../px/{token}.gif?x=1#y"),
        format!("{BASE}/{token}"),
        format!("{BASE}/{token}.png"),
        format!("{BASE}/{token}x.gif"),
        format!("{BASE}/{token}/logo.png"),
        format!("{BASE}/{token}/opt-out/x"),
        format!("{BASE}/3D{token}.gif"),
        format!("{BASE}/=3D%22{token}%22"),
        format!("{BASE}/%20{token}%20.gif"),
        format!("{BASE}/{token}=0D=0A"),
        format!("{BASE}/px/{token}.gif"),
        format!("{BASE}/x/y/{token}.gif"),
        format!("{BASE}/{start}%3D%0D%0A{end}.gif"),
        format!("{BASE}/{start}=0D=0A=20{end}.gif"),
        format!("{BASE}/{start}%C2%AD{end}.gif"),
        format!("{BASE}/{start}%AD{end}.gif"),
        format!("{BASE}/{start}\u{200b}{end}.gif"),
        format!("{BASE}/{start}\r\n {end}.gif"),
        format!("{BASE}/{start}!\r\n {end}.gif"),
        format!(" https://app.example/p\nx/{token}\t.gif "),
        format!("https://ci3.googleusercontent.com/meips/ABC=s0-d-e1-ft#{url}"),
        format!("https://ecp.yusercontent.com/mail?url={}&t=1&ymreqid=2", percent(&url)),
        format!("https://resize.yandex.net/mailservice?url={}&proxy=yes&key=1", percent(&url)),
        format!("https://cloud.example/index.php/apps/mail/proxy?src={}&requesttoken=1", percent(&url)),
        format!("https://external-content.duckduckgo.com/iu/?u={}", percent(&url)),
        format!("https://mail.proton.me/api/core/v4/images?Url={}&DryRun=0", percent(&url)),
        format!(
            "https://eur01.safelinks.protection.outlook.com/?url={}&data=05%7C01&reserved=0",
            percent(&url)
        ),
        format!(
            "https://urldefense.proofpoint.com/v2/url?u={}&d=DwMF&c=x&r=y",
            percent(&url).replace("%2E", ".").replace("%2F", "_").replace('%', "-")
        ),
        format!("https://urldefense.com/v3/__{url}__;!!ABC!xyz$"),
        format!("https://urldefense.com/v3/__https:/{rest}__;!!ABC!xyz$"),
        format!("https://a.example/?u={}", percent(&format!("https://b.example/?u={}", percent(&url)))),
        format!(
            "https://a.example/?u={}",
            percent(&format!("https://b.example/?u={}", percent(&percent(&url))))
        ),
        format!("https://camo.example/0123/{hex}"),
        format!("https://proxy.example/?u={}", base64::engine::general_purpose::STANDARD.encode(&url)),
        format!("https://proxy.example/{}/x", base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(&url)),
        format!("https://proxy.example/?u={rest}"),
        format!("https://proxy.example/{rest}"),
    ]
}

fn escaped(value: &str) -> String {
    value.replace('&', "&amp;").replace('"', "&quot;")
}

#[test]
fn a_pixel_is_found_in_any_spelling() {
    for spelling in spellings() {
        let html = format!("<blockquote>a<img src=\"{}\" width=1>b</blockquote>", escaped(&spelling));
        assert_eq!(without(&html, BASE), "<blockquote>ab</blockquote>", "{spelling}");
    }
    for (base, spelling) in [
        ("https://xn--exmple-cua.com/t%C3%A4st", "https://EX\u{c4}MPLE.com/T\u{e4}st"),
        ("https://xn--exmple-cua.com/t%C3%A4st", "//xn--exmple-cua.com/t%c3%a4st"),
        ("https://app.example:8443", "https://APP.example:08443"),
        ("http://127.0.0.1:3000/px", "http://127.1:3000/px"),
        ("http://[::1]:3000/px", "http://[0:0::1]:3000/px"),
        ("http://localhost:80", "https://localhost"),
    ] {
        let html = format!("a<img src=\"{spelling}/{}.gif\">b", token());
        assert_eq!(without(&html, base), "ab", "{base} {spelling}");
    }
}

#[test]
fn a_pixel_is_found_wherever_a_program_fetches_from() {
    let url = url();
    let entities = url.replace('/', "&#x2f;").replace(':', "&colon;");
    for (html, expected) in [
        (format!("a<img src='{url}'>b"), "ab".to_owned()),
        (format!("a<IMG SRC={url}>b"), "ab".to_owned()),
        (format!("a<img src=\"{entities}\"/>b"), "ab".to_owned()),
        (
            format!("a<img data-src=\"{url}\" src=\"data:image/gif;base64,R0lGODlhAQABAAAAACw=\">b"),
            "ab".to_owned(),
        ),
        (format!("a<img src=\"blocked.png\" data-imageurl=\"{url}\">b"), "ab".to_owned()),
        (format!("a<img srcset=\"{url} 1x, x.png 2x\">b"), "ab".to_owned()),
        (format!("a<img src=x.png srcset=\"{url} 2x\" alt=x>b"), "a<img src=x.png alt=x>b".to_owned()),
        (
            format!("<picture><source srcset={url}><img src=x.png></picture>"),
            "<picture><img src=x.png></picture>".to_owned(),
        ),
        (format!("a<input type=image src={url}>b"), "ab".to_owned()),
        (format!("a<link rel=stylesheet href=\"{url}\">b"), "ab".to_owned()),
        (format!("a<embed src={url}>b"), "ab".to_owned()),
        (format!("<object data=\"{url}\" width=1>x</object>"), "<object width=1>x</object>".to_owned()),
        (format!("<video poster=\"{url}\" src=x.mp4></video>"), "<video src=x.mp4></video>".to_owned()),
        (format!("<audio src={url}></audio>"), "<audio></audio>".to_owned()),
        (format!("<body background={url}>x"), "<body>x".to_owned()),
        (format!("<td bgcolor=red BACKGROUND = '{url}' width=1>x"), "<td bgcolor=red width=1>x".to_owned()),
        (format!("<svg><image xlink:href=\"{url}\"/></svg>"), "<svg></svg>".to_owned()),
        (format!("<noscript><img src=\"{url}\"></noscript>x"), "<noscript></noscript>x".to_owned()),
        (format!("<noscript>a<img src={url}>b"), "<noscript>ab".to_owned()),
        (format!("<!--[if mso]><img src=\"{url}\">x<![endif]-->y"), "<!--[if mso]>x<![endif]-->y".to_owned()),
        (
            format!(
                "<!--[if gte mso 9]><v:rect><v:fill type=tile src=\"{url}\" color=red /></v:rect><![endif]-->"
            ),
            "<!--[if gte mso 9]><v:rect><v:fill type=tile color=red /></v:rect><![endif]-->".to_owned(),
        ),
        (
            format!("<!--[if mso]><v:shape><v:imagedata src=\"{entities}\"/></v:shape><![endif]-->"),
            "<!--[if mso]><v:shape></v:shape><![endif]-->".to_owned(),
        ),
        (
            format!("<!--[if !mso]><!--><img src={url}>x<!--<![endif]-->"),
            "<!--[if !mso]><!-->x<!--<![endif]-->".to_owned(),
        ),
        (format!("<![if !mso]><img src={url}>x<![endif]>"), "<![if !mso]>x<![endif]>".to_owned()),
        (format!("<!--[if mso]><img src={url}>"), "<!--[if mso]>".to_owned()),
        (
            format!("<p style=\"color:red;background:url({url}) no-repeat\">x"),
            "<p style=\"color:red;background:none no-repeat\">x".to_owned(),
        ),
        (
            format!("<p style=\"background:url(&quot;{url}&quot;);color:red\">x"),
            "<p style=\"background:none;color:red\">x".to_owned(),
        ),
        (
            format!("<p style='background:url(a.png),url( \"{url}\" )'>x"),
            "<p style='background:url(a.png),none'>x".to_owned(),
        ),
        (
            format!("<a href=x style='background:URL({url})'>x</a>"),
            "<a href=x style='background:none'>x</a>".to_owned(),
        ),
        (
            format!("<p style='background:url({})'>x", url.replace('/', "\\2f ")),
            "<p style='background:none'>x".to_owned(),
        ),
        (
            format!("<style>p{{background:url('{url}')}} b{{color:red}}</style>x"),
            "<style>p{background:none} b{color:red}</style>x".to_owned(),
        ),
        (format!("<style>@import \"{url}\";</style>x"), "<style></style>x".to_owned()),
        (
            format!("<base href=\"{BASE}/\">a<img src=\"{}.gif\">b", token()),
            format!("<base href=\"{BASE}/\">ab"),
        ),
        (
            format!("<base href=\"{BASE}/y/\">a<img src=\"../{}.gif\">b", token()),
            format!("<base href=\"{BASE}/y/\">ab"),
        ),
        (format!("<meta http-equiv=refresh content=\"0;url={url}\">x"), "x".to_owned()),
        (format!("a<img src={url} alt=''><img src={url}>b"), "ab".to_owned()),
        (format!("<img src={url}"), format!("<img src={url}")),
    ] {
        assert_eq!(without(&html, BASE), expected, "{html}");
    }
}

#[test]
fn what_is_not_fetched_or_not_ours_stays_byte_for_byte() {
    let (url, token) = (url(), token());
    for other in [
        "<img src=\"https://app.example/px/logo.gif\">".to_owned(),
        "<img src=\"https://app.example/px/The%20head%20of%20our%20invoices%20in%20the%20spring%20of%20this%20year.png\">".to_owned(),
        "<img src=\"https://app.example/px/the-head-of-our-invoices-in-the-spring-of-this-year-and-the-next.png\">".to_owned(),
        format!("<img src=\"https://app.example/px/{}.gif\">", &token[1..]),
        format!("<img srcset=\"https://app.example/px/logo.png 1x, https://other.example/px/{token}.gif 2x\">"),
        format!("<img src=\"https://app.example/x/px/{token}.gif\">"),
        format!("<img src=\"https://app.example/{token}.gif\">"),
        format!("<img src=\"https://other.example/px/{token}.gif\">"),
        format!("<img src=\"https://notapp.example/px/{token}.gif\">"),
        format!("<img src=\"https://app.example.evil.example/px/{token}.gif\">"),
        format!("<img src=\"https://sub.app.example/px/{token}.gif\">"),
        format!("<img src=\"https://app.example:8443/px/{token}.gif\">"),
        format!("<img src=\"x.png\" alt=\"{url}\" title=\"{url}\">"),
        format!("<!-- <img src=\"{url}\"> -->"),
        format!("<a href=\"{url}\" data-saferedirecturl=\"{url}\">{url}</a>"),
        format!("<a href=\"{BASE}/{token}/opt-out\">stop</a><img src=\"{BASE}/{token}/opt-out\">"),
        format!("&lt;img src=\"{url}\"&gt;"),
        format!("<textarea><img src=\"{url}\"></textarea>"),
        format!("<title><img src=\"{url}\"></title>"),
        format!("<input value=\"{url}\"><form action=\"{url}\">"),
        "<p style=\"background:url(x.png)\">\r\n<STYLE>a{b:url( 'c' )}</STYLE>&nbsp;<IMG SRC=a >".to_owned(),
    ] {
        assert_eq!(without(&other, BASE), other);
    }
}

#[test]
fn documents_of_amp_are_left_alone() {
    for html in [
        "<!doctype html><html amp4email><body>Hi</body></html>".to_owned(),
        "<html \u{26a1}4email data-css-strict><body>Hi</body></html>".to_owned(),
        "<!doctype html>\n<HTML \u{26a1}\u{fe0f}4email><body>Hi</body></html>".to_owned(),
        "<html \u{26a1}><body>Hi</body></html>".to_owned(),
    ] {
        assert!(is_amp(&html), "{html}");
    }
    for html in
        ["<html><body>amp4email</body></html>", "<html lang=amp>", "<p amp4email>", "", "<!-- <html amp> -->"]
    {
        assert!(!is_amp(html), "{html}");
    }
    let tracker = crate::Tracker::builder(crate::Keyring::generate().unwrap(), crate::MemoryStore::new());
    let tracker = pollster::block_on(tracker.base_url(BASE).unwrap().build()).unwrap();
    let new = crate::NewPing::one_to_one("invoice-42", crate::Basis::Contract);
    let ping = pollster::block_on(tracker.pings().create(new)).unwrap();
    let amp = format!(
        "<html amp4email><body>Hi<amp-img src=\"{}\"></amp-img></body></html>",
        ping.pixel_url().unwrap()
    );
    assert_eq!(ping.embed(&amp), amp);
    assert_eq!(tracker.pings().strip(&amp), "<html amp4email><body>Hi</amp-img></body></html>");
    let plain = ping.embed("<html><body>Hi</body></html>");
    assert_eq!(plain, format!("<html><body>Hi{}</body></html>", ping.img_tag()));
}

#[test]
fn an_address_that_is_made_to_take_long_does_not() {
    let token = token();
    for part in
        [format!("/{token}.gif"), format!("/px/{token}.gif/.."), "%2525".to_owned(), "\\2f ".to_owned()]
    {
        let html = format!("<img src=\"https://other.example{}\">", part.repeat(100_000 / part.len()));
        assert_eq!(without(&html, BASE), html);
    }
}

#[test]
fn a_long_quote_stands_behind_the_pixel() {
    let quote = format!("<div class=\"gmail_quote\">{}</div>", "<p>old</p>".repeat(12_000));
    let html = embed(&format!("<html><body><p>Hi</p>{quote}</body></html>"));
    assert!(html.len() > 102_000 && html.find("<img").unwrap() < 102, "{}", html.len());
}

#[test]
fn taking_a_pixel_out_makes_no_other_one() {
    let hidden = pixel('B').replacen('<', "", 1);
    let html = without(&format!("<{}{hidden}", pixel('B')), BASE);
    assert_eq!(html, format!("&lt;{hidden}"));
    assert_eq!(without(&html, BASE), html);
}

#[test]
fn an_untracked_message_gets_no_pixel() {
    assert_eq!(insert("<p>Hi".to_owned(), ""), "<p>Hi");
}

/// Pieces that are hard on a tokenizer, in any order, and any text.
fn html() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        any::<String>(),
        prop::sample::select(vec![
            "<body>",
            "</body>",
            "<head>",
            "</head>",
            "<!--",
            "-->",
            "<blockquote>",
            "</blockquote>",
            "<style>",
            "</style>",
            "<title>",
            "<div class=gmail_quote>",
            "<div>",
            "</div>",
            "<",
            "</",
            "<img src=\"",
            "\"",
            ">",
            "&am",
            "\r",
            "\n",
            "\0",
            "ü",
            "<script>",
            "</script>",
            "<![CDATA[",
            "]]>",
            "<!doctype",
            "<div id=appendonsend>",
            "<p a='",
            "'",
            "<plaintext>",
        ])
        .prop_map(str::to_owned),
        prop::sample::select(vec![
            "<!--[if mso]>",
            "<![endif]-->",
            "<noscript>",
            "</noscript>",
            "<div class=moz-cite-prefix>",
            "<blockquote type=cite>",
            "<td background='x.png'>",
            "<p style=\"background:url(x.png)\">",
            "url(",
            ")",
            "<!",
            "--",
        ])
        .prop_map(str::to_owned),
    ];
    prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

const PLACES: [&str; 10] = [
    "<img src=\"@\">",
    "<img data-src=\"@\" src=\"x.png\">",
    "<td background=\"@\">x</td>",
    "<p style=\"background:url('@')\">x</p>",
    "<!--[if mso]><v:imagedata src=\"@\"/><![endif]-->",
    "<!--[if mso]><v:fill src=\"@\"/><![endif]-->",
    "<noscript><img src=\"@\"></noscript>",
    "<picture><source srcset=\"@ 2x\"></picture>",
    "<video poster=\"@\"></video>",
    "<input type=image src=\"@\">",
];

proptest! {
    #[test]
    fn embedding_twice_is_embedding_once(html in html()) {
        prop_assert_eq!(embed(&embed(&html)), embed(&html));
    }

    #[test]
    fn taking_out_undoes_embedding(html in html()) {
        prop_assert_eq!(without(&embed(&html), BASE), html);
    }

    #[test]
    fn no_pixel_is_left(pieces in prop::collection::vec(prop_oneof![html(), Just(pixel('B'))], 0..8)) {
        let stripped = without(&pieces.concat(), BASE);
        prop_assert_eq!(without(&stripped, BASE), stripped);
    }

    /// In a document whose tags are whole, nothing with the token is left but what is seen.
    #[test]
    fn no_spelling_is_left_anywhere(
        spelling in prop::sample::select(spellings()),
        places in prop::collection::vec(prop::sample::select(PLACES.to_vec()), 1..6),
        around in prop::collection::vec(prop::sample::select(vec!["<p>Hi</p>", "<br>", "x", "<b>", "</b>"]), 6),
    ) {
        let mut html = String::new();
        for (place, text) in places.iter().zip(around) {
            html.push_str(text);
            html.push_str(&place.replace('@', &escaped(&spelling)));
        }
        let stripped = without(&html, BASE);
        for mark in [&token()[..20], "app.example", "yusercontent", "urldefense", "proxy.example", "camo.example"] {
            prop_assert!(!stripped.to_lowercase().contains(mark), "{mark} {html} {stripped}");
        }
    }

    #[test]
    fn a_document_without_our_address_stays_as_it_is(html in html()) {
        prop_assert_eq!(without(&html, BASE), html);
    }
}
