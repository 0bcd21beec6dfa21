//! The bare address, `local@domain`, by RFC 5321, 5322 and 6531: checked, and brought to one form.
//!
//! Of the crates for it `addr-spec` comes nearest. It would replace this file alone, not what finds
//! an address in a text, and brings a build script and two more crates.

use std::borrow::Cow;
use std::net::{Ipv4Addr, Ipv6Addr};

use icu_normalizer::ComposingNormalizerBorrowed;
use idna::uts46::{AsciiDenyList, DnsLength, Hyphens, Uts46};

use super::RecipientError;
use super::character::{begins_word, is_sign, is_word};

/// RFC 5321, 4.5.3.1.3 with erratum 1690.
pub(super) const MAX_ADDRESS: usize = 254;
/// RFC 5321, 4.5.3.1.1.
pub(super) const MAX_LOCAL: usize = 64;

/// `local@domain` and nothing else.
pub(super) fn parse(text: &str) -> Result<String, RecipientError> {
    let mut ats = unquoted(text).filter(|&(_, c)| c == '@').map(|(at, _)| at);
    let at = ats.next().ok_or(RecipientError::NoDomain)?;
    if ats.next().is_some() {
        return Err(RecipientError::NotOne);
    }
    let (local, domain) = text.split_at_checked(at).ok_or(RecipientError::NoDomain)?;
    let (local, domain) = (local.trim(), domain.get(1..).unwrap_or_default().trim());
    if local.is_empty() || domain.is_empty() {
        return Err(RecipientError::NoDomain);
    }
    let address = format!("{}@{}", canonical_local(local)?, canonical_domain(domain)?);
    if address.len() > MAX_ADDRESS { Err(RecipientError::Length) } else { Ok(address) }
}

/// Lower case, and quoted only if it must be: `"ada"@example.com` is `ada@example.com`.
fn canonical_local(text: &str) -> Result<String, RecipientError> {
    // Quotation marks, though RFC 5322 would let them be letters.
    let text = text.trim_matches('\'');
    if text.contains(is_sign) || !text.contains('"') && !is_plain(text) {
        return Err(RecipientError::LocalPart);
    }
    let mut local = String::new();
    let mut rest = text;
    loop {
        if rest.starts_with('"') {
            let length = quoted_length(rest).ok_or(RecipientError::LocalPart)?;
            let mut escaped = false;
            for c in rest.get(1..length - 1).unwrap_or_default().chars() {
                if c == '\\' && !escaped {
                    escaped = true;
                    continue;
                }
                escaped = false;
                local.push(c);
            }
            rest = rest.get(length..).unwrap_or_default();
        } else {
            let end = rest.find(|c| !is_atom(c)).unwrap_or(rest.len());
            if end == 0 {
                return Err(RecipientError::LocalPart);
            }
            local.push_str(rest.get(..end).unwrap_or_default());
            rest = rest.get(end..).unwrap_or_default();
        }
        match rest.strip_prefix('.') {
            Some(next) => rest = next,
            None if rest.is_empty() => break,
            None => return Err(RecipientError::LocalPart),
        }
        local.push('.');
    }
    // Lower case can undo the composed form, and the two small sigmas are one letter.
    let lower = local.to_lowercase().replace('\u{3c2}', "\u{3c3}");
    let local = ComposingNormalizerBorrowed::new_nfkc().normalize(&lower).into_owned();
    let is_dotted = local.split('.').all(|atom| !atom.is_empty() && atom.chars().all(is_atom));
    let needs_no_quotes = is_dotted && is_plain(&local);
    let local = if needs_no_quotes {
        local
    } else {
        format!("\"{}\"", local.replace('\\', "\\\\").replace('"', "\\\""))
    };
    match local.len() {
        // An empty quoted string is valid by the letter and nobody's address.
        0..=2 if !needs_no_quotes => Err(RecipientError::LocalPart),
        0..=MAX_LOCAL => Ok(local),
        _ => Err(RecipientError::Length),
    }
}

/// Whether nothing of a local part may come from the text around it, such as a bullet, a list's
/// hyphen, `email=` or an escape of a URL. RFC 5322 allows all of those: whoever has such an
/// address quotes it.
fn is_plain(local: &str) -> bool {
    let is_name = |c: char| c.is_alphabetic() || "-_".contains(c);
    let is_field = local.split_once('=').is_some_and(|(name, _)| name.chars().all(is_name));
    let is_query = local.split_once('?').is_some_and(|(_, query)| query.contains('='));
    local.starts_with(|c| begins_word(c) || "_+!$".contains(c))
        && local.ends_with(|c: char| c.is_ascii() && c != '\'' || is_word(c))
        && !is_field
        && !is_query
        && percent_decoded(local) == local
}

/// Broken sequences and what is no UTF-8 stay as they are.
pub(super) fn percent_decoded(text: &str) -> Cow<'_, str> {
    percent_encoding::percent_decode_str(text).decode_utf8().unwrap_or(Cow::Borrowed(text))
}

/// `atext` of RFC 5322, with all of Unicode beyond ASCII (RFC 6531).
fn is_atom(c: char) -> bool {
    c.is_ascii_alphanumeric() || !c.is_ascii() || "!#$%&'*+-/=?^_`{|}~".contains(c)
}

/// The ASCII form of a domain name, or an address literal.
fn canonical_domain(text: &str) -> Result<String, RecipientError> {
    if let Some(literal) = text.strip_prefix('[') {
        let literal = literal.strip_suffix(']').ok_or(RecipientError::Domain)?.trim();
        if let Ok(v4) = literal.parse::<Ipv4Addr>() {
            return Ok(format!("[{v4}]"));
        }
        let tag = literal.get(..5).filter(|tag| tag.eq_ignore_ascii_case("ipv6:"));
        let v6 = literal.get(tag.map_or(0, str::len)..).and_then(|text| text.parse::<Ipv6Addr>().ok());
        return v6.map(|v6| format!("[ipv6:{v6}]")).ok_or(RecipientError::Domain);
    }
    let name = text.trim_end_matches('.');
    // UTS 46 takes signs and punctuation, yet no registry does.
    let top = name.rsplit('.').next().unwrap_or_default();
    if !is_of_one_script(top) || !name.split('.').all(is_label) {
        return Err(RecipientError::Domain);
    }
    let ascii = Uts46::new()
        .to_ascii(name.as_bytes(), AsciiDenyList::STD3, Hyphens::CheckFirstLast, DnsLength::Verify)
        .map_err(|_| RecipientError::Domain)?;
    // An IPv4 address without its brackets, or a cut one, is no name.
    let last = ascii.rsplit('.').next().unwrap_or_default();
    if last.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(RecipientError::Domain);
    }
    Ok(ascii.into_owned())
}

/// Letters, marks and digits, and what IDNA (RFC 5892, appendix A) has between those of a script.
fn is_label(label: &str) -> bool {
    let label = label.to_lowercase().replace("l\u{b7}l", "ll");
    let is_foreign = |c: char| !c.is_ascii() && is_word(c);
    let has_script = label.contains(is_foreign);
    let is_between =
        |c| matches!(c, '\u{b7}' | '\u{2bc}' | '\u{375}' | '\u{5f3}' | '\u{5f4}' | '\u{3007}' | '\u{30fb}');
    label.chars().all(|c| c.is_ascii() || is_foreign(c) || has_script && is_between(c))
}

/// No top-level domain has letters of another script beside `a` to `z`: they are the next word of a
/// language that is written without blanks.
fn is_of_one_script(label: &str) -> bool {
    let is_latin = |c: char| c.is_ascii() || matches!(c, '\u{c0}'..='\u{24f}' | '\u{1e00}'..='\u{1eff}');
    !label.contains(|c: char| c.is_ascii_alphabetic()) || label.chars().all(is_latin)
}

/// The characters outside of quoted strings. A quote that is never closed is none.
pub(super) fn unquoted(text: &str) -> impl Iterator<Item = (usize, char)> {
    let mut until = 0;
    text.char_indices().filter(move |&(at, c)| {
        if at < until {
            return false;
        }
        if c == '"'
            && let Some(length) = quoted_length(text.get(at..).unwrap_or_default())
        {
            until = at + length;
            return false;
        }
        true
    })
}

/// The bytes of the quoted string that `text` begins with.
pub(super) fn quoted_length(text: &str) -> Option<usize> {
    let mut escaped = false;
    let closing = text.char_indices().skip(1).find(|&(_, c)| {
        let closes = c == '"' && !escaped;
        escaped = c == '\\' && !escaped;
        closes
    });
    closing.map(|(at, _)| at + 1)
}
