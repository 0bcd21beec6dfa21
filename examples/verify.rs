//! Verifies a certified receipt offline and prints its first page:
//!
//! ```sh
//! cargo run --example verify -- KEY receipt.txt > page.txt
//! ```
//!
//! KEY is the public key of the sender's log, from where the sender publishes it. `HTML=1` prints
//! the page as HTML. `scripts/verify_receipt.py` does the same without Rust.

use std::error::Error;
use std::fs;
use std::io::{Write as _, stdout};
use std::process::ExitCode;

use mailping_axum::certified::{PublicKey, Verifier};

fn main() -> ExitCode {
    match verify() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn verify() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(key), Some(file)) = (arguments.next(), arguments.next()) else {
        return Err("expected the public key of the log and the file of a receipt".into());
    };
    let key = key.parse().ok().filter(|key: &PublicKey| !key.is_witness());
    let key = key.ok_or(
        "KEY is not the public key of a log: expected a line such as example.com/receipts+0a1b2c3d+AQ…",
    )?;
    let mut verifier = Verifier::new(key);
    // The value of the mail's header line Mailping-Key: only then the receipt is about that mail.
    if let Ok(header) = std::env::var("MAIL_HEADER") {
        verifier = verifier.header(&header);
    }
    let receipt = fs::read(&file).map_err(|why| format!("{file} could not be read: {why}"))?;
    let receipt = String::from_utf8(receipt).map_err(|_| "refused: this is no certified receipt")?;
    let certified = verifier.verify(&receipt).map_err(|why| format!("refused: {why}"))?;

    let page = if std::env::var("HTML").is_ok() { certified.to_html() } else { certified.to_string() };
    stdout().write_all(page.as_bytes())?;
    // Whether an authority that you trust made them is for OpenSSL.
    for (stamp, number) in certified.stamps().zip(1..) {
        fs::write(format!("stamp{number}.txt"), stamp.checkpoint)?;
        fs::write(format!("stamp{number}.der"), stamp.token)?;
        let time = stamp.time.unix_millis() / 1_000;
        eprintln!(
            "openssl ts -verify -data stamp{number}.txt -in stamp{number}.der -token_in -attime {time} -CAfile authority.pem"
        );
    }
    Ok(())
}
