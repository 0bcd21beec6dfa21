//! Errors of the file system as those of the store trait, without paths.

use std::io;

use mailping_core::store::StoreError;

pub(crate) fn io(error: io::Error) -> StoreError {
    StoreError::unavailable(error)
}

pub(crate) fn incompatible(reason: &str) -> StoreError {
    StoreError::Incompatible { reason: reason.to_owned() }
}
