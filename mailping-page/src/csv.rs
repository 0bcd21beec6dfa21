//! Receipts as a table for spreadsheets, in which no cell is ever run as a formula.

use std::fmt::Write;

use mailping_core::receipts::{StepTime, Summary};

const COLUMNS: &str = "id,reference,owner,status,state,fetches,human_opens,machine_fetches,uncertain_fetches,\
                       first_human_open,last_human_open,several_places,sent_at,delivery,confirmed_at\r\n";

/// The table of some receipts.
pub(crate) fn table<'a>(receipts: impl IntoIterator<Item = &'a Summary>) -> String {
    let mut table = COLUMNS.to_owned();
    for receipt in receipts {
        let ping = &receipt.ping;
        let time = |time: Option<StepTime>| time.map(|time| time.to_string()).unwrap_or_default();
        // Writing to a text does not fail.
        let _ = write!(
            table,
            "{},{},{},{},{},{},{},{},{},{},{},{},{},{},{}\r\n",
            ping.id,
            cell(&ping.reference),
            cell(ping.owner.as_deref().unwrap_or_default()),
            ping.status,
            receipt.state.as_str(),
            receipt.fetches,
            receipt.human_opens,
            receipt.machine_fetches,
            receipt.uncertain_fetches,
            time(receipt.first_human_open),
            time(receipt.last_human_open),
            receipt.several_places,
            ping.sent_at,
            receipt.delivery,
            time(receipt.confirmed_at),
        );
    }
    table
}

/// A cell of somebody's text. One that a spreadsheet would take for a formula gets an apostrophe
/// before it, as OWASP advises; the wide forms count too, since some programs narrow them.
fn cell(text: &str) -> String {
    let formula =
        text.trim_start().starts_with(['=', '+', '-', '@', '\u{ff1d}', '\u{ff0b}', '\u{ff0d}', '\u{ff20}'])
            || text.starts_with(['\t', '\r', '\n']);
    let mark = if formula { "'" } else { "" };
    format!("\"{mark}{}\"", text.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_cell_is_a_formula_and_no_text_leaves_its_cell() {
        for (text, expected) in [
            ("invoice-42", "\"invoice-42\""),
            ("a,b \"c\"", "\"a,b \"\"c\"\"\""),
            ("=HYPERLINK(1)", "\"'=HYPERLINK(1)\""),
            ("  =1+1", "\"'  =1+1\""),
            ("+1", "\"'+1\""),
            ("-1", "\"'-1\""),
            ("@SUM(1)", "\"'@SUM(1)\""),
            ("\tx", "\"'\tx\""),
            ("\u{ff1d}1", "\"'\u{ff1d}1\""),
            ("", "\"\""),
        ] {
            assert_eq!(cell(text), expected);
        }
    }
}
