//! What the receipts page must do in a real browser, whatever framework serves it. It needs the
//! programs `chromium` and `chromedriver`, and fails in one line if they are missing.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "this crate is for tests only")]

mod browser;
mod chromedriver;
mod looks;
pub mod promises;
mod wire;

pub use browser::{Browser, Element, Options};
pub use mailping_acceptance::Start;

/// Makes a test of every promise for the example `$name` of the package `$package`.
#[macro_export]
macro_rules! keeps_every_promise_in_a_browser {
    ($package:literal, $name:literal) => {
        $crate::keeps_every_promise_in_a_browser!(@ $package, $name:
            a_ping_is_made_copied_and_watched_without_a_reload,
            an_erasure_asks_first_and_a_withdrawal_shows,
            the_opt_out_page_keeps_an_objection,
            a_login_lets_in_and_a_logout_out,
            no_text_of_anybody_becomes_markup,
            all_of_it_can_be_done_from_the_keyboard,
            without_scripts_a_ping_is_made_and_read,
            a_receipt_groups_folds_and_says_local_times,
            every_page_can_be_seen_and_named_in_light_dark_and_on_a_phone,
        );
    };
    (@ $package:literal, $name:literal: $($promise:ident),+ $(,)?) => {
        $(
            #[test]
            #[ignore = "needs Chromium"]
            fn $promise() {
                $crate::promises::$promise(&$crate::Start::built($package, $name));
            }
        )+
    };
}
