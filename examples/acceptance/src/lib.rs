//! What each example service must do, whatever its framework: the program is started as a user starts it, in an empty
//! folder, and spoken to over real sockets.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "this crate is for tests only")]

mod http;
mod program;
pub mod promises;

pub use http::{Client, Reply};
pub use program::{Program, Start};

/// Makes a test of each promise for the example `$name` of the package that the tests are in.
#[macro_export]
macro_rules! keeps_promises {
    ($name:literal: $($promise:ident),+ $(,)?) => {
        $(
            #[test]
            fn $promise() {
                $crate::promises::$promise(&$crate::Start::example($name));
            }
        )+
    };
}

/// Makes a test of every promise.
#[macro_export]
macro_rules! keeps_every_promise {
    ($name:literal) => {
        $crate::keeps_promises!($name:
            a_proxy_and_a_person_make_a_receipt_of_two_opens,
            an_answered_open_survives_kill_nine,
            nothing_personal_is_in_the_files_or_the_log,
            sigterm_ends_it_cleanly,
            wrong_settings_are_refused_in_one_clear_line,
            lost_keys_are_not_replaced,
            wrong_input_is_named_and_not_repeated,
            the_admin_token_guards_the_api_and_not_the_pixel,
            ten_thousand_hits_on_one_url_fill_no_disk,
            lists_and_receipts_are_paged,
            an_objection_stops_mail_already_sent,
            a_thousand_hits_at_once_on_a_dead_ping_add_no_row,
            two_services_share_one_file,
        );
    };
}
