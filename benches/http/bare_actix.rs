//! The baseline: actix-web answering the same picture to every request, and nothing else. Usage:
//! `bare_actix ADDRESS`.

use actix_web::{App, HttpResponse, HttpServer, web};

const GIF: &[u8; 43] =
    b"GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff\x21\xf9\x04\x01\x00\x00\x00\x00\x2c\
    \x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02\x44\x01\x00\x3b";

#[actix_web::main]
async fn main() -> std::io::Result<()> {
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:3102".to_owned());
    let picture = async || {
        HttpResponse::Ok()
            .insert_header(("content-type", "image/gif"))
            .insert_header(("cache-control", "no-store"))
            .insert_header(("cross-origin-resource-policy", "cross-origin"))
            .body(GIF.as_slice())
    };
    HttpServer::new(move || App::new().route("/px/{token}", web::get().to(picture)))
        .bind(address)?
        .run()
        .await
}
