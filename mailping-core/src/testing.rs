//! Suites that strangers can run on their own rules, stores and adapters, and a store that breaks
//! on command. Behind the feature `testing`.

pub mod adapter;
pub mod faulty;
pub mod fetchers;
pub mod store;
pub mod stories;
