// errors: E0423
// A masked network cannot be made by hand: its field is private.
use mailping_core::intake::MaskedIp;

fn main() {
    let net: ipnet::IpNet = "192.0.2.7/32".parse().unwrap();
    let _ = MaskedIp(net);
}
