//! What is called small is small.

use std::fs;
use std::path::Path;

#[test]
fn no_program_is_longer_than_sixty_lines() {
    let mut programs = 0;
    for entry in fs::read_dir(env!("CARGO_MANIFEST_DIR")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).unwrap();
            let lines = text.lines().count();
            assert!(lines <= 60 && text.contains("fn main()"), "{}: {lines} lines", path.display());
            programs += 1;
        }
    }
    assert!(programs >= 9, "{programs}");
}

#[test]
fn no_program_of_a_readme_is_longer_than_forty_lines() {
    let mut mains = 0;
    for readme in ["README.md", "mailping-axum/README.md", "mailping-actix/README.md"] {
        let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(readme)).unwrap();
        for block in text.split("```rust").skip(1).map(|after| after.split("\n```").next().unwrap()) {
            let lines = block.lines().count() - 1;
            assert!(lines <= 40, "{readme}: {lines} lines");
            mains += usize::from(block.contains("fn main()"));
        }
    }
    assert!(mains >= 6, "{mains}");
}
