// errors: E0308
// A resolver of places takes a masked network, never an address.
use mailping_core::geo::GeoResolver;

fn locate(resolver: &dyn GeoResolver, raw: std::net::IpAddr) {
    let _ = resolver.locate(raw);
}

fn main() {}
