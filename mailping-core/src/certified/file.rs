//! A certified receipt as a file: the page for people, then the proof for programs, each thing in
//! one form only.

use super::checkpoint::Checkpoint;
use super::error::VerifyError;
use super::hash::{
    Hash, from_base64, hash_from_base64, hashes_from_base64, hashes_to_base64, sha256, to_base64, to_hex,
};
use super::map::Path;
use super::note::Note;
use super::page::{SEALED, page};
use super::ping_key::PingKey;
use super::seal::{Second, second};
use super::statement::{Statement, StatementKind};
use super::token;
use crate::Timestamp;
use crate::text::decimal;

/// More than the opens of five years at the limit of each hour take.
const MAX_BYTES: usize = 256 << 20;
const PROOF: &str = "\nProof\n\n";

/// What the file says, before anything of it is believed.
#[derive(Debug, Clone)]
pub(crate) struct File {
    pub(crate) ping_key: PingKey,
    pub(crate) parts: Vec<Part>,
    /// The parts of the log's tree without any entry that is shown.
    pub(crate) log: Vec<Hash>,
    /// Entries in which the log's key changed, as signed notes.
    pub(crate) rotations: Vec<String>,
    pub(crate) before: Vec<Before>,
    pub(crate) checkpoint: Checkpoint,
    /// The signed checkpoint.
    pub(crate) note: String,
}

/// A seal and what it holds of the ping.
#[derive(Debug, Clone)]
pub(crate) struct Part {
    pub(crate) index: u64,
    pub(crate) from: Timestamp,
    pub(crate) until: Timestamp,
    pub(crate) path: Path,
    pub(crate) statements: Vec<Statement>,
}

/// An earlier checkpoint of the log, the proof that the log goes on from it, and a stamp on it.
#[derive(Debug, Clone)]
pub(crate) struct Before {
    pub(crate) checkpoint: Checkpoint,
    pub(crate) note: String,
    pub(crate) proof: Vec<Hash>,
    /// A time-stamp token of RFC 3161 over the note, with the time that it names.
    pub(crate) token: Option<(Vec<u8>, Timestamp)>,
}

impl File {
    pub(super) fn statements(&self) -> impl Iterator<Item = (&Part, &Statement)> + Clone {
        self.parts.iter().flat_map(|part| part.statements.iter().map(move |one| (part, one)))
    }

    /// The value of the header line of the mail that this is about.
    pub(super) fn header(&self) -> String {
        let created = self.statements().next().map_or("", |(_, created)| created.as_str());
        self.ping_key.header(created)
    }

    pub(super) fn is_final(&self) -> bool {
        self.statements().last().is_some_and(|(_, last)| last.kind() == StatementKind::Ended)
    }

    pub(crate) fn to_text(&self) -> String {
        let mut text = format!("{}{PROOF}key {}\n", page(self), to_base64(self.ping_key.as_bytes()));
        for Part { index, from, until, path, statements } in &self.parts {
            let (from, until, count, path) =
                (Second(*from), Second(*until), statements.len(), path.to_text());
            text.push_str(&format!("seal {index} {from} {until} {count} {path}\n"));
        }
        text.push_str(&format!("log {}\n", hashes_to_base64(&self.log)));
        for entry in &self.rotations {
            text.push_str(&format!("rotation {}\n", to_base64(entry)));
        }
        for Before { note, proof, token, .. } in &self.before {
            let token = token.as_ref().map_or_else(|| "-".to_owned(), |(token, _)| to_base64(token));
            text.push_str(&format!("before {} {} {token}\n", to_base64(note), hashes_to_base64(proof)));
        }
        text.push_str(&format!("checkpoint\n{}", self.note));
        let sum = to_hex(&sha256(&[text.as_bytes()]));
        text.push_str(&format!("end {sum}\n"));
        text
    }

    /// Reads a file that is exactly as [`File::to_text`] writes it.
    pub(super) fn parse(text: &str) -> Result<Self, VerifyError> {
        if text.len() > MAX_BYTES {
            return Err(VerifyError::TooLong);
        }
        let (page, proof) = text.split_once(PROOF).ok_or(VerifyError::NoReceipt)?;
        let (whole, end) =
            proof.strip_suffix('\n').and_then(|all| all.rsplit_once("\nend ")).ok_or(VerifyError::Cut)?;
        let written = text.len() - end.len() - "end \n".len();
        if end != to_hex(&sha256(&[text.as_bytes().get(..written).unwrap_or_default()])) {
            return Err(VerifyError::Damaged);
        }
        let line = page.lines().count() + 3;
        let file = Reader { line, rest: whole, statements: page_statements(page) }.file()?;
        if file.to_text() == text { Ok(file) } else { Err(VerifyError::Page) }
    }
}

fn page_statements(page: &str) -> impl Iterator<Item = &str> {
    page.lines().filter_map(|line| Some(line.strip_prefix(SEALED)?.split_once("Z: ")?.1))
}

/// Reads the proof line by line.
struct Reader<'a, S> {
    /// The number of the line that was read last.
    line: usize,
    rest: &'a str,
    statements: S,
}

impl<'a, S: Iterator<Item = &'a str>> Reader<'a, S> {
    fn file(mut self) -> Result<File, VerifyError> {
        let key = self.words("key").and_then(hash_from_base64);
        let ping_key = PingKey::from_bytes(key.ok_or_else(|| self.expected("the key of the ping"))?);
        let parts = self.all("seal", "a seal", Self::part)?;
        if parts.is_empty() {
            return Err(self.expected("a seal"));
        }
        let log = self.words("log").and_then(hashes_from_base64);
        let log = log.ok_or_else(|| self.expected("the proof of the log"))?;
        let rotations = self.all("rotation", "a change of the log's key", |_, words| {
            String::from_utf8(from_base64(words)?).ok()
        })?;
        let before = self.all("before", "an earlier checkpoint with its proof", |_, words| before(words))?;
        if self.words("checkpoint").is_none() && self.rest.strip_prefix("checkpoint\n").is_none() {
            return Err(self.expected("the checkpoint"));
        }
        let note = format!("{}\n", self.rest.strip_prefix("checkpoint\n").unwrap_or_default());
        let checkpoint = Note::parse(&note).as_ref().and_then(Checkpoint::of);
        let checkpoint = checkpoint.ok_or_else(|| self.expected("a signed checkpoint"))?;
        Ok(File { ping_key, parts, log, rotations, before, checkpoint, note })
    }

    /// What stands behind the word that the next line begins with, if it does.
    fn words(&mut self, word: &str) -> Option<&'a str> {
        let (line, rest) = self.rest.split_once('\n')?;
        let words = line.strip_prefix(word)?.strip_prefix(' ')?;
        (self.line, self.rest) = (self.line + 1, rest);
        Some(words)
    }

    fn all<T>(
        &mut self,
        word: &str,
        expected: &'static str,
        mut read: impl FnMut(&mut Self, &'a str) -> Option<T>,
    ) -> Result<Vec<T>, VerifyError> {
        let mut all = Vec::new();
        while let Some(words) = self.words(word) {
            let one = read(self, words);
            all.push(one.ok_or(VerifyError::Form { line: self.line, expected })?);
        }
        Ok(all)
    }

    fn part(&mut self, words: &'a str) -> Option<Part> {
        let words: Vec<&str> = words.split(' ').collect();
        let [index, from, until, count, bits, hashes] = words.as_slice() else { return None };
        let count = usize::try_from(decimal(count)?).ok()?;
        let statements = self.statements.by_ref().take(count).map(|line| line.parse().ok());
        let statements: Vec<Statement> = statements.collect::<Option<_>>()?;
        let path = Path::from_text(bits, hashes)?;
        let (from, until) = (second(from)?, second(until)?);
        (statements.len() == count).then_some(Part { index: decimal(index)?, from, until, path, statements })
    }

    fn expected(&self, expected: &'static str) -> VerifyError {
        VerifyError::Form { line: self.line + 1, expected }
    }
}

fn before(words: &str) -> Option<Before> {
    let words: Vec<&str> = words.split(' ').collect();
    let [note, proof, token] = words.as_slice() else { return None };
    let note = String::from_utf8(from_base64(note)?).ok()?;
    let checkpoint = Checkpoint::of(&Note::parse(&note)?)?;
    let token = if *token == "-" { None } else { Some(from_base64(token)?) };
    let read = |token: Vec<u8>| token::time(&token, &sha256(&[note.as_bytes()])).map(|time| (token, time));
    let token = match token {
        Some(token) => Some(read(token)?),
        None => None,
    };
    Some(Before { checkpoint, proof: hashes_from_base64(proof)?, token, note })
}
