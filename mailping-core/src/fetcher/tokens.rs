//! A User-Agent cut into tokens, in place: `name/version` and words, outside or inside parentheses.

/// How much of a User-Agent is read. The longest real ones, old Outlook's with every .NET version,
/// have some 600 bytes.
pub(super) const LIMIT: usize = 2_048;

/// One token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Token<'a> {
    /// Up to the first slash; with an address such as `http://…`, all of it.
    pub(super) name: &'a [u8],
    /// After the slash, as far as it goes.
    pub(super) version: &'a [u8],
    /// The text from the name on.
    pub(super) rest: &'a [u8],
    /// Which comment it stands in, counted from 1; 0 outside.
    pub(super) comment: u32,
    /// Is it the first word of its item? Items of a comment are divided by semicolons and commas.
    pub(super) leads: bool,
    /// Is it the whole item?
    pub(super) alone: bool,
    /// Has the name a letter?
    pub(super) has_letters: bool,
    /// Has the name anything but letters and digits?
    pub(super) has_signs: bool,
}

const LETTER: u8 = 1;
const SIGN: u8 = 2;
const SLASH: u8 = 4;
const END: u8 = 8;
/// Some logs and scripts write it for a blank.
const PLUS: u8 = 16;

/// What each byte is to a token: one look-up tells.
const CLASSES: [u8; 256] = {
    let mut classes = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        classes[byte] = match byte as u8 {
            b'a'..=b'z' | b'A'..=b'Z' | 0x80.. => LETTER,
            b'0'..=b'9' => 0,
            b'/' => SLASH,
            b'+' => PLUS,
            b'(' | b')' | b'[' | b']' | b';' | b',' | b'"' | b'\'' => END,
            byte if byte.is_ascii_whitespace() => END,
            _ => SIGN,
        };
        byte += 1;
    }
    classes
};

const fn class(byte: u8) -> u8 {
    CLASSES[byte as usize]
}

/// The tokens of an agent, in order.
pub(super) struct Tokens<'a> {
    text: &'a [u8],
    at: usize,
    depth: u32,
    comments: u32,
    leads: bool,
    /// The classes that end a token.
    ends: u8,
}

impl<'a> Tokens<'a> {
    /// `text` is already cut to [`LIMIT`].
    pub(super) fn new(text: &'a [u8]) -> Self {
        let plus_is_blank = !text.contains(&b' ') && text.contains(&b'+');
        let ends = if plus_is_blank { END | PLUS } else { END };
        Self { text, at: 0, depth: 0, comments: 0, leads: true, ends }
    }

    /// Skips what stands between tokens.
    #[inline]
    fn skip(&mut self) {
        while let Some(byte) = self.text.get(self.at).copied().filter(|byte| class(*byte) & self.ends != 0) {
            match byte {
                b'(' | b'[' => {
                    self.comments += u32::from(self.depth == 0);
                    self.depth += 1;
                    self.leads = true;
                }
                b')' | b']' => {
                    self.depth = self.depth.saturating_sub(1);
                    self.leads = true;
                }
                b';' | b',' => self.leads = true,
                _ => {}
            }
            self.at += 1;
        }
    }

    /// Does nothing more follow in the item that ends with `text`'s start?
    fn ends_item(&self, text: &[u8]) -> bool {
        let is_blank = |byte: u8| {
            class(byte) & self.ends != 0 && !matches!(byte, b'(' | b')' | b'[' | b']' | b';' | b',')
        };
        text.iter()
            .find(|byte| !is_blank(**byte))
            .is_none_or(|byte| matches!(byte, b';' | b',' | b')' | b']'))
    }
}

impl<'a> Iterator for Tokens<'a> {
    type Item = Token<'a>;

    #[inline]
    fn next(&mut self) -> Option<Token<'a>> {
        self.skip();
        let rest = self.text.get(self.at..)?;
        let (mut len, mut classes) = (0, 0);
        // Where the first slash stands with what came before it, and whether there are more.
        let (mut slash, mut has_more) = (None, false);
        for byte in rest {
            let class = class(*byte);
            if class & (self.ends | SLASH) != 0 {
                if class & self.ends != 0 {
                    break;
                }
                has_more |= slash.is_some();
                slash = slash.or(Some((len, classes)));
            }
            classes |= class;
            len += 1;
        }
        if len == 0 {
            return None;
        }
        let token = rest.get(..len)?;
        let (mut name, mut version) = (token, &b""[..]);
        if let Some((at, before)) = slash
            // An address has its first slash behind a colon.
            && at.checked_sub(1).and_then(|at| token.get(at)) != Some(&b':')
        {
            (name, version, classes) = (token.get(..at)?, token.get(at + 1..)?, before);
            // `Mozilla/5.0libwww-perl/5.8` and `Firefox/100.0Qwant/4` are two tokens each.
            if has_more
                && let Some(letter) = version.iter().position(|byte| !byte.is_ascii_digit() && *byte != b'.')
                && letter > 0
                && version.get(letter).is_some_and(u8::is_ascii_alphabetic)
            {
                len -= version.len() - letter;
                version = version.get(..letter)?;
            }
        }
        let found = Token {
            name,
            version,
            rest,
            comment: if self.depth == 0 { 0 } else { self.comments },
            leads: self.leads,
            alone: self.leads && self.ends_item(rest.get(len..)?),
            has_letters: classes & LETTER != 0,
            has_signs: classes & (SIGN | PLUS | SLASH) != 0,
        };
        self.at += len;
        self.leads = false;
        Some(found)
    }
}

/// Does the text begin so, in any case?
#[inline]
pub(super) fn starts_with(text: &[u8], prefix: &[u8]) -> bool {
    let first = |text: &[u8]| text.first().map(u8::to_ascii_lowercase);
    first(text) == first(prefix)
        && text.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix))
}

/// Does the text end so, in any case?
#[inline]
pub(super) fn ends_with(text: &[u8], suffix: &[u8]) -> bool {
    let last = |text: &[u8]| text.last().map(u8::to_ascii_lowercase);
    if last(text) != last(suffix) {
        return false;
    }
    let start = text.len().checked_sub(suffix.len());
    start.and_then(|start| text.get(start..)).is_some_and(|end| end.eq_ignore_ascii_case(suffix))
}

/// The number at the start of a version; `None` if there is none.
pub(super) fn leading_number(version: &[u8]) -> Option<u32> {
    let digits = version.iter().take_while(|byte| byte.is_ascii_digit()).take(6);
    digits.fold(None, |number, digit| Some(number.unwrap_or(0) * 10 + u32::from(digit - b'0')))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(text: &str) -> Vec<(String, String, u32, bool)> {
        let text_of = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Tokens::new(text.as_bytes())
            .map(|token| (text_of(token.name), text_of(token.version), token.comment, token.alone))
            .collect()
    }

    fn names(text: &str) -> Vec<String> {
        cut(text).into_iter().map(|(name, ..)| name).collect()
    }

    #[test]
    fn products_and_items_of_comments_are_told_apart() {
        let tokens = cut("Mozilla/5.0 (compatible; MSIE 7.0) Foo/1.2");
        let expected = [
            ("Mozilla", "5.0", 0, false),
            ("compatible", "", 1, true),
            ("MSIE", "", 1, false),
            ("7.0", "", 1, false),
            ("Foo", "1.2", 0, false),
        ];
        let expected = expected
            .map(|(name, version, comment, alone)| (name.to_owned(), version.to_owned(), comment, alone));
        assert_eq!(tokens[..4], expected[..4]);
        assert_eq!(tokens[4].0, "Foo");
    }

    #[test]
    fn glued_products_and_plus_for_blanks_are_cut() {
        assert_eq!(names("Mozilla/5.0libwww-perl/5.826"), ["Mozilla", "libwww-perl"]);
        assert_eq!(names("Firefox/100.0QwantMobile/4.2"), ["Firefox", "QwantMobile"]);
        assert_eq!(names("Mozilla/5.0+(iPad;+U)+Version/9.0"), ["Mozilla", "iPad", "U", "Version"]);
        assert_eq!(names("x (+http://a.example/b)"), ["x", "+http://a.example/b"]);
    }

    #[test]
    fn unbalanced_parentheses_and_binary_text_end() {
        assert_eq!(names(")))((([a"), ["a"]);
        assert!(Tokens::new(&[0xff; 10_000]).count() <= 1);
        assert!(Tokens::new(&[b'('; 10_000]).next().is_none());
    }

    #[test]
    fn numbers_are_read_from_the_start() {
        assert_eq!(leading_number(b"128.0.1"), Some(128));
        assert_eq!(leading_number(b"x1"), None);
        assert_eq!(leading_number(&[b'9'; 40]), Some(999_999));
    }

    #[test]
    fn an_item_is_a_word_alone_up_to_its_delimiter() {
        let alone = |text: &str| -> Vec<bool> { cut(text).into_iter().map(|(.., alone)| alone).collect() };
        assert_eq!(alone("(a; b c ; d , e)"), [true, false, false, true, true]);
        assert_eq!(alone("(a [b] \"c\" )"), [false, true, true]);
        assert_eq!(alone("a"), [true]);
    }

    #[test]
    fn signs_and_letters_are_those_of_the_name() {
        let has = |text: &str| {
            let token = Tokens::new(text.as_bytes()).next().unwrap();
            (token.has_letters, token.has_signs)
        };
        assert_eq!(has("Foo/1.0"), (true, false));
        assert_eq!(has("1/Foo-1"), (false, false));
        assert_eq!(has("Foo-1/2"), (true, true));
        assert_eq!(has("Foo+bar baz"), (true, true));
        assert_eq!(has("http://a"), (true, true));
        assert_eq!(has("1.5"), (false, true));
        assert_eq!(has("7"), (false, false));
    }

    #[test]
    fn only_a_version_with_a_further_slash_is_cut_where_its_letters_begin() {
        assert_eq!(names("Mozilla/5.0libwww-perl"), ["Mozilla"]);
        assert_eq!(names("Foo/bar/5.0"), ["Foo"]);
        assert_eq!(names("Foo/5.0-bar/5.0"), ["Foo"]);
        assert_eq!(names("Foo/5bar/1 Next"), ["Foo", "bar", "Next"]);
        assert_eq!(cut("Foo/5.0bar/1")[0].1, "5.0");
    }

    #[test]
    fn comments_are_counted_and_what_is_nested_belongs_to_the_outer_one() {
        let comments: Vec<_> = cut("a (b (c) d) e [f]").into_iter().map(|(.., comment, _)| comment).collect();
        assert_eq!(comments, [0, 1, 1, 1, 0, 2]);
    }
}
