// errors: E0308
// A resolver of places takes a masked network, never an address.
use mailping_core::geo::{GeoResolver, NoGeo};

fn locate(raw: std::net::IpAddr) {
    let _ = NoGeo.locate(raw);
}

fn main() {}
