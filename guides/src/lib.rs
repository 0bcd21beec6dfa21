#![doc = include_str!("../README.md")]

#[doc = include_str!("../poem.md")]
pub mod poem;
#[doc = include_str!("../rocket.md")]
pub mod rocket;
#[doc = include_str!("../sea_orm.md")]
pub mod sea_orm {}
