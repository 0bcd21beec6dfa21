//! The service of `receipts` that also tells: a signed webhook (<https://www.standardwebhooks.com>)
//! when a message is opened for the first time (`ping.opened`), again after a day's pause
//! (`ping.reopened`), or not for three days (`ping.not_opened`); when a mail server delivered it
//! (`ping.delivered`) or could not (`ping.undelivered`); and when its recipient confirms receipt
//! (`ping.confirmed`).
//!
//! ```sh
//! export MAILPING_WEBHOOK_SECRET="whsec_$(openssl rand -base64 32)"
//! MAILPING_WEBHOOK_URL=https://app.example/hooks cargo run --example receipts_webhooks
//! ```
//!
//! A message is sent until it is answered with 2xx, for three days, across restarts: `webhooks.db`
//! (`MAILPING_WEBHOOK_OUTBOX`) remembers. A receiver can get one twice, under the same
//! `webhook-id`. It can put off what comes next with `Retry-After`, for a day at most, and end it
//! with 410: then nothing is sent before the next start. Receivers in private networks are refused
//! unless `MAILPING_WEBHOOK_PRIVATE=allow`.

use std::error::Error;
use std::path::Path;
use std::process::ExitCode;

use mailping_examples_webhooks::{Outbox, Target, TargetError, Webhooks};
use mailping_server::{Program, Settings, SettingsError, run_as, serve};
use mailping_sqlite::SqliteStore;

#[tokio::main]
async fn main() -> ExitCode {
    run_as(Program::ReceiptsWebhooks, run).await
}

async fn run(settings: Settings) -> Result<(), Box<dyn Error>> {
    let target = target(&settings)?;
    let outbox = settings.own("MAILPING_WEBHOOK_OUTBOX").unwrap_or("webhooks.db");
    let outbox = Outbox::open(Path::new(outbox))
        .map_err(|error| settings.refused("MAILPING_WEBHOOK_OUTBOX", &*error))?;
    let store = SqliteStore::open(&settings.database).map_err(|error| settings.refused_database(&error))?;
    let tracker = settings.tracker(store).await?;
    let (tell, erasures) = tokio::sync::mpsc::channel(1);
    let webhooks = Webhooks::start(tracker.clone(), outbox, target, erasures)?;
    serve(&settings, settings.page(tracker).telling_erasures(tell)).await?;
    webhooks.ended();
    Ok(())
}

fn target(settings: &Settings) -> Result<Target, SettingsError> {
    const URL: &str = "MAILPING_WEBHOOK_URL";
    const PRIVATE: &str = "MAILPING_WEBHOOK_PRIVATE";
    let allow_private = match settings.own(PRIVATE) {
        None => false,
        Some("allow") => true,
        Some(_) => return Err(SettingsError::new(PRIVATE, "must be `allow`, or not given")),
    };
    let url = settings.own(URL).unwrap_or_default();
    let secret = settings.own("MAILPING_WEBHOOK_SECRET").unwrap_or_default();
    Target::new(url, secret, allow_private).map_err(|error| match error {
        TargetError::Secret => SettingsError::new("MAILPING_WEBHOOK_SECRET", error.to_string()),
        TargetError::NoTls | TargetError::Private => {
            SettingsError::new(URL, format!("{error}; {PRIVATE}=allow allows it"))
        }
        error => SettingsError::new(URL, error.to_string()),
    })
}
