//! The example `receipts`, started as a user starts it.

mailping_acceptance::keeps_every_promise!(mailping_acceptance::Start::example("receipts"));

mailping_acceptance::keeps_promises!(
    [#[ignore = "needs python3 and openssl"]]
    mailping_acceptance::Start::example("receipts") =>
    a_certified_receipt_is_downloaded_and_verified,
    a_restored_backup_goes_on_as_a_new_log,
);

mailping_acceptance::keeps_promises!(
    mailping_acceptance::Start::example("receipts") =>
    wrong_settings_of_sealing_are_refused_in_one_clear_line,
    the_logs_key_is_made_once_and_kept_beside_the_database,
);
