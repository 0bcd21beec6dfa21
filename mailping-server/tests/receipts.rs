//! The example `receipts`, started as a user starts it.

mailping_acceptance::keeps_every_promise!(mailping_acceptance::Start::example("receipts"));
