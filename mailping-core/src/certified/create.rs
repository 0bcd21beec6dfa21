//! A new ping whose receipt can be certified: its secret, its key and its first statement.

use super::issue::Message;
use super::ping_key::PingKey;
use super::sealer::Sealer;
use super::statement::{Statement, StatementKind};
use crate::recipient::Recipient;
use crate::store::{Entered, NewStatement, PingSecret, StoreError};
use crate::{Error, Keyring, Ping, PingId, RecipientHashes, Status, Timestamp};

/// What the app says of the message itself.
#[derive(Debug, Clone, Default)]
pub(crate) struct Digests {
    pub(crate) message: Option<[u8; 32]>,
    pub(crate) attachments: Vec<[u8; 32]>,
}

/// How often a statement is made anew because a seal was closed meanwhile.
const MAX_TRIES: usize = 8;

impl Sealer {
    /// Keeps a new ping, and returns its status with the value of the mail's header line.
    pub(crate) async fn create(
        &self,
        ping: &Ping,
        recipient: Option<(&Recipient, &RecipientHashes)>,
        digests: &Digests,
        now: Timestamp,
    ) -> Result<(Status, String), Error> {
        self.begin().await?;
        let mut nonce = [0; 32];
        getrandom::fill(&mut nonce).map_err(|_| Error::NoRandom)?;
        let secret = PingSecret { nonce, key: self.keys().newest().fingerprint };
        let key = key_of(ping.id, &secret, self.keys())?;
        let (address, hashes) = recipient.unzip();
        let message =
            Message { recipient: address, digest: digests.message, attachments: &digests.attachments };
        let mut at = now;
        for _ in 0..MAX_TRIES {
            let line = Statement::created(&key, at, ping, &message).to_string();
            // It is before the end of its seal, not at it.
            let ends = Timestamp::from_unix_millis(at.unix_millis().saturating_add(1));
            let name = StatementKind::Created.to_string();
            let header = key.header(&line);
            let created = NewStatement { ping: ping.id, name, seal: 0, ends, line };
            match self.store()?.insert_sealed(ping, hashes, &secret, &created).await? {
                Entered::Kept(status) => return Ok((status, header)),
                // This machine's clock is behind.
                Entered::Closed(until) => at = until.max(at),
            }
        }
        Err(StoreError::unavailable("seals are closed faster than a ping is made").into())
    }

    /// The value of the mail's header line of a ping that was made before; `None` without sealing,
    /// and if it cannot be made any more: nobody is kept from withdrawing a ping for that.
    pub(crate) async fn header(&self, ping: PingId) -> Result<Option<String>, Error> {
        match self.try_header(ping).await {
            Err(error @ (Error::Log { .. } | Error::Store(StoreError::Corrupt { .. }))) => {
                tracing::error!(%ping, %error, "a sealed ping is given without its header line");
                Ok(None)
            }
            tried => tried,
        }
    }

    async fn try_header(&self, ping: PingId) -> Result<Option<String>, Error> {
        let store = self.store()?;
        let Some(sealed) = store.sealed(&[ping]).await?.pop().flatten() else { return Ok(None) };
        let created = store.statement(ping, StatementKind::Created.as_str()).await?;
        // Erased in between.
        let Some(created) = created else { return Ok(None) };
        Ok(Some(key_of(ping, &sealed.secret, self.keys())?.header(&created)))
    }
}

fn key_of(ping: PingId, secret: &PingSecret, keys: &Keyring) -> Result<PingKey, Error> {
    PingKey::of(ping, secret, keys).ok_or(Error::Log { problem: super::sealer::NO_KEY })
}
