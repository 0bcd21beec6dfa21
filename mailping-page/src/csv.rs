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

/// A cell of somebody's text. Where a spreadsheet could take it, or a part of it, for a formula, an
/// apostrophe stands before the sign, as OWASP advises; the wide forms count too, since some
/// programs narrow them. A part begins behind whatever some reader splits cells or lines at: there
/// are those that split at `;` or a tab, and know nothing of quotes.
fn cell(text: &str) -> String {
    let mut cell = String::with_capacity(text.len() + 3);
    cell.push('"');
    let begins_with_space = text.starts_with(['\t', '\r', '\n']);
    for (at, part) in text.split_inclusive(SEPARATORS).enumerate() {
        let formula = part.trim_start_matches(is_passed_over).starts_with(FORMULA);
        if formula || at == 0 && begins_with_space {
            cell.push('\'');
        }
        cell.push_str(&part.replace('"', "\"\""));
    }
    cell.push('"');
    cell
}

const SEPARATORS: [char; 10] = [',', ';', '|', '\t', '\r', '\n', '\u{b}', '\u{c}', '\u{2028}', '\u{2029}'];
const FORMULA: [char; 8] = ['=', '+', '-', '@', '\u{ff1d}', '\u{ff0b}', '\u{ff0d}', '\u{ff20}'];

/// What may stand before a formula, a quote that a reader takes for its cell's too.
fn is_passed_over(letter: char) -> bool {
    letter.is_whitespace() || letter == '"' || letter.is_control() || letter == '\u{feff}'
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
            ("x;=HYPERLINK(1)", "\"x;'=HYPERLINK(1)\""),
            ("x; =1;y;@SUM(1)", "\"x;' =1;y;'@SUM(1)\""),
            ("x;\"=1\"", "\"x;'\"\"=1\"\"\""),
            ("x\t-1", "\"x\t'-1\""),
            ("x\n=1", "\"x\n'=1\""),
            ("x\r\n+1", "\"x\r\n'+1\""),
            ("x,=1|=2", "\"x,'=1|'=2\""),
            (";\u{ff1d}1", "\";'\u{ff1d}1\""),
            ("a-b;c+d=e", "\"a-b;c+d=e\""),
            ("", "\"\""),
        ] {
            assert_eq!(cell(text), expected);
        }
    }
}
