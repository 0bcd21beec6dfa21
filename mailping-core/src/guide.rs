//! Guides, each about one thing that you decide or do. How to write an adapter stands in `testing::adapter`, how to
//! write a store in `testing::store`, what is kept in [`privacy`](crate::privacy).

#[doc = include_str!("../docs/proxies.md")]
pub mod proxies {}
#[doc = include_str!("../docs/stores.md")]
pub mod stores {}
#[doc = include_str!("../docs/geo.md")]
pub mod geo {}
#[doc = include_str!("../docs/keys.md")]
pub mod keys {}
#[doc = include_str!("../docs/retention.md")]
pub mod retention {}
#[doc = include_str!("../docs/verdicts.md")]
pub mod verdicts {}
#[doc = include_str!("../docs/limits.md")]
pub mod limits {}
#[doc = include_str!("../docs/damaged_files.md")]
pub mod damaged_files {}
#[doc = include_str!("../docs/upgrading.md")]
pub mod upgrading {}
