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

use mailping_axum::certified::Verifier;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(key), Some(file)) = (arguments.next(), arguments.next()) else {
        return Err("expected the public key of the log and the file of a receipt".into());
    };
    let mut verifier = Verifier::new(key.parse()?);
    // The value of the mail's header line Mailping-Key: only then the receipt is about that mail.
    if let Ok(header) = std::env::var("MAIL_HEADER") {
        verifier = verifier.header(&header);
    }
    let certified = verifier.verify(&fs::read_to_string(file)?).map_err(|why| format!("refused: {why}"))?;

    match std::env::var("HTML") {
        Ok(_) => print!("{}", certified.to_html()),
        Err(_) => print!("{certified}"),
    }
    // Whether an authority that you trust made them is for OpenSSL.
    for (stamp, number) in certified.stamps().zip(1..) {
        fs::write(format!("stamp{number}.txt"), stamp.checkpoint)?;
        fs::write(format!("stamp{number}.der"), stamp.token)?;
        eprintln!(
            "openssl ts -verify -data stamp{number}.txt -in stamp{number}.der -token_in -CAfile authority.pem"
        );
    }
    Ok(())
}
