//! Small programs, each one thing that a user wants to do: `cargo run --example axum`. This package
//! also compiles the programs of the READMEs.

#[doc = include_str!("../../README.md")]
pub mod readme {}
#[doc = include_str!("../../mailping-actix/README.md")]
pub mod actix {}
#[doc = include_str!("../../mailping-axum/README.md")]
pub mod axum {}
