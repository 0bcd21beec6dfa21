//! Every promise of [`Store`] as a case that any store can be put through.
//!
//! Run all of them, each on a store of its own that is empty:
//!
//! ```
//! use mailping_core::{MemoryStore, testing};
//!
//! # fn test() {
//! pollster::block_on(testing::store::run(async || MemoryStore::new()));
//! # }
//! # test();
//! ```
//!
//! or give each a name in your test harness:
//!
//! ```
//! use std::sync::Arc;
//! use mailping_core::MemoryStore;
//! use mailping_core::testing::store::CASES;
//!
//! for case in CASES {
//!     println!("{}", case.name());
//!     pollster::block_on(case.run(Arc::new(MemoryStore::new())));
//! }
//! ```
//!
//! A case needs no async runtime and panics where a promise is broken. Some call the store from
//! threads of their own, as the tracker does: a store that needs a runtime must have captured it.
//! What a test inside one process cannot show is left to the store's own tests: that what was
//! answered survives a crash, that several processes share one database, that erased bytes are
//! gone.
//!
//! [`Attempt::Repeat`]: crate::store::Attempt::Repeat
//! [`Filtered`]: crate::store::Recorded::Filtered
//! [`NewPing`]: crate::NewPing
//! [`StoreError::unavailable`]: crate::store::StoreError::unavailable
//! [`Sealing`]: crate::store::Sealing
//! [`Store::sealing`]: crate::store::Store::sealing
//! [`Store`]: crate::store::Store
//! [`news`]: crate::store::Store::news
#![doc = include_str!("../../docs/write_a_store.md")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a case fails by panicking, as a test does"
)]

mod concurrency;
mod deleting;
mod harness;
mod last_day;
mod milestones;
mod news;
mod no_more_opens;
mod pages;
mod recipients;
mod recording;
mod round_trip;
mod sealers;
mod sealing;

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use crate::Store;

use harness::Harness;

type Running = Pin<Box<dyn Future<Output = ()> + Send>>;

/// One promise.
pub struct Case {
    name: &'static str,
    run: fn(Harness) -> Running,
}

impl Case {
    /// The promise, as the name of a test.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// Puts an empty store through it.
    ///
    /// # Panics
    /// Where the store breaks the promise, or fails.
    pub async fn run(&self, empty: Arc<dyn Store>) {
        (self.run)(Harness::new(empty)).await;
    }
}

impl fmt::Debug for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Case({})", self.name)
    }
}

/// Puts a store through all [`CASES`]; `make` gives an empty one each time. The name of each case
/// goes to standard error, so that the last one is the one that failed.
///
/// # Panics
/// Where a store breaks a promise, or fails.
pub async fn run<S: Store>(make: impl AsyncFn() -> S) {
    for case in CASES {
        eprintln!("case {}", case.name());
        case.run(Arc::new(make().await)).await;
    }
}

macro_rules! cases {
    ($($module:ident: $($name:ident),+ $(,)?;)+) => {
        /// All promises.
        pub const CASES: &[Case] = &[
            $($(Case { name: stringify!($name), run: |harness| Box::pin($module::$name(harness)) },)+)+
        ];
    };
}

cases! {
    recording:
        an_open_recorded_twice_is_one,
        an_open_repeated_in_a_batch_is_one,
        one_id_under_two_pings_is_two_opens,
        answers_come_in_the_order_of_the_batch,
        an_empty_batch_is_answered_with_nothing,
        an_open_of_an_unknown_ping_is_filtered_for_good;
    no_more_opens:
        a_withdrawn_ping_gains_no_opens_and_keeps_those_it_has,
        a_withdrawn_ping_is_not_revived_by_inserting_it_again,
        an_erased_ping_gains_no_opens,
        a_ping_objected_to_gains_no_opens,
        an_untracked_ping_gains_no_opens,
        a_ping_of_unknown_status_gains_no_opens,
        expiry_compares_the_opens_own_time,
        a_time_step_that_ends_after_record_until_is_not_recorded,
        withdrawing_tells_whether_there_is_such_a_ping,
        an_objection_before_the_ping_makes_it_untracked,
        an_objection_after_the_ping_withdraws_it;
    last_day:
        the_last_day_is_the_latest_in_any_order,
        the_last_day_is_raised_for_recording_pings_alone,
        opens_and_last_days_go_together;
    pages:
        opens_come_by_time_then_id_page_by_page,
        the_opens_of_many_pings_come_as_a_page_for_each,
        pings_come_from_the_newest_page_by_page,
        pings_are_filtered_by_owner_and_reference_exactly,
        what_is_unknown_is_none;
    round_trip:
        a_ping_with_every_field_comes_back,
        a_ping_with_the_fewest_fields_comes_back,
        every_basis_and_code_of_a_ping_comes_back,
        opens_with_every_and_with_no_field_come_back,
        every_code_of_an_open_comes_back,
        evidence_of_a_newer_version_is_kept,
        the_first_and_the_last_time_come_back;
    news:
        news_since_a_mark_is_what_was_kept_since,
        a_raised_last_day_is_news_and_comes_as_the_latest,
        what_is_gone_is_no_news_and_in_nobodys_way,
        a_mark_that_is_not_of_this_database_is_refused,
        no_open_that_commits_late_is_skipped;
    milestones:
        milestones_come_back_with_their_ping_in_any_order,
        a_milestone_reached_twice_is_one_and_the_first_stays,
        a_confirmation_needs_a_ping_that_asks_in_time,
        a_ping_objected_to_takes_a_confirmation_and_no_opens,
        an_objection_to_everything_closes_all_pings,
        a_ping_found_under_an_older_key_is_closed_too,
        a_ping_that_is_gone_or_unknown_takes_no_milestone,
        purging_takes_a_ping_with_its_milestones_and_counts_none,
        a_milestone_is_news_once_and_none_of_a_gone_ping,
        milestones_reached_at_once_are_one,
        no_milestone_comes_after_an_erasure_under_way;
    sealing:
        a_ping_is_kept_with_its_secret_and_first_statement_in_the_seal_that_is_filled,
        nothing_is_made_before_the_end_of_a_closed_seal,
        a_sealed_ping_is_as_any_other,
        a_step_from_another_version_changes_nothing,
        steps_at_once_are_one_after_another,
        no_seal_closes_before_its_statements_end,
        a_ping_made_while_a_seal_closes_is_in_it_or_behind_it,
        a_statement_is_kept_once_and_the_last_day_as_the_latest,
        statements_come_by_ping_in_whole_pings,
        pings_that_shall_end_are_told_with_the_reason,
        a_ping_that_can_be_confirmed_does_not_end_before_record_until,
        a_ping_that_has_ended_gains_nothing_any_more,
        a_ping_that_has_ended_takes_no_milestone_whatever_its_status,
        what_ended_in_a_seal_comes_page_by_page,
        seals_and_leaves_come_back_until_they_are_cut,
        an_erased_ping_leaves_neither_secret_nor_statement,
        an_erasure_during_a_step_comes_before_or_after_it,
        the_keys_of_secrets_are_told_until_their_pings_are_gone,
        one_statement_is_found_by_its_name;
    sealers:
        what_is_kept_is_certified_until_it_ends,
        two_sealers_make_one_log,
        a_sealer_that_is_killed_is_followed_by_the_next,
        an_erasure_during_a_seal_leaves_the_others_sound,
        what_commits_late_is_in_the_next_seal,
        a_log_that_lost_what_was_signed_is_not_continued,
        a_restored_backup_goes_on_as_a_new_log,
        a_log_is_not_continued_by_an_instance_that_only_looked;
    recipients:
        an_objection_holds_for_its_recipient_alone,
        another_secret_under_the_same_number_is_another_key,
        a_ping_found_under_an_older_key_follows_the_objection,
        an_objection_outlives_erasure,
        an_objection_by_ping_is_that_of_its_recipient,
        an_objection_by_ping_without_recipient_withdraws_it_alone,
        what_is_kept_under_an_older_key_is_found,
        what_is_found_under_an_older_key_moves_to_the_newest,
        the_keys_of_pings_and_of_objections_are_told,
        pings_of_a_recipient_come_from_the_newest_page_by_page;
    deleting:
        erasing_takes_a_ping_with_its_opens_and_counts_them,
        erasing_a_recipient_takes_all_of_their_pings,
        purging_takes_what_is_due_and_nothing_else,
        purging_takes_at_most_the_limit_and_leaves_no_open_without_its_ping,
        purging_ends_with_fewer_than_the_limit;
    concurrency:
        writers_at_once_keep_every_open_once,
        no_open_comes_after_a_withdrawal_under_way,
        no_open_comes_after_an_erasure_under_way,
        no_open_comes_after_an_objection_under_way,
        no_open_comes_after_a_ping_is_purged_under_way,
        an_objection_and_a_ping_at_once_find_each_other,
        purging_while_recording_loses_nothing_that_is_not_due,
        a_dropped_call_is_carried_out_whole_or_not_at_all;
}
