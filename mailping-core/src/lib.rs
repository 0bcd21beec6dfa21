//! mailping: know whether a 1-to-1 e-mail was opened, without keeping anyone's IP address.
#![forbid(unsafe_code)]

mod client_ip;
pub mod geo;
mod mask;
mod request;

pub use client_ip::{ClientIp, ClientIpError, TrustedProxies};
pub use mask::{Mask, MaskError, MaskedIp};
pub use request::{HeaderSource, PixelRequest};
