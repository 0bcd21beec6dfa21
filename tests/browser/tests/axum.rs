//! The page of the example `receipts`, in a browser.

mailping_browser_tests::keeps_every_promise_in_a_browser!("mailping-server", "receipts");
