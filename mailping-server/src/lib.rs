//! mailping as a service, and what programs like it share: settings from the environment, the log,
//! the end, and a server. See the README for the settings and the API.

mod connections;
mod database;
mod ending;
mod log;
mod serve;
mod settings;

use std::error::Error;
use std::io::Write as _;
use std::process::ExitCode;

pub use ending::told_to_end;
pub use log::start_log;
pub use serve::{HEAD_TIMEOUT, PATIENCE, serve};
pub use settings::{Program, Settings, SettingsError, with_sources};

/// The server: opens the database and serves until it is told to end.
pub async fn run() -> ExitCode {
    run_as(Program::Server, async |settings| {
        let tracker = database::tracker(&settings).await?;
        serve(&settings, settings.page(tracker)).await
    })
    .await
}

/// Runs a program with its settings from the environment, which are printed, and its log started.
/// Asked for its help or its version, it prints that and does nothing else. What goes wrong is said
/// in one line.
pub async fn run_as(
    program: Program,
    main: impl AsyncFnOnce(Settings) -> Result<(), Box<dyn Error>>,
) -> ExitCode {
    match start(program, main).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("mailping: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn start(
    program: Program,
    main: impl AsyncFnOnce(Settings) -> Result<(), Box<dyn Error>>,
) -> Result<(), Box<dyn Error>> {
    let arguments: Vec<_> = std::env::args_os().skip(1).collect();
    if let Some(answer) = program.answer(&arguments)? {
        return Ok(std::io::stdout().write_all(answer.as_bytes())?);
    }
    let settings = Settings::from_env(program)?;
    start_log(&settings.rust_log);
    settings.lines().for_each(|line| println!("{line}"));
    main(settings).await
}
