//! One round of asking all servers who is the primary.

use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{Connection as _, Row as _};
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::failure::{Failure, Fault, Result};
use crate::history::{History, timeline};

/// How long a server may take to answer.
const PATIENCE: Duration = Duration::from_secs(2);
/// How long the others are waited for once one has said that it is the primary: one that was
/// promoted later may be among them.
const GRACE: Duration = Duration::from_millis(250);

/// The number of the primary and its history. Of two that take writes it is the one that was
/// promoted last, and of equals the one that is used `now`.
pub(crate) async fn ask_all(servers: &[PgConnectOptions], now: Option<usize>) -> Result<(usize, History)> {
    let mut asked = JoinSet::new();
    for (number, server) in servers.iter().cloned().enumerate() {
        asked.spawn(async move { (number, ask(&server).await) });
    }
    let (mut best, mut failure): (Option<(usize, History)>, Option<Failure>) = (None, None);
    loop {
        let next = match best {
            None => asked.join_next().await,
            Some(_) => timeout(GRACE, asked.join_next()).await.ok().flatten(),
        };
        match next {
            None => break,
            Some(Ok((number, Ok(Some(history))))) => {
                let is_better = |(_, other): (usize, History)| {
                    other.is_before(history) || (other == history && now == Some(number))
                };
                if best.is_none_or(is_better) {
                    best = Some((number, history));
                }
            }
            Some(Ok((_, Ok(None)))) => failure = Some(Failure::fault(Fault::NoPrimary)),
            // Of a password that is refused somebody is told only if no other server may be on its
            // way.
            Some(Ok((_, Err(error)))) => {
                if failure.as_ref().is_none_or(|known| error.is_outage() && !known.is_outage()) {
                    failure = Some(error);
                }
            }
            Some(Err(_)) => {}
        }
    }
    best.ok_or_else(|| failure.unwrap_or_else(|| Failure::fault(Fault::NoPrimary)))
}

/// The history of a primary, `None` for a standby or another server that takes no writes.
async fn ask(server: &PgConnectOptions) -> Result<Option<History>> {
    const ASK: &str = concat!(
        "SELECT system_identifier,
            CASE WHEN NOT pg_is_in_recovery() AND current_setting('transaction_read_only') = 'off' THEN ",
        timeline!(),
        " END FROM pg_control_system()"
    );
    let answer = async {
        let mut connection = PgConnection::connect_with(server).await?;
        let row = sqlx::raw_sql(ASK).fetch_one(&mut connection).await?;
        // Without this a server logs each look as a lost connection.
        let _ = connection.close().await;
        let (system, timeline): (i64, Option<i64>) = (row.try_get(0)?, row.try_get(1)?);
        Ok(timeline.map(|timeline| History { system, timeline }))
    };
    timeout(PATIENCE, answer).await.unwrap_or_else(|_| Err(Failure::fault(Fault::Unreachable)))
}
