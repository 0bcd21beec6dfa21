//! The Rocket app of the guide answers as the others do. Rocket opens its sockets itself, so that
//! the shared table cannot be run on it.

use mailping_core::mount::Mount;
use mailping_core::{Basis, Keyring, MemoryStore, NewPing, Tracker, pixel};
use rocket::http::{Header, Status};
use rocket::local::asynchronous::Client;

#[rocket::async_test]
async fn it_answers_and_records() {
    let builder = Tracker::builder(Keyring::generate().unwrap(), MemoryStore::new());
    let tracker = builder.base_url("https://app.example/px").unwrap().build().await.unwrap();
    let mount = Mount::new(tracker.clone());
    let app = rocket::build().mount(mount.path().to_owned(), mailping_guides::rocket::routes(&mount));
    let client = Client::untracked(app).await.unwrap();
    let ping = tracker.pings().create(NewPing::one_to_one("invoice-42", Basis::Contract)).await.unwrap();
    let path = |url: &str| url.strip_prefix("https://app.example").unwrap().to_owned();
    let (gif, page) = (path(ping.pixel_url().unwrap()), path(ping.opt_out_url()));

    for path in [&*gif, "/px/forged.gif", "/px/", "/px/%FF", "/px/%zz", &gif.replace("/px/", "/px//")] {
        let answer = client.get(path.to_owned()).dispatch().await;
        assert_eq!(answer.status(), Status::Ok, "{path}");
        for (name, value) in pixel::HEADERS {
            assert_eq!(answer.headers().get(name).collect::<Vec<_>>(), [value], "{path}");
        }
        assert_eq!(answer.into_bytes().await.unwrap(), pixel::BYTES, "{path}");
    }
    let head = client.head(gif.clone()).dispatch().await;
    assert_eq!((head.status(), head.headers().get_one("content-type")), (Status::Ok, Some("image/gif")));
    assert_eq!(client.put(gif.clone()).dispatch().await.status(), Status::MethodNotAllowed);
    assert_eq!(tracker.receipts().get(ping.id()).await.unwrap().unwrap().opens.len(), 2, "GET of the two forms of the link");

    let german = client.get(page.clone()).header(Header::new("Accept-Language", "de")).dispatch().await;
    assert!(german.into_string().await.unwrap().contains("lang=\"de\""));
    let done = client.post(page).body("List-Unsubscribe=One-Click").dispatch().await;
    assert_eq!(done.status(), Status::Ok);
    let status = tracker.receipts().get(ping.id()).await.unwrap().unwrap().summary.ping.status;
    assert_eq!(status, mailping_core::pings::Status::Withdrawn);
}
