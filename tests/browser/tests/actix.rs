//! The page of the example `receipts_actix`, in a browser.

mailping_browser_tests::keeps_every_promise_in_a_browser!("mailping-actix-tests", "receipts_actix");
