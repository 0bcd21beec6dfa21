//! A small service that makes pings, takes hits and shows receipts, on axum and PostgreSQL: as many
//! of it as one likes on one database.
//!
//! ```text
//! export MAILPING_DB=postgres://user:password@localhost/mailping
//! export MAILPING_KEYS="0:$(openssl rand -base64 32)"    # the same for all of them
//! cargo run --example receipts_postgres
//! ```
//!
//! Settings and API are those of `receipts`, but that the keys must be given, and that
//! * `MAILPING_DB` may name several servers, of which one is the primary at a time:
//!   `postgres://user:password@host1,host2,host3/mailping?target_session_attrs=read-write`.
//! * `MAILPING_COPIES=2` answers a hit when its open is on two servers' disks.
//! * `MAILPING_SPOOL` names a folder, one for each process, which keeps opens while the database is
//!   away, also when the program starts meanwhile.

use std::error::Error;
use std::process::ExitCode;
use std::time::Duration;

use mailping_core::store::StoreError;
use mailping_examples_axum::serve;
use mailping_examples_service::{Program, Service, Settings, SettingsError, start_log};
use mailping_postgres::{DatabaseError, Fault, PostgresStore};
use mailping_spool::Spool;

/// How long a call of the database may take.
const PATIENCE: Duration = Duration::from_secs(10);

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("mailping: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<(), Box<dyn Error>> {
    let settings = Settings::from_env(Program::ReceiptsPostgres)?;
    start_log(&settings.rust_log);
    settings.lines().for_each(|line| println!("{line}"));

    let copies = settings.own("MAILPING_COPIES").unwrap_or("1").parse();
    let copies = copies.map_err(|_| SettingsError::new("MAILPING_COPIES", "expected a number such as 2"))?;
    let store =
        PostgresStore::connect(&settings.database).map_err(|error| settings.refused_database(&error))?;
    let store = store.timeout(PATIENCE).require_copies(copies);
    let made = store.migrate().await;
    let Some(folder) = settings.own("MAILPING_SPOOL") else {
        made.map_err(|error| settings.refused_database(&error))?;
        let tracker = settings.tracker(store).await?;
        return serve(&settings, Service::new(&settings, tracker)).await;
    };
    match made {
        // The store makes its tables when the server comes.
        Err(error) if is_outage(&error) => println!("the database is away: opens are kept in {folder}"),
        made => made.map_err(|error| settings.refused_database(&error))?,
    }
    let spool = Spool::open(folder).map_err(|error| settings.refused("MAILPING_SPOOL", &error))?;
    let tracker = settings.tracker(spool.before(store)).await?;
    serve(&settings, Service::new(&settings, tracker)).await
}

fn is_outage(error: &StoreError) -> bool {
    let fault = error.source().and_then(|source| source.downcast_ref()).map(DatabaseError::fault);
    fault.is_some_and(Fault::is_outage)
}
