//! Mail to go with the service. This package also compiles the README's code.
#![doc = include_str!("../../../README.md")]
