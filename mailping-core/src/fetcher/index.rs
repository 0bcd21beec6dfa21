//! Finds a token of a User-Agent among the known names: one hash, computed when the library is
//! compiled.

use super::agent_names::{AGENTS, Agent, Place};

const BUCKETS: usize = 512;

/// Where each bucket's names begin in [`ORDER`].
static STARTS: [u16; BUCKETS + 1] = starts();
/// The names' first words and their places in [`AGENTS`], bucket after bucket.
static ORDER: [(u64, u16); AGENTS.len()] = order();

/// The known names that `token` is, or begins if a name has several words. `rest` is the text from
/// the token on.
#[inline]
pub(super) fn find(token: &[u8], rest: &[u8], inside: bool) -> Option<&'static Agent> {
    let key = key(token, rest);
    let bucket = bucket(key);
    let start = usize::from(*STARTS.get(bucket)?);
    let end = usize::from(*STARTS.get(bucket + 1)?);
    ORDER
        .get(start..end)?
        .iter()
        .filter(|(known, _)| *known == key)
        .filter_map(|(_, at)| AGENTS.get(usize::from(*at)))
        .find(|agent| fits(agent.place, inside) && stands(agent.name.as_bytes(), token, rest))
}

fn fits(place: Place, inside: bool) -> bool {
    match place {
        Place::Any => true,
        Place::Product => !inside,
        Place::Comment => inside,
    }
}

/// `token` has the key of the name's first word.
fn stands(name: &[u8], token: &[u8], rest: &[u8]) -> bool {
    if name.len() <= token.len() {
        // The key has compared the start.
        let compared = name.len().min(8);
        let (name_end, token_end) = (name.get(compared..), token.get(compared..));
        return name.len() == token.len()
            && name_end.zip(token_end).is_some_and(|(name, token)| name.eq_ignore_ascii_case(token));
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

/// The first eight bytes in lower case, by setting a bit that only letters and control signs lack.
/// `rest` begins with the token.
fn key(token: &[u8], rest: &[u8]) -> u64 {
    let bytes = rest.first_chunk::<8>().copied().unwrap_or_else(|| {
        let mut bytes = [0; 8];
        bytes.iter_mut().zip(token).for_each(|(to, from)| *to = *from);
        bytes
    });
    lower(u64::from_le_bytes(bytes), token.len())
}

const fn lower(bytes: u64, len: usize) -> u64 {
    let kept = if len < 8 { 8 * len as u32 } else { 64 };
    (bytes | 0x2020_2020_2020_2020) & u64::MAX.wrapping_shr(64 - kept)
}

const fn bucket(key: u64) -> usize {
    (key.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 55) as usize % BUCKETS
}

const fn key_of(agent: &Agent) -> u64 {
    let name = agent.name.as_bytes();
    let len = first_word(name);
    let (mut bytes, mut at) = (0, 0);
    while at < len && at < 8 {
        bytes |= (name[at] as u64) << (8 * at);
        at += 1;
    }
    lower(bytes, len)
}

const fn starts() -> [u16; BUCKETS + 1] {
    let mut starts = [0; BUCKETS + 1];
    let mut at = 0;
    while at < AGENTS.len() {
        starts[bucket(key_of(&AGENTS[at])) + 1] += 1;
        at += 1;
    }
    let mut bucket = 0;
    while bucket < BUCKETS {
        starts[bucket + 1] += starts[bucket];
        bucket += 1;
    }
    starts
}

const fn order() -> [(u64, u16); AGENTS.len()] {
    let mut next = starts();
    let mut order = [(0, 0); AGENTS.len()];
    let mut at = 0;
    while at < AGENTS.len() {
        let key = key_of(&AGENTS[at]);
        order[next[bucket(key)] as usize] = (key, at as u16);
        next[bucket(key)] += 1;
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
