//! An app's text within a line: whatever could end the line, a field or the quotes, or hide from
//! the eye, stands there as its number.

use std::fmt::{self, Write as _};

/// In quotes, with each character that could mislead as `\u{hex}`.
pub(super) struct Quoted<'a>(pub(super) &'a str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_char('"')?;
        for character in self.0.chars() {
            if is_hidden(character) || matches!(character, '"' | ';' | '\\') {
                write!(f, "\\u{{{:x}}}", u32::from(character))?;
            } else {
                f.write_char(character)?;
            }
        }
        f.write_char('"')
    }
}

/// Controls, line ends, and what is invisible or turns the direction of writing. The list is part
/// of the format: it never changes, whatever Unicode adds.
pub(super) const fn is_hidden(character: char) -> bool {
    matches!(character,
        '\u{0}'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{ad}' | '\u{61c}' | '\u{180e}'
        | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'
        | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_mislead_stands_as_its_number() {
        for (text, quoted) in [
            ("invoice 42", r#""invoice 42""#),
            ("Müller & Søn, 日本", r#""Müller & Søn, 日本""#),
            ("a\nb\r\0", r#""a\u{a}b\u{d}\u{0}""#),
            (r#"x"; id 7"#, r#""x\u{22}\u{3b} id 7""#),
            (r"\u{a}", r#""\u{5c}u{a}""#),
            ("\u{202e}txt\u{2028}\u{85}\u{200b}", r#""\u{202e}txt\u{2028}\u{85}\u{200b}""#),
        ] {
            assert_eq!(Quoted(text).to_string(), quoted);
        }
    }

    proptest::proptest! {
        #[test]
        fn two_texts_never_look_the_same(one: String, other: String) {
            let (quoted, others) = (Quoted(&one).to_string(), Quoted(&other).to_string());
            proptest::prop_assert_eq!(quoted == others, one == other);
            proptest::prop_assert!(!quoted.chars().any(is_hidden) && !quoted.contains(';'));
        }
    }
}
