//! A User-Agent cut into tokens, in place: `name/version` and words, outside or inside parentheses.

/// How much of a User-Agent is read. The longest real ones, old Outlook's with every .NET version, have some 600 bytes.
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
}

/// The tokens of an agent, in order.
pub(super) struct Tokens<'a> {
    text: &'a [u8],
    at: usize,
    depth: u32,
    comments: u32,
    leads: bool,
    /// Some logs and scripts write `+` for a blank.
    plus_is_blank: bool,
}

impl<'a> Tokens<'a> {
    /// `text` is already cut to [`LIMIT`].
    pub(super) fn new(text: &'a [u8]) -> Self {
        let plus_is_blank = !text.contains(&b' ') && text.contains(&b'+');
        Self { text, at: 0, depth: 0, comments: 0, leads: true, plus_is_blank }
    }

    fn is_blank(&self, byte: u8) -> bool {
        byte.is_ascii_whitespace() || matches!(byte, b'"' | b'\'') || (byte == b'+' && self.plus_is_blank)
    }

    /// Skips what stands between tokens.
    fn skip(&mut self) {
        while let Some(byte) = self.text.get(self.at).copied() {
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
                _ if self.is_blank(byte) => {}
                _ => return,
            }
            self.at += 1;
        }
    }

    #[inline]
    fn ends_token(&self, byte: u8) -> bool {
        // Most bytes are letters, digits, dots and slashes: one comparison tells.
        !(b'-'..=b'Z').contains(&byte)
            && (matches!(byte, b'(' | b')' | b'[' | b']' | b';' | b',') || self.is_blank(byte))
            || byte == b';'
    }
}

impl<'a> Iterator for Tokens<'a> {
    type Item = Token<'a>;

    fn next(&mut self) -> Option<Token<'a>> {
        self.skip();
        let rest = self.text.get(self.at..)?;
        let mut len = rest.iter().position(|byte| self.ends_token(*byte)).unwrap_or(rest.len());
        let mut token = rest.get(..len)?;
        if token.is_empty() {
            return None;
        }
        let slash = token.iter().position(|byte| *byte == b'/').filter(|_| !is_address(token));
        // `Mozilla/5.0libwww-perl/5.8` and `Firefox/100.0Qwant/4` are two tokens each.
        if let Some(version) = slash.and_then(|slash| token.get(slash + 1..))
            && version.contains(&b'/')
            && let Some(letter) = version.iter().position(|byte| !byte.is_ascii_digit() && *byte != b'.')
            && letter > 0
            && version.get(letter).is_some_and(u8::is_ascii_alphabetic)
        {
            len -= version.len() - letter;
            token = rest.get(..len)?;
        }
        let (name, version) = match slash {
            Some(slash) => (token.get(..slash)?, token.get(slash + 1..)?),
            None => (token, &b""[..]),
        };
        let ends_item = match rest.get(len..)?.iter().find(|byte| !self.is_blank(**byte)) {
            None => true,
            Some(byte) => matches!(byte, b';' | b',' | b')' | b']'),
        };
        let comment = if self.depth == 0 { 0 } else { self.comments };
        let found = Token { name, version, rest, comment, leads: self.leads, alone: self.leads && ends_item };
        self.at += len;
        self.leads = false;
        Some(found)
    }
}

/// Does the token begin as an address does?
fn is_address(token: &[u8]) -> bool {
    let token = token.strip_prefix(b"+").unwrap_or(token);
    starts_with(token, b"http:") || starts_with(token, b"https:")
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

/// The number at the start of a version; `None` where there is none.
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
}
