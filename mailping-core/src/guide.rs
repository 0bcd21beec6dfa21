//! Guides, each about one thing that you decide or do. `testing::adapter` shows how to write an
//! adapter, `testing::store` how to write a store; [`privacy`](crate::privacy) says what is kept.

// The links of each guide are defined twice: here for rustdoc, which takes the first definition,
// and at the end of the Markdown file for GitHub, to the source.

/// [`Health::forwarding_ignored`]: crate::intake::Health::forwarding_ignored
/// [`Health::no_peer_address`]: crate::intake::Health::no_peer_address
/// [`Health::stray_links`]: crate::intake::Health::stray_links
/// [`Mount::stray`]: crate::mount::Mount::stray
/// [`forwarded`]: crate::ClientIp::forwarded
/// [`header("CF-Connecting-IP", …)`]: crate::ClientIp::header
/// [`header("Fly-Client-IP", …)`]: crate::ClientIp::header
/// [`x_forwarded_for`]: crate::ClientIp::x_forwarded_for
#[doc = include_str!("../docs/proxies.md")]
pub mod proxies {}

/// [`Health::dropped`]: crate::intake::Health::dropped
/// [`Health::late`]: crate::intake::Health::late
/// [`Health::spool`]: crate::intake::Health::spool
/// [`Recorded::Spooled`]: crate::intake::Recorded::Spooled
/// [`Store`]: crate::store::Store
/// [`deadline`]: crate::TrackerBuilder::deadline
/// [`queue_capacity`]: crate::TrackerBuilder::queue_capacity
/// [`repeat_window`]: crate::TrackerBuilder::repeat_window
/// [damaged files]: crate::guide::damaged_files
#[doc = include_str!("../docs/stores.md")]
pub mod stores {}

/// [`City::from_database`]: crate::geo::City::from_database
/// [`Health::geo_errors`]: crate::intake::Health::geo_errors
/// [`built`]: crate::geo::MaxMind::built
/// [`geo`]: crate::TrackerBuilder::geo
/// [`reload`]: crate::geo::MaxMind::reload
#[doc = include_str!("../docs/geo.md")]
pub mod geo {}

/// [`People::erase`]: crate::people::People::erase
#[doc = include_str!("../docs/keys.md")]
pub mod keys {}

/// [`Detail`]: crate::Detail
/// [`Health::purged_pings`]: crate::intake::Health::purged_pings
/// [`TimeStep`]: crate::pings::TimeStep
/// [`keep_for`]: crate::NewPing::keep_for
/// [`purge_every`]: crate::TrackerBuilder::purge_every
/// [`record_for`]: crate::NewPing::record_for
/// [ceiling]: crate::TrackerBuilder::ceiling
/// [what is kept]: crate::privacy
#[doc = include_str!("../docs/retention.md")]
pub mod retention {}

/// [`Event::milestone`]: crate::receipts::Event::milestone
/// [`Pings::report`]: crate::pings::Pings::report
/// [`Texts`]: crate::opt_out::Texts
/// [`message_id`]: crate::PreparedPing::message_id
/// [`return_path`]: crate::PreparedPing::return_path
/// [`sender_copy`]: crate::PreparedPing::sender_copy
/// [`sent_at`]: crate::NewPing::sent_at
/// [early window]: crate::fetcher::Classifier::early_window
/// [own networks]: crate::fetcher::Classifier::own_networks
/// [verdicts]: crate::guide::verdicts
/// [what is kept]: crate::privacy
#[doc = include_str!("../docs/delivery.md")]
pub mod delivery {}

/// [`Evidence::explanation`]: crate::fetcher::Evidence::explanation
/// [`mask`]: crate::TrackerBuilder::mask
/// [`Tracker`]: crate::Tracker
/// [`add_networks`]: crate::fetcher::Classifier::add_networks
/// [`burst`]: crate::TrackerBuilder::burst
/// [`networks`]: crate::fetcher::Classifier::networks
/// [`observe`]: crate::intake::Intake::observe
/// [`own_networks`]: crate::fetcher::Classifier::own_networks
/// [`people_networks`]: crate::fetcher::Classifier::people_networks
/// [`rules_version`]: crate::fetcher::RULES_VERSION
/// [`without_networks_by_number`]: crate::fetcher::Classifier::without_networks_by_number
#[doc = include_str!("../docs/verdicts.md")]
pub mod verdicts {}

/// [`Verifier::witness`]: crate::certified::Verifier::witness
/// [`NewPing::attachment_digest`]: crate::NewPing::attachment_digest
/// [`NewPing::message_digest`]: crate::NewPing::message_digest
/// [`Outside`]: crate::certified::Outside
/// [`SealLog::every`]: crate::certified::SealLog::every
/// [`SealLog::grace`]: crate::certified::SealLog::grace
/// [`SealLog::show_to`]: crate::certified::SealLog::show_to
/// [`SealLog::taking_over_from`]: crate::certified::SealLog::taking_over_from
/// [`Seals::failure`]: crate::certified::Seals::failure
/// [`Seals::finals`]: crate::certified::Seals::finals
/// [`Seals::public_key`]: crate::certified::Seals::public_key
/// [`Seals::seal`]: crate::certified::Seals::seal
/// [`certified`]: https://github.com/mailping/mailping/blob/main/examples/certified.rs
/// [`request_for`]: crate::certified::request_for
/// [`token_of`]: crate::certified::token_of
/// [`guide.txt`]: https://github.com/mailping/mailping/blob/main/mailping-core/src/certified/guide.txt
/// [`certified_receipt.txt`]: https://github.com/mailping/mailping/blob/main/mailping-core/docs/certified_receipt.txt
#[cfg(feature = "certified")]
#[doc = include_str!("../docs/certified.md")]
pub mod certified {}

/// [what is kept]: crate::privacy
#[doc = include_str!("../docs/limits.md")]
pub mod limits {}

/// [`Health`]: crate::intake::Health
/// [choosing a store]: crate::guide::stores
#[doc = include_str!("../docs/damaged_files.md")]
pub mod damaged_files {}

/// [`RULES_VERSION`]: crate::fetcher::RULES_VERSION
#[doc = include_str!("../docs/upgrading.md")]
pub mod upgrading {}
