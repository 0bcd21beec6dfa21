//! What sealing must do on any store that can: the tests of each store call it.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "this crate is for tests only")]

mod clock;
mod damaged;
mod kills;
#[cfg(target_os = "linux")]
pub mod measured;
mod office;
mod process;
mod purging;
mod verifiers;

pub use clock::Clock;
pub use damaged::damaged_pings_are_passed_over_and_all_others_are_sealed;
pub use kills::{Answered, Kills};
pub use office::{Office, opens_in};
pub use process::Process;
pub use purging::a_step_of_a_purge_takes_statements_with_their_opens;
pub use verifiers::both_verifiers_accept_what_is_sealed_interim_and_final;
