//! What is to be told and what has been, in an SQLite file. It holds ids, kinds and times: a
//! message is made when it is sent.

use std::fs::OpenOptions;
use std::io;
use std::path::Path;
use std::time::Duration;

use mailping_core::receipts::{Mark, Notification};
use mailping_core::{PingId, Timestamp};
use rusqlite::{Connection, OptionalExtension as _, Row, params};

/// For how long a message is tried again, and how old a notice may be to be told at all.
pub(crate) const WINDOW: Duration = Duration::from_secs(3 * 24 * 60 * 60);
/// The pause after the first failure and the longest; it doubles in between.
const PAUSE: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(60 * 60));

const WAITS: u8 = 0;
const TOLD: u8 = 1;
const GIVEN_UP: u8 = 2;

const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS notice (
        ping     BLOB    NOT NULL,
        kind     TEXT    NOT NULL,
        again    INTEGER NOT NULL, -- the time of a reopening; 0 for what happens once
        state    INTEGER NOT NULL,
        attempts INTEGER NOT NULL,
        due      INTEGER NOT NULL,
        until    INTEGER NOT NULL,
        PRIMARY KEY (ping, kind, again)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX IF NOT EXISTS notice_due ON notice (due) WHERE state = 0;
    -- Up to here every event is noted.
    CREATE TABLE IF NOT EXISTS mark (one INTEGER PRIMARY KEY CHECK (one = 1), mark TEXT NOT NULL) STRICT;";

/// Notices on disk, each once. Several processes can share the file: each notice is sent by one of
/// them.
#[derive(Debug)]
pub struct Outbox(Connection);

/// A notice whose turn has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Waiting {
    pub(crate) ping: PingId,
    kind: String,
    again: i64,
    attempts: u32,
}

impl Waiting {
    /// The same for each attempt, so that a receiver can tell a repetition.
    pub(crate) fn id(&self) -> String {
        match self.again {
            0 => format!("{}.{}", self.ping, self.kind),
            again => format!("{}.{}.{again}", self.ping, self.kind),
        }
    }

    pub(crate) fn is(&self, notice: Notification) -> bool {
        self.kind == notice.name() && self.again == again(notice)
    }

    fn of(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            ping: PingId::from_bytes(row.get("ping")?),
            kind: row.get("kind")?,
            again: row.get("again")?,
            attempts: row.get("attempts")?,
        })
    }
}

/// A message has one first open, whenever it is known to have been; what may happen again is told
/// apart by its time.
fn again(notice: Notification) -> i64 {
    match notice {
        Notification::Reopened { at } => at.start().unix_millis(),
        _ => 0,
    }
}

fn after(now: Timestamp, pause: Duration) -> i64 {
    now.unix_millis().saturating_add(i64::try_from(pause.as_millis()).unwrap_or(i64::MAX))
}

fn add(outbox: &Connection, ping: PingId, notices: &[Notification], now: Timestamp) -> rusqlite::Result<()> {
    for notice in notices {
        outbox
            .prepare_cached("INSERT INTO notice VALUES (?1, ?2, ?3, 0, 0, ?4, ?5) ON CONFLICT DO NOTHING")?
            .execute(params![
                ping.as_bytes(),
                notice.name(),
                again(*notice),
                now.unix_millis(),
                after(now, WINDOW)
            ])?;
    }
    Ok(())
}

fn keep(outbox: &Connection, mark: &Mark) -> rusqlite::Result<()> {
    outbox.execute("INSERT OR REPLACE INTO mark VALUES (1, ?1)", [mark.as_str()]).map(drop)
}

impl Outbox {
    /// Opens the file, or makes it for its owner alone.
    ///
    /// # Errors
    /// If the file cannot be made, opened or written.
    pub fn open(path: &Path) -> Result<Self, Box<dyn std::error::Error>> {
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        match options.open(path) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error.into()),
            _ => {}
        }
        let connection = Connection::open(path)?;
        connection.busy_timeout(Duration::from_secs(5))?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.pragma_update(None, "secure_delete", true)?;
        connection.execute_batch(SCHEMA)?;
        Ok(Self(connection))
    }

    /// Up to which event all is noted; `None` in a new file.
    pub(crate) fn mark(&self) -> rusqlite::Result<Option<Mark>> {
        let mark = self.0.query_row("SELECT mark FROM mark", [], |row| row.get::<_, String>(0)).optional()?;
        Ok(mark.and_then(|mark| mark.parse().ok()))
    }

    /// Adds what an event told of a ping, and its mark, both or neither. Durable.
    pub(crate) fn note(
        &mut self,
        ping: PingId,
        notices: &[Notification],
        now: Timestamp,
        mark: &Mark,
    ) -> rusqlite::Result<()> {
        let transaction = self.0.transaction()?;
        add(&transaction, ping, notices, now)?;
        keep(&transaction, mark)?;
        transaction.commit()
    }

    /// Keeps the mark of an event that tells nothing. Durable.
    pub(crate) fn keep(&mut self, mark: &Mark) -> rusqlite::Result<()> {
        keep(&self.0, mark)
    }

    /// Forgets the mark: the next start is as the first.
    pub(crate) fn forget_mark(&mut self) -> rusqlite::Result<()> {
        self.0.execute("DELETE FROM mark", []).map(drop)
    }

    /// Adds what is new and not too old. Durable.
    pub(crate) fn add(
        &mut self,
        ping: PingId,
        notices: &[Notification],
        now: Timestamp,
    ) -> rusqlite::Result<()> {
        let is_fresh = |notice: &&Notification| now.since(notice.at().start()).is_none_or(|age| age < WINDOW);
        let fresh: Vec<Notification> = notices.iter().filter(is_fresh).copied().collect();
        add(&self.0, ping, &fresh, now)
    }

    /// Takes at most `limit` whose turn has come; each is not taken again before `lease` has
    /// passed.
    pub(crate) fn take(
        &mut self,
        now: Timestamp,
        limit: usize,
        lease: Duration,
    ) -> rusqlite::Result<Vec<Waiting>> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        self.0
            .prepare_cached(
                "UPDATE notice SET attempts = attempts + 1, due = ?2
                 WHERE state = 0 AND (ping, kind, again) IN (
                     SELECT ping, kind, again FROM notice WHERE state = 0 AND due <= ?1 ORDER BY due LIMIT ?3
                 ) RETURNING ping, kind, again, attempts",
            )?
            .query_map(params![now.unix_millis(), after(now, lease), limit], Waiting::of)?
            .collect()
    }

    /// When the next turn comes.
    pub(crate) fn next_due(&self) -> rusqlite::Result<Option<Timestamp>> {
        let due: Option<i64> =
            self.0.query_row("SELECT min(due) FROM notice WHERE state = 0", [], |row| row.get(0))?;
        Ok(due.map(Timestamp::from_unix_millis))
    }

    pub(crate) fn told(&mut self, waiting: &Waiting) -> rusqlite::Result<()> {
        let key = params![waiting.ping.as_bytes(), waiting.kind, waiting.again, TOLD];
        self.0.execute("UPDATE notice SET state = ?4 WHERE (ping, kind, again) = (?1, ?2, ?3)", key).map(drop)
    }

    /// Puts off what could not be told, longer each time, at least by what the receiver asks for,
    /// and never by the same time twice, so that a receiver that comes back is not met by all at
    /// once.
    pub(crate) fn failed(
        &mut self,
        waiting: &Waiting,
        now: Timestamp,
        asked: Option<Duration>,
    ) -> rusqlite::Result<()> {
        let pause = PAUSE.0.saturating_mul(1 << waiting.attempts.saturating_sub(1).min(20)).min(PAUSE.1);
        let share = getrandom::u32().unwrap_or(u32::MAX) / 2 + u32::MAX / 2;
        let pause =
            pause.mul_f64(f64::from(share) / f64::from(u32::MAX)).saturating_add(asked.unwrap_or_default());
        let key = params![waiting.ping.as_bytes(), waiting.kind, waiting.again, after(now, pause)];
        self.0.execute("UPDATE notice SET due = ?4 WHERE (ping, kind, again) = (?1, ?2, ?3)", key).map(drop)
    }

    /// Takes out what is not true any more.
    pub(crate) fn drop(&mut self, waiting: &Waiting) -> rusqlite::Result<()> {
        let key = params![waiting.ping.as_bytes(), waiting.kind, waiting.again];
        self.0.execute("DELETE FROM notice WHERE (ping, kind, again) = (?1, ?2, ?3)", key).map(drop)
    }

    /// Gives up on what has waited through its window, and returns how many that were.
    pub(crate) fn give_up(&mut self, now: Timestamp) -> rusqlite::Result<usize> {
        let sql = "UPDATE notice SET state = ?2 WHERE state = ?3 AND until <= ?1";
        self.0.execute(sql, params![now.unix_millis(), GIVEN_UP, WAITS])
    }

    /// The first ping after this one of which something is known.
    pub(crate) fn ping_after(&self, ping: Option<PingId>) -> rusqlite::Result<Option<PingId>> {
        let after = ping.map_or_else(Vec::new, |ping| ping.as_bytes().to_vec());
        self.0
            .query_row("SELECT ping FROM notice WHERE ping > ?1 ORDER BY ping LIMIT 1", [after], |row| {
                row.get(0).map(PingId::from_bytes)
            })
            .optional()
    }

    /// Forgets a ping that is no more.
    pub(crate) fn forget(&mut self, ping: PingId) -> rusqlite::Result<()> {
        self.0.execute("DELETE FROM notice WHERE ping = ?1", [ping.as_bytes()]).map(drop)
    }
}

#[cfg(test)]
mod tests {
    use mailping_core::State;

    use super::*;

    const LEASE: Duration = Duration::from_secs(10);

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_unix_millis(1_795_428_000_000 + 1_000 * seconds)
    }

    fn outbox() -> (tempfile::TempDir, Outbox) {
        let folder = tempfile::TempDir::new().unwrap();
        let outbox = Outbox::open(&folder.path().join("webhooks.db")).unwrap();
        (folder, outbox)
    }

    const PING: PingId = PingId::from_bytes([7; 16]);

    #[test]
    fn a_notice_is_added_once_and_a_reopening_each_time() {
        let (_folder, mut outbox) = outbox();
        let notices =
            [Notification::Opened { at: at(0).into() }, Notification::Reopened { at: at(5).into() }];
        outbox.add(PING, &notices, at(10)).unwrap();
        let later = [
            Notification::Opened { at: at(-3).into() },
            Notification::Reopened { at: at(5).into() },
            Notification::Reopened { at: at(9).into() },
        ];
        outbox.add(PING, &later, at(11)).unwrap();
        let taken = outbox.take(at(12), 10, LEASE).unwrap();
        let mut ids: Vec<_> = taken.iter().map(Waiting::id).collect();
        ids.sort();
        let reopened = |seconds| format!("{PING}.reopened.{}", at(seconds).unix_millis());
        assert_eq!(ids, [format!("{PING}.opened"), reopened(5), reopened(9)]);
    }

    #[test]
    fn what_came_true_before_the_window_is_not_told() {
        let (_folder, mut outbox) = outbox();
        let now = Timestamp::from_unix_millis(after(at(0), WINDOW));
        outbox
            .add(PING, &[Notification::NotOpened { at: at(0).into(), state: State::NoFetch }], now)
            .unwrap();
        assert_eq!(outbox.take(now, 10, LEASE).unwrap(), []);
        outbox
            .add(PING, &[Notification::NotOpened { at: at(1).into(), state: State::NoFetch }], now)
            .unwrap();
        assert_eq!(outbox.take(now, 10, LEASE).unwrap().len(), 1);
    }

    #[test]
    fn two_processes_send_a_notice_once_and_a_crash_only_puts_it_off() {
        let (folder, mut one) = outbox();
        let mut other = Outbox::open(&folder.path().join("webhooks.db")).unwrap();
        one.add(PING, &[Notification::Opened { at: at(0).into() }], at(0)).unwrap();
        assert_eq!(one.take(at(1), 10, LEASE).unwrap().len(), 1);
        assert_eq!(other.take(at(10), 10, LEASE).unwrap(), []);
        assert_eq!(other.next_due().unwrap(), Some(at(11)));
        let again = other.take(at(11), 10, LEASE).unwrap();
        assert_eq!(again[0].attempts, 2);
        other.told(&again[0]).unwrap();
        assert_eq!((one.take(at(99), 10, LEASE).unwrap(), one.next_due().unwrap()), (vec![], None));
    }

    #[test]
    fn pauses_grow_to_an_hour_and_end_with_the_window() {
        let (_folder, mut outbox) = outbox();
        let begun = at(0);
        outbox.add(PING, &[Notification::Opened { at: begun.into() }], begun).unwrap();
        let (mut now, mut pauses) = (begun, Vec::new());
        while outbox.give_up(now).unwrap() == 0 {
            let taken = outbox.take(now, 1, LEASE).unwrap();
            outbox.failed(&taken[0], now, None).unwrap();
            let due = outbox.next_due().unwrap().unwrap();
            pauses.push(due.since(now).unwrap().as_secs_f64());
            now = due;
        }
        for (attempt, pause) in pauses.iter().enumerate() {
            let longest = 2_f64.powi(attempt.try_into().unwrap()).min(3_600.0);
            assert!((0.49 * longest..=longest).contains(pause), "{attempt}: {pause}");
        }
        assert!(now.since(begun).unwrap() >= WINDOW && pauses.len() > 72, "{now}: {}", pauses.len());
        assert_eq!((outbox.take(now, 1, LEASE).unwrap(), outbox.next_due().unwrap()), (vec![], None));
    }

    #[cfg(unix)]
    #[test]
    fn the_file_is_its_owners_alone() {
        use std::os::unix::fs::PermissionsExt as _;
        let (folder, _outbox) = outbox();
        let mode = std::fs::metadata(folder.path().join("webhooks.db")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn a_forgotten_ping_leaves_no_trace_in_the_file() {
        let (folder, mut outbox) = outbox();
        outbox.add(PING, &[Notification::Opened { at: at(0).into() }], at(0)).unwrap();
        let bytes = || std::fs::read(folder.path().join("webhooks.db")).unwrap();
        let holds = |bytes: Vec<u8>| bytes.windows(16).any(|window| window == PING.as_bytes());
        assert!(holds(bytes()));
        assert_eq!(outbox.ping_after(None).unwrap(), Some(PING));
        outbox.forget(PING).unwrap();
        assert_eq!(outbox.ping_after(None).unwrap(), None);
        assert!(!holds(bytes()));
    }
}
