//! The grammar of `Forwarded` (RFC 7239): strict about quotes and delimiters, because a client
//! chooses what a proxy copies into `host=`; lenient about the characters of a value, because
//! proxies write them sloppily.

use std::net::IpAddr;

use super::address::{self, Ports};

/// Longer values of `for=` are no address: 39 characters of IPv6, brackets, a port and a zone fit.
const MAX_NODE_BYTES: usize = 128;
/// RFC 7239 knows four parameters; more than this many in an element is malformed.
const MAX_PARAMETERS: usize = 16;

/// Calls `element` with each element of one header line, from the left; empty ones are left out.
///
/// A line with a misplaced or an open quote cannot be divided reliably. It counts as one element
/// that is malformed, given as an empty one, so that a walk from the right stops there.
pub(super) fn split<'a>(line: &'a [u8], mut element: impl FnMut(&'a [u8])) {
    if !is_well_quoted(line) {
        return element(&[]);
    }
    let mut rest = line;
    loop {
        let end = find_outside_quotes(rest, b',');
        let (head, tail) = rest.split_at(end.unwrap_or(rest.len()));
        let head = address::trim(head);
        if !head.is_empty() {
            element(head);
        }
        match tail {
            [] => return,
            [_comma, tail @ ..] => rest = tail,
        }
    }
}

/// The address in an element's `for`; none if the element is malformed, has no `for`, or hides the
/// node.
pub(super) fn node(element: &[u8]) -> Option<IpAddr> {
    let mut names: [&[u8]; MAX_PARAMETERS] = [&[]; MAX_PARAMETERS];
    let mut count = 0;
    let mut node = None;
    let mut rest = element;
    loop {
        let end = find_outside_quotes(rest, b';').unwrap_or(rest.len());
        let (pair, tail) = rest.split_at(end);
        // A blank after ";" is not in the grammar, but common.
        let pair = skip_blanks(pair);
        if !pair.is_empty() {
            let equals = pair.iter().position(|&byte| byte == b'=')?;
            let (name, value) = (pair.get(..equals)?, pair.get(equals + 1..)?);
            if name.is_empty() || !name.iter().all(is_token_byte) || !is_value(value) {
                return None;
            }
            if names.iter().take(count).any(|seen| seen.eq_ignore_ascii_case(name)) {
                return None;
            }
            *names.get_mut(count)? = name;
            count += 1;
            if name.eq_ignore_ascii_case(b"for") {
                node = Some(value);
            }
        }
        match tail {
            [] => break,
            [_semicolon, tail @ ..] => rest = tail,
        }
    }
    parse_node(node?)
}

fn parse_node(value: &[u8]) -> Option<IpAddr> {
    let [b'"', quoted @ .., b'"'] = value else {
        return address::parse(value, Ports::NumericOrObfuscated);
    };
    let mut buffer = [0_u8; MAX_NODE_BYTES];
    let mut length = 0;
    let mut bytes = quoted.iter();
    while let Some(&byte) = bytes.next() {
        *buffer.get_mut(length)? = if byte == b'\\' { *bytes.next()? } else { byte };
        length += 1;
    }
    address::parse(buffer.get(..length)?, Ports::NumericOrObfuscated)
}

/// Whether every quote opens right after a "=" and closes before a delimiter, a blank or the end.
fn is_well_quoted(line: &[u8]) -> bool {
    let mut previous = b',';
    let mut index = 0;
    while let Some(&byte) = line.get(index) {
        match byte {
            b'"' => {
                if previous != b'=' {
                    return false;
                }
                let Some(length) = line.get(index..).and_then(quoted_length) else { return false };
                index += length;
                if !matches!(line.get(index), None | Some(b',' | b';' | b' ' | b'\t')) {
                    return false;
                }
                previous = b'"';
            }
            _ => {
                previous = byte;
                index += 1;
            }
        }
    }
    true
}

/// The position of `wanted` outside quotes, in text that is well quoted.
fn find_outside_quotes(text: &[u8], wanted: u8) -> Option<usize> {
    let mut index = 0;
    while let Some(&byte) = text.get(index) {
        if byte == wanted {
            return Some(index);
        }
        index += if byte == b'"' { text.get(index..).and_then(quoted_length)? } else { 1 };
    }
    None
}

/// The length of the quoted string at the start of `text`, both quotes counted; none if it is not
/// closed.
fn quoted_length(text: &[u8]) -> Option<usize> {
    let mut index = 1;
    loop {
        match text.get(index)? {
            b'"' => return Some(index + 1),
            b'\\' => index += 2,
            _ => index += 1,
        }
    }
}

fn is_value(value: &[u8]) -> bool {
    match value {
        [] => false,
        [b'"', rest @ ..] => {
            quoted_length(value) == Some(value.len())
                && rest.iter().all(|&byte| byte == b'\t' || !byte.is_ascii_control())
        }
        _ => value.iter().all(|&byte| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\\' | b',')),
    }
}

fn is_token_byte(byte: &u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte)
}

fn skip_blanks(mut text: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] = text {
        text = rest;
    }
    text
}
