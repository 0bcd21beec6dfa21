use mailping_tower::{Peer, PixelService, Tracker};
use poem::endpoint::TowerCompatExt as _;
use poem::{Endpoint, EndpointExt as _, Request, Route};

/// As in the guide.
pub fn routes(tracker: Tracker) -> impl Endpoint {
    let pixels = PixelService::new(tracker);
    let path = pixels.mount().path().to_owned();
    let pixels = pixels.compat().before(|mut request: Request| async move {
        if let Some(peer) = request.remote_addr().as_socket_addr().map(|peer| Peer(peer.ip())) {
            request.extensions_mut().insert(peer);
        }
        Ok(request)
    });
    Route::new().nest_no_strip(path, pixels)
}
