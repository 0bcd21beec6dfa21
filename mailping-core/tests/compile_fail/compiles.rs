// What must compile, so that the others fail for their own reasons.
use mailping_core::intake::MaskedIp;
use mailping_core::receipts::Open;

fn keep(open: &mut Open, masked: MaskedIp) -> Result<String, serde_json::Error> {
    open.network = Some(masked);
    serde_json::to_string(open)
}

fn main() {
    let net: ipnet::IpNet = "192.0.2.0/24".parse().unwrap();
    let _ = (keep, MaskedIp::from_network(net));
}
