//! What the service must do, whatever its framework and its store: the program is started as a user
//! starts it, in an empty folder, and spoken to over real sockets.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "this crate is for tests only")]

mod faults;
mod http;
mod ledger;
mod message;
mod operating;
mod page;
mod program;
pub mod promises;
mod recipients;
mod sealing;

pub use http::{Client, Reply, Stream};
pub use ledger::{Ledger, Load};
pub use message::hours_ago;
pub use program::{Program, Start};

/// Makes a test of each promise for the program that an expression starts. Attributes in brackets
/// before it are those of each test: `keeps_promises!([#[ignore = "needs PostgreSQL"]]
/// on_a_database(..) => sigterm_ends_it_cleanly)`.
#[macro_export]
macro_rules! keeps_promises {
    (@one [$(#[$attribute:meta])*] $start:expr => $promise:ident) => {
        #[test]
        $(#[$attribute])*
        fn $promise() {
            $crate::promises::$promise(&$start);
        }
    };
    // One list inside another cannot repeat without the brackets.
    (@each $attributes:tt $start:expr => $($promise:ident),+) => {
        $($crate::keeps_promises!(@one $attributes $start => $promise);)+
    };
    ([$(#[$attribute:meta])*] $start:expr => $($promise:ident),+ $(,)?) => {
        $crate::keeps_promises!(@each [$(#[$attribute])*] $start => $($promise),+);
    };
    ($start:expr => $($promise:ident),+ $(,)?) => {
        $crate::keeps_promises!(@each [] $start => $($promise),+);
    };
}

/// Makes a test of every promise of a service on SQLite.
#[macro_export]
macro_rules! keeps_every_promise {
    ($start:expr) => {
        $crate::keeps_promises!($start =>
            a_proxy_and_a_person_make_a_receipt_of_two_opens,
            an_answered_open_survives_kill_nine,
            a_confirmation_survives_kill_nine,
            nothing_personal_is_in_the_files_or_the_log,
            sigterm_ends_it_cleanly,
            a_crowd_waits_to_be_accepted,
            wrong_settings_are_refused_in_one_clear_line,
            arguments_are_answered_or_refused_and_nothing_is_made,
            a_base_url_is_taken_as_the_error_advises,
            half_sent_requests_end_in_time,
            without_a_token_nothing_that_was_forwarded_is_answered,
            the_ceiling_is_the_city_unless_it_is_set,
            lost_keys_are_not_replaced,
            wrong_input_is_named_and_not_repeated,
            the_admin_token_guards_the_api_and_not_the_pixel,
            prometheus_reads_the_health,
            ten_thousand_hits_on_one_url_fill_no_disk,
            lists_and_receipts_are_paged,
            an_objection_stops_mail_already_sent,
            a_touched_link_works_and_a_damaged_one_is_not_confirmed,
            every_field_of_a_ping_comes_back,
            two_services_share_one_database,
            the_page_keeps_its_policy_and_is_small,
            the_form_makes_a_ping_and_text_stays_text,
            the_list_is_filtered_and_its_table_has_no_formula,
            states_are_counted_and_filtered,
            the_sample_is_marked_and_stores_nothing,
            the_api_is_as_its_document_says,
            other_sites_change_nothing,
            an_open_service_answers_to_no_foreign_name,
            a_session_opens_the_page_and_guesses_are_bounded,
            below_a_path_prefix_every_link_works,
            a_fetch_shows_up_live_and_streams_end,
            why_nothing_is_recorded_is_told,
            a_thousand_hits_at_once_on_a_dead_ping_add_no_row,
            a_damaged_file_fails_no_picture_and_is_refused_at_the_next_start,
        );
    };
}
