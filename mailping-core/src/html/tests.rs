use proptest::prelude::*;

use super::*;

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
        "<body>Hi<div class='x gmail_quote'><div>old</div></body></div>@</body>",
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

#[test]
fn pixels_of_this_service_are_taken_out_wherever_they_hide() {
    let token = "B".repeat(CHARS);
    for ours in [
        pixel('B'),
        pixel('B').to_uppercase().replace("HTTPS://APP.EXAMPLE/PX", BASE).replace(".GIF", ".gif"),
        format!("<img src='https://ci3.example/proxy/x=s0#{BASE}/{token}.gif'>"),
        format!("<img data-src=http://app.example/px/{token}.gif>"),
        format!("<img src=\"https:&#x2f;/app.example/px/{token}.gif\"/>"),
    ] {
        assert_eq!(
            without(&format!("<blockquote>a{ours}b</blockquote>"), BASE),
            "<blockquote>ab</blockquote>"
        );
    }
    for other in [
        "<img src=\"https://app.example/px/logo.gif\">".to_owned(),
        pixel('B').replace("app.example", "other.example"),
        format!("<!-- {} -->", pixel('B')),
        format!("<a href=\"{BASE}/{token}.gif\">x</a>"),
    ] {
        assert_eq!(without(&other, BASE), other);
    }
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
    ];
    prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

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
}
