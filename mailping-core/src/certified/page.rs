//! The first page of a certified receipt, in plain sentences. It follows from the proof, so that
//! nobody can write another page in front of it.

use super::file::{File, Part};
use super::seal::Second;
use super::statement::StatementKind;

pub(super) const TITLE: &str = "mailping certified receipt 1";
pub(super) const SEALED: &str = "sealed by ";
/// What the words mean, how to check, and what is not shown: a part of the format.
pub(super) const GUIDE: &str = include_str!("guide.txt");

/// The page, up to the proof.
pub(super) fn page(file: &File) -> String {
    let header = format!("{}: {}", super::ping_key::HEADER, file.header());
    let origin = &file.checkpoint.origin;
    let mut page = format!(
        "{TITLE}\n\nThis is a receipt for one e-mail message: the one with the header line\n    {header}\n\
         It lists all that was sealed about that message in the log\n    {origin}\n"
    );
    page.push_str(&state(file));
    page.push_str(&fetches(file));
    page.push_str("\nWhat was sealed\n\n");
    for (part, statement) in file.statements() {
        page.push_str(&format!("{SEALED}{}: {statement}\n", Second(part.until)));
    }
    page.push_str("\nWhat was stamped from outside\n\n");
    let stamps: Vec<String> = file
        .before
        .iter()
        .filter_map(|before| {
            let (_, time) = before.token.as_ref()?;
            Some(format!("stamped at {}: seals 0 to {}\n", Second(*time), before.checkpoint.size - 1))
        })
        .collect();
    page.push_str(if stamps.is_empty() { "nothing\n" } else { "" });
    page.push_str(&stamps.concat());
    page.push('\n');
    page.push_str(GUIDE);
    page
}

fn state(file: &File) -> String {
    if file.is_final() {
        return "The receipt is final: recording has ended, and nothing can be added to the list.\n"
            .to_owned();
    }
    let until = file.parts.last().map(|part: &Part| Second(part.until).to_string()).unwrap_or_default();
    format!("The receipt is interim: it lists what was sealed until {until}. More may follow.\n")
}

fn fetches(file: &File) -> String {
    let of = |kind| file.statements().map(|(_, statement)| statement).filter(move |one| one.kind() == kind);
    let by = |verdict| of(StatementKind::Open).filter(|open| open.fields().next() == Some(verdict)).count();
    let last_days = of(StatementKind::LastDay).count();
    let [human, machine, uncertain] = ["human", "machine", "uncertain"].map(by);
    format!(
        "Listed are {human} human, {machine} machine and {uncertain} uncertain fetches of its picture, and \
         {last_days} last days.\n"
    )
}
