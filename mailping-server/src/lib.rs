//! mailping as a service, and what programs like it share: settings from the environment, the log,
//! the end, and a server. See the README for the settings and the API.

mod connections;
mod database;
mod ending;
mod log;
mod serve;
mod settings;

use std::error::Error;
use std::process::ExitCode;

pub use ending::told_to_end;
pub use log::start_log;
pub use serve::{HEAD_TIMEOUT, PATIENCE, serve};
pub use settings::{Program, Settings, SettingsError, with_sources};

/// The whole program: reads the settings, opens the database and serves until it is told to end.
/// What goes wrong is said in one line.
pub async fn run() -> ExitCode {
    match start().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("mailping: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn start() -> Result<(), Box<dyn Error>> {
    let settings = Settings::from_env(Program::Server)?;
    start_log(&settings.rust_log);
    settings.lines().for_each(|line| println!("{line}"));
    let tracker = database::tracker(&settings).await?;
    serve(&settings, settings.page(tracker)).await
}
