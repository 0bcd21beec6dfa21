//! What must not compile: the ways in which a raw address, a key or a recipient could leave (I1,
//! I2).
//!
//! Each file of `compile_fail/` is checked by cargo as a program on this crate. Its first line
//! names the codes of the errors that it must give; the codes, unlike the messages, are the same in
//! every version of Rust.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use serde_json::Value;

#[test]
fn raw_addresses_keys_and_recipients_cannot_leave_their_types() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = root.join("../target/compile_fail");
    let mut expected: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    // A program that must compile: without it a broken set-up would look like success.
    let mut bins = vec![("compiles".to_owned(), root.join("tests/compile_fail/compiles.rs"))];
    for entry in std::fs::read_dir(root.join("tests/compile_fail")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        let text = std::fs::read_to_string(&path).unwrap();
        if let Some(codes) = text.lines().next().and_then(|line| line.strip_prefix("// errors: ")) {
            expected.insert(name.clone(), codes.split(' ').map(str::to_owned).collect());
            bins.push((name, path));
        }
    }
    assert!(expected.len() >= 12);

    std::fs::create_dir_all(&folder).unwrap();
    let bins: String = bins
        .iter()
        .map(|(name, path)| format!("[[bin]]\nname = {name:?}\npath = {:?}\n", path.to_string_lossy()))
        .collect();
    let manifest = format!(
        "[package]\nname = \"compile-fail\"\nedition = \"2024\"\n\n[dependencies]\nipnet = \"2\"\nserde_json = \"1\"\n\
         mailping-core = {{ path = {:?}, features = [\"testing\"] }}\n\n[workspace]\n\n{bins}",
        root.to_string_lossy()
    );
    std::fs::write(folder.join("Cargo.toml"), manifest).unwrap();
    // The versions that this workspace is tested with.
    std::fs::copy(root.join("../Cargo.lock"), folder.join("Cargo.lock")).unwrap();
    let output = Command::new(env!("CARGO"))
        .args(["check", "--keep-going", "--message-format=json", "--target-dir", "built"])
        .current_dir(&folder)
        .output()
        .unwrap();

    let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut compiled = BTreeSet::new();
    for message in String::from_utf8(output.stdout)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
    {
        let target = message["target"]["name"].as_str().unwrap_or_default().to_owned();
        match message["reason"].as_str() {
            Some("compiler-artifact") => {
                compiled.insert(target);
            }
            Some("compiler-message") if message["message"]["level"] == "error" => {
                if let Some(code) = message["message"]["code"]["code"].as_str() {
                    found.entry(target).or_default().insert(code.to_owned());
                }
            }
            _ => {}
        }
    }
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(compiled.contains("compiles"), "the program that must compile does not: {stderr}");
    assert_eq!(found, expected);
}
