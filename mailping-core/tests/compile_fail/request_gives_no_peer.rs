// errors: E0616
// A pixel request gives nothing back: neither its peer nor its headers.
use mailping_core::intake::PixelRequest;

fn peer(request: &PixelRequest<'_>) -> Option<std::net::IpAddr> {
    request.peer
}

fn main() {}
