// errors: E0277
// There is no conversion from an address to a masked network.
use mailping_core::intake::MaskedIp;

fn mask(raw: std::net::IpAddr) -> MaskedIp {
    raw.into()
}

fn main() {}
