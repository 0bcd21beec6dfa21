//! One address out of whatever people paste around one, in the one form that is hashed.
//!
//! Two spellings of one address must give one form, or an objection misses. What might be another
//! address is refused: nobody must be told that an objection is kept if it is kept under an address
//! of nobody.

use icu_normalizer::ComposingNormalizerBorrowed;

use super::RecipientError;
use super::addr_spec::{parse, percent_decoded, quoted_length, unquoted};
use super::character::{begins_word, is_sign, is_word};

/// The most bytes of text around and in an address.
const MAX_TEXT: usize = 2_000;
/// Brackets within brackets, and the like.
const MAX_DEPTH: usize = 8;

/// The form that is hashed: `local@domain`, lower case, NFKC, the domain in ASCII.
pub(super) fn canonical(text: &str) -> Result<String, RecipientError> {
    if text.len() > MAX_TEXT {
        return Err(RecipientError::Length);
    }
    let text = clean(text)?;
    if text.trim().is_empty() {
        return Err(RecipientError::Length);
    }
    unwrap(&text, MAX_DEPTH)
}

/// Compatibility forms such as `＠` folded except for [signs](is_sign), invisible characters
/// dropped, any blank one space.
fn clean(text: &str) -> Result<String, RecipientError> {
    let nfkc = ComposingNormalizerBorrowed::new_nfkc();
    let parts = text.split_inclusive(is_sign).flat_map(|part| {
        let text = part.trim_end_matches(is_sign);
        [nfkc.normalize(text), part.get(text.len()..).unwrap_or_default().into()]
    });
    let folded: String = parts.collect();
    let mut clean = String::with_capacity(folded.len());
    for c in folded.chars() {
        match c {
            _ if c.is_whitespace() => {
                if !clean.ends_with(' ') {
                    clean.push(' ');
                }
            }
            _ if c.is_control() => return Err(RecipientError::Control),
            _ if is_invisible(c) => {}
            // Lower case makes two characters of the Turkish capital.
            '\u{130}' => clean.push('i'),
            // The dots that IDNA takes for one; the other two are folded already.
            '\u{3002}' => clean.push('.'),
            '\u{2018}'..='\u{201b}' | '\u{2039}' | '\u{203a}' | '`' | '\u{b4}' => clean.push('\''),
            '\u{2329}' | '\u{27e8}' | '\u{3008}' => clean.push('<'),
            '\u{232a}' | '\u{27e9}' | '\u{3009}' => clean.push('>'),
            _ => clean.push(c),
        }
    }
    // Around all of it they surround; elsewhere a word processor has set them for a quoted local
    // part or name.
    let clean = match clean.trim().strip_prefix(is_curly).and_then(|rest| rest.strip_suffix(is_curly)) {
        Some(inside) => inside.replace(is_curly, "\""),
        None => clean.replace(is_curly, "\""),
    };
    // Dropping a character can leave two that compose.
    let clean = ComposingNormalizerBorrowed::new_nfc().normalize(&clean);
    Ok(clean.replace('\u{130}', "i").replace("i\u{307}", "i"))
}

fn is_curly(c: char) -> bool {
    matches!(c, '\u{201c}'..='\u{201f}' | '\u{ab}' | '\u{bb}')
}

/// Default ignorable code points (Unicode): nothing of them is seen.
fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}'
        | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}'
        | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

/// Takes off what stands around an address until only the address is left.
fn unwrap(text: &str, depth: usize) -> Result<String, RecipientError> {
    let depth = depth.checked_sub(1).ok_or(RecipientError::NotOne)?;
    let text = trim(text);
    if let Some(target) = strip_scheme(text) {
        return unwrap(&clean(&percent_decoded(target))?, depth);
    }
    if !text.contains('@') && text.contains("%40") {
        return unwrap(&clean(&percent_decoded(text))?, depth);
    }
    if let Some((before, inside, after)) = angle(text) {
        // A name may repeat the address, not name another one.
        let outside = [before, after].into_iter().filter(|outside| outside.contains('@'));
        return same(std::iter::once(inside).chain(outside), depth);
    }
    let (bare, comments) = without_comments(text);
    let bare = trim(&bare);
    if !bare.contains('@') && comments.iter().any(|comment| comment.contains('@')) {
        return same(comments.iter().filter(|comment| comment.contains('@')).map(String::as_str), depth);
    }
    let bare = trim(without_query(bare));
    if let Some(inside) = enclosed(bare) {
        return unwrap(inside, depth);
    }
    // In quotes an escape is text.
    let decoded = if bare.contains('"') { bare.into() } else { percent_decoded(bare) };
    if decoded == bare { parse(bare) } else { unwrap(&clean(&decoded)?, depth) }
}

/// The address that all the texts hold.
fn same<'a>(mut texts: impl Iterator<Item = &'a str>, depth: usize) -> Result<String, RecipientError> {
    let address = unwrap(texts.next().unwrap_or_default(), depth)?;
    for text in texts {
        if unwrap(text, depth)? != address {
            return Err(RecipientError::NotOne);
        }
    }
    Ok(address)
}

/// Without the blanks and the punctuation of the sentence or list that an address stood in.
fn trim(text: &str) -> &str {
    // A bullet or an envelope would be a letter of the local part, or of the domain in punycode. A
    // sign that folds may be meant as the first letter: it is refused later.
    let is_before = |c: char| " ,;:".contains(c) || !c.is_ascii() && !begins_word(c) && !is_sign(c);
    let is_after = |c: char| " ,;:.!?/".contains(c) || !c.is_ascii() && !is_word(c);
    let mut text = text.trim_start_matches(is_before).trim_end_matches(is_after);
    // A quote or bracket that was pasted without its other half.
    for (open, close) in [('{', '}'), ('[', ']')] {
        if !text.contains(close) {
            text = text.trim_start_matches(|c| c == open || is_before(c));
        }
    }
    while let Some((rest, last)) =
        text.char_indices().next_back().and_then(|(at, c)| Some((text.get(..at)?, c)))
    {
        let alone = match last {
            '"' | '\'' => !text.starts_with(['"', '\'']),
            '>' => !rest.contains('<'),
            ']' => !rest.contains('['),
            '}' => !rest.starts_with('{'),
            _ => false,
        };
        if !alone {
            break;
        }
        text = rest.trim_end_matches([' ', ',', ';', '.']);
    }
    text
}

/// What follows `mailto:` or a label such as `E-Mail:`; no other URL has an address in it.
fn strip_scheme(text: &str) -> Option<&str> {
    let (label, rest) = text.split_once(':')?;
    let is_label = !label.is_empty() && label.chars().all(|c| c.is_alphabetic() || matches!(c, ' ' | '-'));
    if label.trim().eq_ignore_ascii_case("mailto") {
        let rest = rest.trim_start_matches('/');
        return Some(rest.split_once('?').map_or(rest, |(address, _)| address));
    }
    (is_label && !rest.starts_with("//")).then_some(rest)
}

/// The parts before, in and after the first pair of angle brackets outside of quotes.
fn angle(text: &str) -> Option<(&str, &str, &str)> {
    let open = unquoted(text).find(|&(_, c)| c == '<')?.0;
    let inside = text.get(open + 1..)?;
    let mut depth = 1_usize;
    for (at, c) in unquoted(inside) {
        match c {
            '<' => depth += 1,
            '>' => depth -= 1,
            _ => continue,
        }
        if depth == 0 {
            let route = inside.get(..at)?;
            // A source route (RFC 5321, C) comes before the address and is to be ignored.
            let address = route.strip_prefix('@').and_then(|route| route.split_once(':'));
            return Some((
                text.get(..open)?,
                address.map_or(route, |(_, address)| address),
                inside.get(at + 1..)?,
            ));
        }
    }
    Some((text.get(..open)?, inside, ""))
}

/// The text without its comments (RFC 5322, 3.2.2), and what the comments say.
fn without_comments(text: &str) -> (String, Vec<String>) {
    let (mut bare, mut comments) = (String::new(), Vec::new());
    let mut depth = 0_usize;
    let mut from = 0;
    for (at, c) in unquoted(text) {
        match c {
            '(' => {
                if depth == 0 {
                    bare.push_str(text.get(from..at).unwrap_or_default());
                    from = at + 1;
                }
                depth += 1;
            }
            ')' if depth > 0 => {
                depth -= 1;
                if depth == 0 {
                    comments.push(text.get(from..at).unwrap_or_default().to_owned());
                    from = at + 1;
                }
            }
            // It closes what was cut off.
            ')' => {
                bare.push_str(text.get(from..at).unwrap_or_default());
                from = at + 1;
            }
            _ => {}
        }
    }
    let rest = text.get(from..).unwrap_or_default();
    if depth > 0 {
        comments.push(rest.to_owned());
    } else {
        bare.push_str(rest);
    }
    (bare, comments)
}

/// What stands in a pair of quotes or brackets around the address.
fn enclosed(text: &str) -> Option<&str> {
    for (open, close) in [('\'', '\''), ('[', ']'), ('{', '}'), ('*', '*'), ('|', '|')] {
        if let Some(inside) = text.strip_prefix(open).and_then(|text| text.strip_suffix(close)) {
            return Some(inside);
        }
    }
    if text.starts_with('"') {
        return match quoted_length(text) {
            // With an `@` behind it, it is a quoted local part.
            Some(length) if !text.get(length..)?.contains('@') => text.get(1..length - 1),
            Some(_) => None,
            None => text.get(1..),
        };
    }
    // An apostrophe begins nobody's address, though RFC 5322 would let it.
    text.strip_prefix('\'')
}

/// `?subject=...` behind an address that has lost its `mailto:`. A domain has none of these signs.
fn without_query(text: &str) -> &str {
    let at = unquoted(text).find(|&(_, c)| c == '@').map_or(text.len(), |(at, _)| at);
    let end = unquoted(text).find(|&(place, c)| place > at && matches!(c, '?' | '#' | '/' | '&'));
    end.and_then(|(end, _)| text.get(..end)).unwrap_or(text)
}

#[cfg(test)]
mod tests;
