//! The two verifiers, the library's and `scripts/verify_receipt.py`, say the same.

use std::path::Path;
use std::process::Command;

use mailping_core::certified::PublicKey;
use mailping_core::store::Store;

use crate::Office;

/// Receipts of a ping before its end and after, and of one that ended by an objection. Needs
/// python3 and openssl.
pub async fn both_verifiers_accept_what_is_sealed_interim_and_final<S: Store + 'static>(office: &Office<S>) {
    let (one, other) = (office.created(1).await, office.created(2).await);
    office.opened(one, 1).await;
    office.hours(1).await;
    office.opened(one, 2).await;
    office.hours(2).await;
    let check = async |ping, is_final| {
        let certified = office.certified(ping).await;
        assert_eq!(certified.is_final(), is_final);
        let file = office.folder.path().join("receipt.txt");
        std::fs::write(&file, office.receipt(ping).await).unwrap();
        let (accepted, printed) = python(&office.key(), &file);
        assert!(accepted && printed == format!("{certified}\n"), "{printed}");
    };
    check(one, false).await;
    office.tracker.pings().withdraw(one).await.unwrap();
    office.tracker.people().object("ada-2@example.com").await.unwrap();
    office.hours(4).await;
    check(one, true).await;
    check(other, true).await;
    let sent = office.tracker.pings().get(one).await.unwrap().unwrap();
    assert_eq!(sent.key_header().unwrap().1, office.certified(one).await.header());
    let page = office.certified(other).await.to_string();
    assert!(page.contains("ended: objection\n") && page.contains("; recipient "), "{page}");
}

/// Whether the script accepts a receipt, and what it prints about it.
fn python(key: &PublicKey, file: &Path) -> (bool, String) {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scripts/verify_receipt.py");
    let output = Command::new("python3").arg(script).arg(key.to_string()).arg(file).output().unwrap();
    (output.status.success(), String::from_utf8(output.stdout).unwrap())
}
