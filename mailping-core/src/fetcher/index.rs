//! Finds a token of a User-Agent among the known names: one hash, computed when the library is compiled.

use super::agents::{AGENTS, Agent, Place};

const BUCKETS: usize = 512;

/// Where each bucket's names begin in [`ORDER`].
static STARTS: [u16; BUCKETS + 1] = starts();
/// The names' places in [`AGENTS`], bucket after bucket.
static ORDER: [u16; AGENTS.len()] = order();

/// The known names that `token` is, or begins where a name has several words. `rest` is the text from the token on.
pub(super) fn find(token: &[u8], rest: &[u8], inside: bool) -> Option<&'static Agent> {
    let bucket = bucket(token);
    let start = usize::from(*STARTS.get(bucket)?);
    let end = usize::from(*STARTS.get(bucket + 1)?);
    ORDER
        .get(start..end)?
        .iter()
        .filter_map(|at| AGENTS.get(usize::from(*at)))
        .find(|agent| fits(agent.place, inside) && stands(agent.name.as_bytes(), token, rest))
}

fn fits(place: Place, inside: bool) -> bool {
    match place {
        Place::Any => true,
        Place::Product => !inside,
        Place::Comment => inside,
    }
}

fn stands(name: &[u8], token: &[u8], rest: &[u8]) -> bool {
    if name.len() <= token.len() {
        return token.eq_ignore_ascii_case(name);
    }
    if !matches!(name.get(token.len()), Some(b' ' | b'/')) {
        return false;
    }
    let whole = rest.get(..name.len()).is_some_and(|text| text.eq_ignore_ascii_case(name));
    whole && !rest.get(name.len()).is_some_and(u8::is_ascii_alphanumeric)
}

/// How long a name's first word is: tokens end at a blank or a slash.
const fn first_word(name: &[u8]) -> usize {
    let mut at = 0;
    while at < name.len() && name[at] != b' ' && name[at] != b'/' {
        at += 1;
    }
    at
}

fn bucket(token: &[u8]) -> usize {
    let (Some(first), Some(last)) = (token.first(), token.last()) else { return 0 };
    let second = token.get(1).unwrap_or(last);
    hash(*first, *second, *last, token.len())
}

const fn hash(first: u8, second: u8, last: u8, len: usize) -> usize {
    let (first, second, last) = ((first | 32) as usize, (second | 32) as usize, (last | 32) as usize);
    (first * 131 + second * 31 + last * 7 + len * 61) % BUCKETS
}

const fn bucket_of(agent: &Agent) -> usize {
    let name = agent.name.as_bytes();
    let len = first_word(name);
    hash(name[0], name[if len > 1 { 1 } else { 0 }], name[len - 1], len)
}

const fn starts() -> [u16; BUCKETS + 1] {
    let mut starts = [0; BUCKETS + 1];
    let mut at = 0;
    while at < AGENTS.len() {
        starts[bucket_of(&AGENTS[at]) + 1] += 1;
        at += 1;
    }
    let mut bucket = 0;
    while bucket < BUCKETS {
        starts[bucket + 1] += starts[bucket];
        bucket += 1;
    }
    starts
}

const fn order() -> [u16; AGENTS.len()] {
    let mut next = starts();
    let mut order = [0; AGENTS.len()];
    let mut at = 0;
    while at < AGENTS.len() {
        let bucket = bucket_of(&AGENTS[at]);
        order[next[bucket] as usize] = at as u16;
        next[bucket] += 1;
        at += 1;
    }
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_found_in_any_case() {
        for agent in AGENTS {
            let text = agent.name.to_ascii_uppercase();
            let token = &text.as_bytes()[..first_word(text.as_bytes())];
            let inside = agent.place == Place::Comment;
            let found = find(token, text.as_bytes(), inside).expect(agent.name);
            // A longer name wins only where it stands first in the table.
            assert!(agent.name.to_ascii_lowercase().starts_with(&found.name.to_ascii_lowercase()));
        }
    }

    #[test]
    fn a_part_of_a_token_is_not_found() {
        for token in ["javascript", "curly", "xcurl", "Splashy"] {
            assert!(find(token.as_bytes(), token.as_bytes(), false).is_none(), "{token}");
        }
    }
}
