//! Whether the keyring has the keys that recipients, objections and sealed pings are kept under,
//! looked at once.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::keyring::KeyFingerprint;
use crate::text::ParseError;
use crate::{Error, Keyring, Store, StoreError};

/// The keys of a tracker, and whether they have been compared with those of its database.
#[derive(Debug)]
pub(crate) struct KeyCheck {
    keys: Vec<KeyFingerprint>,
    has_passed: AtomicBool,
    /// A failure has been told in the log.
    is_logged: AtomicBool,
}

impl KeyCheck {
    pub(crate) fn new(keys: &Keyring) -> Self {
        let keys = keys.keys().map(|key| key.fingerprint).collect();
        Self { keys, has_passed: AtomicBool::new(false), is_logged: AtomicBool::new(false) }
    }

    /// Compares the keys, unless that was done before.
    pub(crate) async fn look(&self, store: &dyn Store) -> Result<(), Error> {
        if self.has_passed.load(Ordering::Acquire) {
            return Ok(());
        }
        for kept in store.recipient_keys().await? {
            match self.keys.iter().find(|key| key.id() == kept.id()) {
                Some(key) if *key == kept => {}
                Some(_) => return Err(differs(kept.id()).into()),
                None => return Err(missing(kept.id()).into()),
            }
        }
        self.has_passed.store(true, Ordering::Release);
        Ok(())
    }

    /// As [`KeyCheck::look`], for a tracker that was built while its database was away.
    pub(crate) async fn pass(&self, store: &dyn Store) -> Result<(), StoreError> {
        match self.look(store).await {
            Ok(()) => Ok(()),
            Err(Error::Store(error)) => Err(error),
            Err(error) => {
                let reason = error.to_string();
                if !self.is_logged.swap(true, Ordering::AcqRel) {
                    tracing::error!(reason, "the keys are not those of the database: no ping is made");
                }
                Err(StoreError::Incompatible { reason })
            }
        }
    }
}

fn missing(id: u8) -> ParseError {
    ParseError::because(format_args!(
        "the keyring lacks key {id}, under which recipients, objections or sealed pings are kept: add it after the \
         newer keys"
    ))
    .in_field("keys")
}

fn differs(id: u8) -> ParseError {
    ParseError::because(format_args!(
        "key {id} of the keyring is not the key {id} under which recipients, objections or sealed pings are kept: bring that one back, \
         and give the new key an id of its own"
    ))
    .in_field("keys")
}
