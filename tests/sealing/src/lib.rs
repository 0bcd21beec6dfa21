//! What sealing must do on any store that can: the tests of each store call it.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "this crate is for tests only")]

mod clock;
mod kills;
#[cfg(target_os = "linux")]
pub mod measured;
mod office;
mod process;
mod verifiers;

pub use clock::Clock;
pub use kills::{Answered, Kills};
pub use office::{Office, opens_in};
pub use process::Process;
pub use verifiers::both_verifiers_accept_what_is_sealed_interim_and_final;
