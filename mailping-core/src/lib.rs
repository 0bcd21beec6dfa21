//! mailping: know whether a 1-to-1 e-mail was opened, without keeping anyone's IP address.
#![forbid(unsafe_code)]

pub mod fetcher;
mod mask;
mod request;
#[cfg(feature = "testing")]
pub mod testing;

pub use mask::{Mask, MaskError, MaskedIp};
pub use request::{HeaderSource, PixelRequest};
