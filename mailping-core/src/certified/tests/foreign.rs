//! Foreign programs: the verifier in Python, which was written from the guide, and OpenSSL.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::changes::changed;
use super::cheats::cheats;
use super::forms::{accepted, decoy, der, either, refused};
use super::issue::{Outside, Seen, request_for, token_of};
use super::*;

/// A folder that is gone with it.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("mailping-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }

    fn file(&self, name: &str, content: impl AsRef<[u8]>) -> String {
        let path = self.0.join(name);
        std::fs::write(&path, content).unwrap();
        path.display().to_string()
    }

    fn path(&self, name: &str) -> String {
        self.0.join(name).display().to_string()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// What `scripts/verify_receipt.py` prints about these receipts.
fn python(options: &[&str], key: &PublicKey, files: &[String]) -> (bool, String) {
    let output = script().args(options).arg(key.to_string()).args(files).output().unwrap();
    (output.status.success(), String::from_utf8(output.stdout).unwrap())
}

/// `scripts/verify_receipt.py`, run by a Python that needs no `PATH`.
fn script() -> Command {
    let python = Command::new("python3").args(["-c", "import sys; print(sys.executable)"]).output().unwrap();
    let mut command = Command::new(String::from_utf8(python.stdout).unwrap().trim());
    command.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("../scripts/verify_receipt.py"));
    command
}

/// Runs openssl; none of the paths has a blank in it.
fn openssl(arguments: &str) -> bool {
    Command::new("openssl").args(arguments.split(' ')).output().unwrap().status.success()
}

#[test]
#[ignore = "needs python3 and openssl"]
fn the_verifier_in_python_accepts_the_same_receipts() {
    let folder = Folder::new("accepted");
    let mut rotated = sender(10);
    let leaves = rotated.leaves(&[open(5, 10.5, Verdict::Human)]);
    rotated.log.rotate(after(10.0), after(11.0), leaves, log_key(2));
    rotated.seal(&[open(6, 11.5, Verdict::Human)]);
    let mut long = Sender::new();
    let mut ping = ping();
    ping.record_until = after(2_000.0);
    (0..2).for_each(|_| long.seal(&[]));
    long.seal(&[Statement::created(&long.key, after(2.5), &ping, &Message::default())]);
    (3..744).for_each(|_| long.seal(&[]));
    long.seal(&[open(1, 720.5, Verdict::Human)]);
    (745..800).for_each(|_| long.seal(&[]));
    for (name, sender) in
        [("interim", interim()), ("final", finished()), ("rotated", rotated), ("long", long)]
    {
        let file = folder.file(name, sender.receipt());
        let page = verifier().verify(&sender.receipt()).unwrap().to_string();
        let (accepted, printed) = python(&[], log_key(1).public(), &[file]);
        assert!(accepted && printed == format!("{page}\n"), "{name}: {printed}");
    }
    let example =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/certified_receipt.txt").display().to_string();
    assert!(python(&[], log_key(1).public(), std::slice::from_ref(&example)).0);
    assert!(!python(&[], log_key(2).public(), &[example]).0);
    assert!(!python(&[], log_key(1).public(), &[]).0, "nothing to verify");
}

#[test]
#[ignore = "needs python3 and openssl"]
fn the_verifier_in_python_refuses_every_cheat_and_every_change() {
    let folder = Folder::new("refused");
    let cheats = cheats().into_iter().map(|(name, receipt, _)| (name.to_owned(), receipt));
    let changed = changed().into_iter().enumerate().map(|(number, text)| (format!("change {number}"), text));
    let all: Vec<(String, String)> = cheats.chain(changed).chain(refused()).collect();
    let receipts = all.iter().enumerate();
    let files: Vec<String> = receipts.map(|(number, (_, it))| folder.file(&number.to_string(), it)).collect();
    let (_, printed) = python(&[], log_key(1).public(), &files);
    for (file, (name, _)) in files.iter().zip(&all) {
        let why = printed.split(&format!("{file}: REFUSED: ")).nth(1).and_then(|rest| rest.lines().next());
        let why = why.unwrap_or_else(|| panic!("accepted: {name}"));
        assert!(why.split(' ').count() > 3 && !why.contains("object") && !why.contains('['), "{name}: {why}");
    }
}

#[test]
#[ignore = "needs python3 and openssl"]
fn both_verifiers_print_the_same_of_what_is_odd() {
    let folder = Folder::new("odd");
    let either = either().into_iter().map(|receipt| ("either".to_owned(), receipt));
    for (name, receipt) in accepted().into_iter().chain(either) {
        let (sound, printed) = python(&[], log_key(1).public(), &[folder.file("odd", &receipt)]);
        match verifier().verify(&receipt) {
            Ok(certified) => assert!(sound && printed == format!("{certified}\n"), "{name}: {printed}"),
            Err(why) => assert!(!sound, "{name}: {why}"),
        }
    }
}

/// A lawyer must not read of a forgery if it is the machine, or the command, that is wrong.
#[cfg(unix)]
#[test]
#[ignore = "needs python3 and openssl"]
fn what_keeps_the_verifier_in_python_from_checking_is_no_refusal() {
    let folder = Folder::new("machine");
    let bin = folder.path("bin");
    std::fs::create_dir(&bin).unwrap();
    let file = folder.file("receipt", finished().receipt());
    let key = log_key(1).public().to_string();
    let answer = format!("example.com/receipts\n{key}");
    let run = |path: Option<&str>, arguments: &[&str]| {
        let mut script = script();
        if let Some(path) = path {
            script.env("PATH", path);
        }
        let output = script.args(arguments).output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (output.status.code(), text(output.stdout), text(output.stderr))
    };
    let without_openssl = run(Some(&bin), &[&key, &file]);
    std::os::unix::fs::symlink("/bin/false", folder.path("bin/openssl")).unwrap();
    let old_openssl = run(Some(&bin), &[&key, &file]);
    for (what, (status, printed, error), says) in [
        ("no openssl", without_openssl, "OpenSSL 3"),
        ("an openssl that cannot verify", old_openssl, "OpenSSL 3"),
        ("a mistyped key", run(None, &[&key[1..], &file]), "KEY is not the public key of a log: "),
        ("an answer of two lines", run(None, &[&answer, &file]), "KEY is not the public key of a log: "),
        ("another file as the key", run(None, &[&file, &file]), "KEY is not the public key of a log: "),
        ("no file", run(None, &[&key, &folder.path("none")]), "none: NOT CHECKED: "),
        ("no certificates", run(None, &[&key, &file, "--ca", &folder.path("none")]), "certificates in PEM"),
        ("no certificate in them", run(None, &[&key, &file, "--ca", &file]), "certificates in PEM"),
        ("nothing to verify", run(None, &[&key]), "FILE"),
    ] {
        assert_eq!((status, printed.as_str()), (Some(2), ""), "{what}");
        assert!(error.contains(says) && !error.contains("Traceback"), "{what}: {error}");
    }
    let binary = folder.file("binary", b"\xff\xfe\0\x01");
    let (status, printed, _) = run(None, &[&key, &binary, &file]);
    assert_eq!(status, Some(1));
    assert!(printed.starts_with(&format!("{binary}: REFUSED: it is not in the form of version 1\n")));
    assert!(printed.contains("The receipt is final"), "the next one is verified all the same");
}

#[test]
#[ignore = "needs python3 and openssl"]
fn a_page_is_printed_in_utf_8_whatever_the_machine_has() {
    let folder = Folder::new("letters");
    let mut sender = Sender::new();
    let ping = Ping { reference: "Łódź".to_owned(), ..ping() };
    (0..2).for_each(|_| sender.seal(&[]));
    sender.seal(&[Statement::created(&sender.key, after(2.5), &ping, &Message::default())]);
    let file = folder.file("receipt", sender.receipt());
    let key = log_key(1).public().to_string();
    let output = script().env("PYTHONIOENCODING", "cp1252").args([key, file]).output().unwrap();
    assert!(output.status.success() && String::from_utf8(output.stdout).unwrap().contains("Łódź"));
}

/// A local authority of RFC 3161.
struct Authority<'a> {
    folder: &'a Folder,
    settings: String,
    key: String,
    certificate: String,
}

#[async_trait::async_trait]
impl Outside for Authority<'_> {
    async fn show(&self, checkpoint: &str) -> Result<Seen, Box<dyn std::error::Error + Send + Sync>> {
        let (query, answer) =
            (self.folder.file("query", request_for(checkpoint)), self.folder.path("answer"));
        let Self { settings, key, certificate, .. } = self;
        assert!(openssl(&format!(
            "ts -reply -config {settings} -queryfile {query} -inkey {key} -signer {certificate} -out {answer}"
        )));
        let answer = std::fs::read(answer)?;
        assert_eq!(token_of(&answer, "another note"), None);
        token_of(&answer, checkpoint).map(Seen::Stamp).ok_or_else(|| "it refused".into())
    }
}

/// A stamp is asked for, put into a receipt, and verified by OpenSSL.
#[test]
#[ignore = "needs python3 and openssl"]
fn openssl_verifies_the_stamp_of_an_authority() {
    let folder = Folder::new("stamped");
    let settings = "[tsa]\ndefault_tsa = t\n[t]\nserial = SERIAL\ncrypto_device = builtin\nsigner_digest = sha256\n\
                    default_policy = 1.2.3.4.1\ndigests = sha256\naccuracy = secs:1\n";
    let settings = folder.file("tsa.cnf", settings.replace("SERIAL", &folder.path("serial")));
    let authority = |name: &str| {
        let (key, certificate) = (folder.path(&format!("{name}.key")), folder.path(&format!("{name}.pem")));
        let made = "req -x509 -newkey rsa:2048 -nodes -days 3650 -subj /CN=authority";
        let stamps = "-addext extendedKeyUsage=critical,timeStamping";
        assert!(openssl(&format!("{made} {stamps} -keyout {key} -out {certificate}")));
        (key, certificate)
    };
    let ((key, certificate), (_, stranger)) = (authority("one"), authority("other"));
    let mut sender = finished();
    let note = sender.earlier[0].0.clone();
    let data = folder.file("note", &note);
    let theirs = folder.path("theirs");
    assert!(openssl(&format!("ts -query -data {data} -sha256 -cert -no_nonce -out {theirs}")));
    assert_eq!(std::fs::read(theirs).unwrap(), request_for(&note));
    let authority = Authority { folder: &folder, settings, key, certificate: certificate.clone() };
    let Ok(Seen::Stamp(token)) = pollster::block_on(authority.show(&note)) else { panic!("a stamp") };
    sender.earlier[0].1 = Some(token.clone());
    let receipt = sender.receipt();
    let certified = verifier().verify(&receipt).unwrap();
    let stamp = certified.stamps().next().unwrap();
    assert_eq!((stamp.seals, stamp.checkpoint, stamp.token), (7, note.as_str(), token.as_slice()));
    assert!(certified.to_string().contains(": seals 0 to 6\n"), "{certified}");
    let token = folder.file("token", token);
    let verify = format!("ts -verify -data {data} -in {token} -token_in -CAfile");
    assert!(openssl(&format!("{verify} {certificate}")) && !openssl(&format!("{verify} {stranger}")));
    let file = folder.file("receipt", &receipt);
    let key = log_key(1).public().to_string();
    let verified = |file: &str, options: &[&str]| {
        let output = script().args([&key, file]).args(options).output().unwrap();
        (output.status.code(), String::from_utf8(output.stdout).unwrap())
    };
    assert_eq!(verified(&file, &[]), (Some(0), format!("{certified}\n")));
    for by in [&["--ca", &*certificate][..], &[&format!("--ca={certificate}")]] {
        let (status, page) = verified(&file, by);
        assert!(status == Some(0) && !page.contains("No stamp was checked"), "{page}");
        let first = script().args(by).args([&key, &file]).output().unwrap();
        assert_eq!(first.stdout, page.as_bytes());
    }
    let (status, printed) = verified(&file, &["--ca", &stranger]);
    assert!(
        status == Some(1) && printed.contains("a stamp is not one of the given authorities"),
        "{printed}"
    );
    // What stands in front of what the authority signed can be changed by anyone.
    let mut backdated = sender.file();
    let before = &mut backdated.before[0];
    let (token, time) = before.token.as_mut().unwrap();
    *token = with_decoy(token, &before.note);
    *time = "2010-01-01T00:00:00Z".parse().unwrap();
    let (status, printed) = verified(&folder.file("backdated", backdated.to_text()), &["--ca", &certificate]);
    assert_eq!(status, Some(1), "{printed}");
    assert!(verifier().verify(&backdated.to_text()).is_err());
    // A token over another head is none.
    sender.earlier[0].0 = sender.log.checkpoint(None).unwrap();
    let note = sender.log.checkpoint(None).unwrap();
    assert!(sender.log.receipt(&sender.key, &sender.sealed, &note, &sender.earlier).is_none());
}

/// A genuine token with more in its first list, which no signature covers.
fn with_decoy(token: &[u8], note: &str) -> Vec<u8> {
    let (kind, signed) = (&token[4..15], &token[15 + 4 + 4..]);
    let (version, algorithms) = signed.split_at(3);
    let (algorithms, rest) = algorithms[2..].split_at(usize::from(algorithms[1]));
    let algorithms = der(0x31, &[&decoy(note), algorithms]);
    der(0x30, &[kind, &der(0xa0, &[&der(0x30, &[version, &algorithms, rest])])])
}

/// A receipt outlives the certificate of the authority that stamped its log.
#[test]
#[ignore = "needs python3 and openssl"]
fn a_stamp_holds_if_the_certificate_was_valid_at_its_time() {
    let folder = Folder::new("expired");
    let settings = "[tsa]\ndefault_tsa = t\n[t]\nserial = SERIAL\nsigner_digest = sha256\ndefault_policy = 1.2.3.4.1\n\
                    digests = sha256\n[ca]\ndefault_ca = c\n[c]\ndatabase = INDEX\nnew_certs_dir = ALL\n\
                    rand_serial = yes\ndefault_md = sha256\npolicy = p\nx509_extensions = e\n\
                    [p]\ncommonName = supplied\n[e]\nextendedKeyUsage = critical,timeStamping\n";
    let settings = settings.replace("INDEX", &folder.file("index", "")).replace("ALL", &folder.path(""));
    let settings = folder.file("tsa.cnf", settings.replace("SERIAL", &folder.path("serial")));
    let (key, certificate, request) = (folder.path("key"), folder.path("pem"), folder.path("request"));
    assert!(openssl(&format!("req -new -newkey rsa:2048 -nodes -subj /CN=a -keyout {key} -out {request}")));
    let end = std::time::SystemTime::now() + std::time::Duration::from_secs(5);
    let digits: String = Timestamp::from(end).to_string().chars().filter(char::is_ascii_digit).collect();
    assert!(openssl(&format!(
        "ca -batch -notext -selfsign -config {settings} -keyfile {key} -in {request} -out {certificate} -enddate {}Z",
        &digits[..14]
    )));
    let authority = Authority { folder: &folder, settings, key, certificate: certificate.clone() };
    let mut sender = finished();
    let note = sender.earlier[0].0.clone();
    let mut stamped = || {
        let Ok(Seen::Stamp(token)) = pollster::block_on(authority.show(&note)) else { panic!("a stamp") };
        let token_file = folder.file("token", &token);
        sender.earlier[0].1 = Some(token);
        (folder.file("receipt", sender.receipt()), token_file)
    };
    let (receipt, token) = stamped();
    let by = format!("--ca={certificate}");
    let verified = |receipt: &str| python(&[&by], log_key(1).public(), &[receipt.to_owned()]);
    assert!(verified(&receipt).0);
    std::thread::sleep(std::time::Duration::from_secs(6));
    let data = folder.file("note", &note);
    assert!(
        !openssl(&format!("ts -verify -data {data} -in {token} -token_in -CAfile {certificate}")),
        "it has expired"
    );
    let (sound, printed) = verified(&receipt);
    assert!(sound, "{printed}");
    let (late, _) = stamped();
    assert!(!verified(&late).0, "stamped when it had expired");
}

/// What a foreign verifier of C2SP logs needs, as JSON into the file that `MAILPING_PROOFS` names:
/// `.ci/full certified` hands it to one from PyPI.
#[test]
fn a_log_has_all_that_a_foreign_verifier_asks_for() {
    let (sender, witness) = (finished(), Witness::new());
    let earlier = sender.earlier[0].0.as_str();
    let note = sender.log.checkpoint(Some(earlier)).unwrap();
    let Ok(Seen::Cosignature(line)) = pollster::block_on(witness.show(&note)) else { panic!("a line") };
    let hashes: Vec<_> = sender.log.entries.iter().map(|entry| tree::leaf(entry.text.as_bytes())).collect();
    let hex = |hashes: Vec<hash::Hash>| hashes.iter().map(|hash| hash::to_hex(hash)).collect::<Vec<_>>();
    let paths = (0..sender.log.size()).map(|index| {
        let proof = issue::tree::proof_of(&hashes, &[index]);
        hex(issue::tree::audit_path(sender.log.size(), index, &mut proof.into_iter()))
    });
    let proofs = serde_json::json!({
        "log": sender.log.key.public().to_string(),
        "witness": witness.public.to_string(),
        "earlier": earlier,
        "checkpoint": format!("{note}{line}"),
        "consistency": hex(issue::tree::consistency(&hashes, 7)),
        "entries": sender.log.entries.iter().map(|entry| entry.text.as_str()).collect::<Vec<_>>(),
        "paths": paths.collect::<Vec<_>>(),
    });
    assert_eq!(proofs["paths"].as_array().unwrap().len(), 30);
    if let Some(path) = std::env::var_os("MAILPING_PROOFS") {
        std::fs::write(path, proofs.to_string()).unwrap();
    }
}
