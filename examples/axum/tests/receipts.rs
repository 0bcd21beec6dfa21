//! The example `receipts`, started as a user starts it.

mailping_examples_acceptance::keeps_every_promise!("receipts");
