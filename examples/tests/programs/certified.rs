//! `certified` against a real SMTP server: the mail that arrives and the receipt are bound to each
//! other, and a stranger can check that.

use sha2::{Digest as _, Sha256};

use crate::example;
use crate::lettre::smtp_server;

const OFFER: &[u8] = b"%PDF-1.7 an offer\n";
const PLAIN: &str = "<html><body><p>Our offer is attached.</p></body></html>";

fn hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn the_receipt_of_a_certified_mail_is_verified_against_that_mail() {
    let start = example("certified");
    let (smtp, received) = smtp_server();
    std::fs::write(start.folder().join("offer.pdf"), OFFER).unwrap();
    let smtp = format!("smtp://{smtp}");
    let settings = [
        ("MAILPING_SMTP", &*smtp),
        ("MAILPING_FROM", "bob@example.com"),
        ("MAILPING_TO", "ada@example.com"),
        ("MAILPING_OFFER", "offer.pdf"),
    ];
    let run = |settings: &[(&str, &str)]| {
        let output = start.command(settings).current_dir(start.folder()).output().unwrap();
        (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap())
    };
    let (_, refused) = run(&settings);
    let key = refused.trim().trim_matches('"').rsplit(' ').next().unwrap();
    let (printed, error) = run(&[&settings[..], &[("LOG_KEY", key)]].concat());
    let public_key = printed.trim().rsplit(' ').next().unwrap_or_else(|| panic!("{printed}{error}"));

    let mail = received.recv().unwrap();
    let header = mail.header("Mailping-Key").unwrap();
    let attached = mail.message().attachment(0).unwrap().contents().to_vec();
    let receipt = std::fs::read_to_string(start.folder().join("receipt.txt")).unwrap();
    assert!(receipt.contains(&format!("attachment sha256 {}", hex(&attached))), "{receipt}");
    assert_eq!(attached, OFFER);
    let html = mail.html();
    let (before, pixel) = html.split_once("<img").unwrap();
    let without = format!("{before}{}", pixel.split_once('>').unwrap().1);
    assert_eq!(without.trim_end(), PLAIN);
    assert!(receipt.contains(&format!("message sha256 {}", hex(PLAIN.as_bytes()))), "{receipt}");

    let stranger = example("verify");
    let verify = |header: &str| {
        let mut command = stranger.command(&[("MAIL_HEADER", header)]);
        command.arg(public_key).arg(start.folder().join("receipt.txt")).output().unwrap()
    };
    let verified = verify(&header);
    assert!(verified.status.success(), "{}", String::from_utf8_lossy(&verified.stderr));
    assert!(!verify("another").status.success());
}
