use proptest::prelude::*;

use super::*;
use crate::detail::Precision;
use crate::{Detail, PingId, TimeStep};

fn signed(keys: &Keyring) -> (Token, String) {
    let precision = Precision { detail: Detail::City, step: TimeStep::Exact };
    let token = Token { ping: PingId::from_bytes([0x5a; 16]), precision };
    (token, token.sign(Label::Pixel, keys.newest()))
}

fn keys() -> Keyring {
    Keyring::generate().unwrap()
}

#[test]
fn a_link_that_was_touched_on_its_way_still_names_its_token() {
    let keys = keys();
    let (expected, token) = signed(&keys);
    let (start, end) = token.split_at(21);
    let upper = token.to_ascii_uppercase();
    let escaped: String = token.bytes().map(|byte| format!("%{byte:02x}")).collect();
    let twice = escaped.replace('%', "%25");
    let thrice = escaped.replace('%', "%252525");
    let long_mount = "mount/".repeat(300);
    for path in [
        format!("/px/{token}.gif"),
        format!("/px/{token}"),
        token.clone(),
        format!("https://app.example/px/{token}/opt-out"),
        format!("/px/{upper}.GIF"),
        format!("/px/{token}%2Egif"),
        format!("/px/{token}%2egif"),
        format!("/px/{token}%252Egif"),
        format!("/px/{token}=2Egif"),
        format!("/px/{token}gif"),
        format!("/px/{escaped}.gif"),
        format!("/px/{twice}.gif"),
        format!("/px/{thrice}.gif"),
        format!("/px//{token}.gif"),
        format!("/px/{token}.gif/"),
        format!("/px/{token}.gif//"),
        format!("/px/{token}/px/{}.gif", "a".repeat(48)),
        format!("/px/{token}/{}/opt-out", "i".repeat(48)),
        format!("/px%2F{token}.gif"),
        format!("/px/{token}/opt%2Dout"),
        format!("/px/{token}=0D=0A"),
        format!("/px/{token}.gif%0D%0A"),
        format!("/px/{token}.gif%3E"),
        format!("/px/{token}.gif&amp;utm_source=mail"),
        format!("/px/{token}.gif;jsessionid=0123"),
        format!("/px/{token}abcdefghijklmnopqrstuvwxyz234567"),
        format!("/px/3D{token}.gif"),
        format!("/px/=3D%22{token}.gif"),
        format!("/px/%3C{token}%3E"),
        format!("/px/{start}={end}.gif"),
        format!("/px/{start}=%0D%0A{end}.gif"),
        format!("/px/{start}=0D=0A=20{end}.gif"),
        format!("/px/{start}%E2%80%8B{end}.gif"),
        format!("/px/{start}\u{200b}{end}.gif"),
        format!("/{long_mount}{token}.gif%20"),
    ] {
        assert_eq!(super::token(&path, Label::Pixel, &keys), Some(expected), "{path}");
    }
    for junk in [
        ".", ",", ">", ")", "\"", "=", " ", "%20", "=0D", "%0A", ";", "&x=y", "'", "]", "%", "%2", "\\", "*",
        "?x=/y", "#x",
    ] {
        for path in
            [format!("/px/{token}.gif{junk}"), format!("/px/{token}{junk}"), format!("/px/{junk}{token}.gif")]
        {
            let cut = path.starts_with("/px/?") || path.starts_with("/px/#");
            let found = super::token(&path, Label::Pixel, &keys);
            assert_eq!(found, Some(expected).filter(|_| !cut), "{path}");
        }
    }
}

#[test]
fn a_link_that_lost_a_character_names_none() {
    let keys = keys();
    let (_, token) = signed(&keys);
    for at in 0..CHARS {
        let mut lost = token.clone();
        lost.remove(at);
        for path in [
            format!("/px/{lost}.gif"),
            format!("/px/{lost}"),
            format!("/px/{lost}/opt-out"),
            format!("/px/{lost}=0D"),
        ] {
            assert_eq!(super::token(&path, Label::Pixel, &keys), None, "{path}");
        }
    }
    // One whose last character is the first of the ending.
    let ends_in_g = |n: u128| {
        let token = Token { ping: PingId::from_bytes(n.to_be_bytes()), precision: signed(&keys).0.precision };
        Some(token.sign(Label::Pixel, keys.newest())).filter(|token| token.ends_with('g'))
    };
    let token_g = (0..4_096).find_map(ends_in_g).unwrap();
    assert_eq!(super::token(&format!("/px/{}.gif", &token_g[..47]), Label::Pixel, &keys), None);
    let (start, end) = token.split_at(9);
    assert_eq!(
        super::token(&format!("/px/{start}/{end}.gif"), Label::Pixel, &keys),
        None,
        "parts are not put together"
    );
}

#[test]
fn looking_for_a_token_is_bounded() {
    let keys = keys();
    let (expected, token) = signed(&keys);
    let far = format!("/{}/{token}.gif.", "x".repeat(MAX_PATH_BYTES));
    assert_eq!(super::token(&far, Label::Pixel, &keys), None);
    // Each of these places looks like the start of a token of ours.
    let decoys = token[..2].repeat(CHARS / 2 + MAX_CANDIDATES);
    assert_eq!(super::token(&format!("/px/{decoys}/{token}.gif."), Label::Pixel, &keys), None);
    let fewer = &decoys[..CHARS + MAX_CANDIDATES];
    assert_eq!(super::token(&format!("/px/{fewer}/{token}.gif."), Label::Pixel, &keys), Some(expected));
}

#[test]
fn the_last_part_of_a_path_says_what_it_asks_for() {
    let (_, token) = signed(&keys());
    for end in [
        "/opt-out",
        "/OPT-OUT",
        "/opt%2Dout",
        "/opt%2dout",
        "/opt%252Dout",
        "/opt=2Dout",
        "/optout",
        "/opt_out",
        "/opt-out/",
        "//opt-out",
        "/opt-out//",
        "%2Fopt-out",
        "/opt-out.",
        "/opt-out%3E",
        "/opt-out=0D",
        "/opt-out%0A",
        "/opt-out&x=y",
        "/opt-out?x=/y",
        "/%6Fpt-out",
        "/opt-out/%0D%0A",
        "/opt",
        "/opt-o",
        "/opt-out;x",
        "/opt-out)",
    ] {
        for start in
            [format!("/px/{token}"), "/px/".to_owned(), "/px/forged".to_owned(), "/opt-out/px/x".to_owned()]
        {
            assert_eq!(Link::of(&format!("{start}{end}")), Link::OptOut, "{start}{end}");
        }
    }
    for path in [
        "",
        "/",
        "/px",
        "/px/",
        "/px/x",
        "/px/x.gif",
        "/opt-out/px/x",
        "/opt-out/px/x.gif/",
        "/px/op",
        "/px/xopt-out",
        "/px/opa-out",
        "/px/opt2out",
        "/px/a/b",
    ] {
        assert_eq!(Link::of(path), Link::Pixel, "{path}");
    }
    assert_eq!(Link::of(&pixel_url("https://app.example/px", &token)), Link::Pixel);
    assert_eq!(Link::of(&opt_out_url("https://app.example/px", &token)), Link::OptOut);
    assert_eq!(Link::of(&confirm_url("https://app.example/px", &token)), Link::Confirm);
    for end in [
        "/confirm",
        "/CONFIRM/",
        "%2Fconfirm",
        "/con",
        "/confirm.%3E",
        "/%63onfirm",
        "/confirm?x=/y",
        "/confirm=0D",
    ] {
        assert_eq!(Link::of(&format!("/px/{token}{end}")), Link::Confirm, "{end}");
    }
    for end in ["/co", "/xconfirm", "/con2firm", "/confirm/x", "/conopt-out"] {
        assert_eq!(Link::of(&format!("/px/{token}{end}")), Link::Pixel, "{end}");
    }
}

#[test]
fn a_page_is_found_by_its_token_alone() {
    let keys = keys();
    for (label, page) in [(Label::OptOut, Link::OptOut), (Label::Confirm, Link::Confirm)] {
        let token = signed(&keys).0.sign(label, keys.newest());
        let forged = format!("{}{}", &token[..CHARS - 1], if token.ends_with('a') { 'b' } else { 'a' });
        for end in [
            "",
            "/",
            "//",
            "/o",
            "/op",
            "/c",
            "/co",
            "/opt-out.gif",
            "/opt-out/x",
            "/confirm/x",
            "%0D",
            "x",
            "=",
            ".html",
        ] {
            assert_eq!(asked_for(&format!("/px/{token}{end}"), &keys), page, "{end}");
            assert_eq!(asked_for(&format!("/px/{forged}{end}"), &keys), Link::Pixel, "{end}");
        }
        assert_eq!(asked_for(&format!("/px/{token}.gif"), &keys), Link::Pixel, "as a pixel's is sent");
    }
    let (_, pixel) = signed(&keys);
    for end in ["", ".gif", ".GIF", "/x", "/op", "/opt-out.gif"] {
        assert_eq!(asked_for(&format!("/px/{pixel}{end}"), &keys), Link::Pixel, "{end}");
    }
    assert_eq!(asked_for(&format!("/px/{pixel}/opt-out"), &keys), Link::OptOut);
}

proptest! {
    #[test]
    fn text_around_a_token_does_not_hide_it(before in "[a-zA-Z0-9.=&;>%]{0,12}", after in "[a-zA-Z0-9.=&;>)%/-]{0,40}") {
        let keys = keys();
        let (expected, token) = signed(&keys);
        // What ends in the beginning of an escape takes the token's first characters with it.
        prop_assume!(!before.chars().rev().take(2).any(|c| "%=".contains(c)));
        let found = super::token(&format!("/px/{before}{token}{after}"), Label::Pixel, &keys);
        prop_assert_eq!(found, Some(expected));
    }

    #[test]
    fn no_text_is_a_token_by_chance(path in "(/|%2F|=|[a-zA-Z2-7]{1,60}|.){0,8}") {
        prop_assert_eq!(super::token(&path, Label::Pixel, &keys()), None);
        let _ = Link::of(&path);
    }
}
