//! Writes this machine's answers to each corpus into a folder, and beside them the geo database
//! that they were made with: `native FOLDER CORPUS...`

use std::error::Error;
use std::path::{Path, PathBuf};

use mailping_wasm_tests::answers;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args_os().skip(1).map(PathBuf::from);
    let folder = arguments.next().ok_or("expected: native FOLDER CORPUS...")?;
    std::fs::create_dir_all(&folder)?;
    let places = mailping_fixtures::everywhere()?;
    std::fs::write(folder.join("places.mmdb"), &places)?;
    for corpus in arguments {
        let text = std::fs::read_to_string(&corpus)?;
        let bad = |line| format!("{}: bad line {line}", corpus.display());
        let answers = answers(&text, Some(&places)).map_err(|error| bad(error.line))?;
        let name = corpus.file_stem().map(Path::new).ok_or("expected the path of a corpus")?;
        std::fs::write(folder.join(name).with_extension("txt"), answers)?;
    }
    Ok(())
}
