use std::io::Cursor;

use mailping_core::mount::Mount;
use mailping_core::intake::PixelRequest;
use rocket::http::{Method, Status};
use rocket::route::{Handler, Outcome, Route};
use rocket::{Data, Request, Response};

#[derive(Clone)]
struct Pixels(Mount);

#[rocket::async_trait]
impl Handler for Pixels {
    async fn handle<'r>(&self, request: &'r Request<'_>, _: Data<'r>) -> Outcome<'r> {
        let answering = {
            // Rocket's headers are a map of its own.
            let mut headers = http::HeaderMap::new();
            for header in request.headers().iter() {
                let name = http::HeaderName::from_bytes(header.name().as_str().as_bytes());
                if let (Ok(name), Ok(value)) = (name, header.value().parse()) {
                    headers.append(name, value);
                }
            }
            let peer = request.remote().map(|peer| peer.ip());
            let path = request.uri().path().raw().as_str();
            self.0.answer(request.method().as_str(), &PixelRequest::new(path, peer, &headers))
        };
        let answer = answering.await;
        let mut response = Response::build();
        response.status(Status::new(answer.status().as_u16()));
        // Rocket writes the length itself.
        for (name, value) in answer.headers().iter().filter(|(name, _)| *name != "content-length") {
            response.raw_header(name.to_string(), value.to_str().unwrap_or_default().to_owned());
        }
        let body = answer.into_body();
        Outcome::Success(response.sized_body(body.len(), Cursor::new(body)).finalize())
    }
}

/// As in the guide.
pub fn routes(mount: &Mount) -> Vec<Route> {
    use Method::{Delete, Get, Head, Options, Patch, Post, Put};
    let methods = [Get, Head, Post, Put, Delete, Options, Patch];
    methods.map(|method| Route::new(method, "/<_..>", Pixels(mount.clone()))).to_vec()
}
