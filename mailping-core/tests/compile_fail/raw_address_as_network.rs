// errors: E0308
// A raw address cannot become the network of an open.
use mailping_core::receipts::Open;

fn keep(open: &mut Open, raw: std::net::IpAddr) {
    open.network = Some(raw);
}

fn main() {}
