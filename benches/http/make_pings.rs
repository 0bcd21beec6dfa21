//! Makes pings over a service's API and prints the paths of their pixels. Usage:
//! `make_pings ADDRESS NUMBER`.

use mailping_acceptance::Client;
use serde_json::json;

fn main() {
    let mut arguments = std::env::args().skip(1);
    let (Some(Ok(server)), Some(Ok(number))) =
        (arguments.next().map(|text| text.parse()), arguments.next().map(|text| text.parse::<u32>()))
    else {
        eprintln!("usage: make_pings ADDRESS NUMBER");
        std::process::exit(2);
    };
    let client = Client::new(server);
    for n in 0..number {
        let ping = json!({ "reference": format!("invoice-{n}"), "basis": { "kind": "contract" } });
        let made = client.post("/api/pings", &ping).json();
        let url = made["pixel_url"].as_str().unwrap_or_default();
        println!("{}", &url[url.find("/px/").unwrap_or(0)..]);
    }
}
