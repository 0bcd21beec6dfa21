//! Makes one call of the way of a hit again and again, for counting its instructions. Usage:
//! `calls NAME TIMES`; without a name it prints the names.

use std::hint::black_box;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::{Duration, SystemTime};

use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Request};
use mailping_benches::{forged, geo};
use mailping_core::fetcher::Classifier;
use mailping_core::geo::GeoResolver;
use mailping_core::intake::{MaskedIp, PixelRequest};
use mailping_core::receipts::OpenId;
use mailping_core::testing::fetchers::{self, FetchSignals, SinceSent};
use mailping_core::{Basis, ClientIp, Detail, Keyring, MemoryStore, NewPing, PreparedPing, Tracker};
use tower_service::Service as _;

const NAMES: [&str; 13] = [
    "verify a forged token",
    "observe, peer address",
    "observe, X-Forwarded-For",
    "observe, no place",
    "classify a browser",
    "classify Gmail's proxy",
    "locate",
    "draw an open id",
    "record, memory",
    "axum, a forged token",
    "axum, a hit",
    "actix, a forged token",
    "actix, a hit",
];
const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";
const GMAIL: &str =
    "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)";

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let Some(name) = arguments.next() else {
        println!("{}", NAMES.join("\n"));
        return Ok(());
    };
    let times: u64 = arguments.next().map_or(Ok(1), |text| text.parse())?;
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;

    let client_ip = match name.as_str() {
        "observe, X-Forwarded-For" => ClientIp::x_forwarded_for("10.0.0.0/8, 192.168.0.0/16")?,
        _ => ClientIp::peer(),
    };
    let detail = if name == "observe, no place" { Detail::Opens } else { Detail::Network };
    let builder =
        Tracker::builder(Keyring::generate()?, MemoryStore::new()).base_url("https://app.example/px")?;
    let builder = builder.geo(geo()?).client_ip(client_ip).ceiling(detail).hit_limit(0);
    let tracker = runtime.block_on(builder.build())?;
    let new = NewPing::one_to_one("invoice-42", Basis::Contract);
    let ping = runtime
        .block_on(tracker.pings().create(new.sent_at(SystemTime::now() - Duration::from_secs(7_200))))?;

    let headers = |agent| {
        let lines = [
            ("host", "app.example"),
            ("user-agent", agent),
            ("accept", "image/avif,image/webp,*/*"),
            ("x-forwarded-for", "6.6.6.6, 198.51.100.77, 10.9.9.9"),
        ];
        let lines =
            lines.map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)));
        lines.into_iter().collect::<HeaderMap>()
    };
    let (browser, gmail) = (headers(FIREFOX), headers(GMAIL));
    let peer = match name.as_str() {
        "observe, X-Forwarded-For" => Ipv4Addr::new(10, 0, 0, 1),
        _ => Ipv4Addr::new(198, 51, 100, 77),
    };
    let peer = Some(IpAddr::from(peer));
    let request = PixelRequest::new(ping.pixel_url().unwrap_or_default(), peer, &browser);
    let wrong = forged(ping.pixel_url().unwrap_or_default());
    let wrong = PixelRequest::new(&wrong, peer, &browser);
    let (now, open_id) = (SystemTime::now(), OpenId::from_bytes([7; 8]));
    let observe = |request| tracker.intake().observe(black_box(request), now, open_id).is_some();
    let (classifier, geo) = (Classifier::default(), geo()?);
    let late = SinceSent::After(Duration::from_secs(7_200));
    let (home, google): (MaskedIp, MaskedIp) = ("198.51.100.0/24".parse()?, "66.249.84.0/24".parse()?);
    let classify = |headers: &HeaderMap, network| {
        let signals = FetchSignals::from_headers(headers);
        fetchers::classify(&classifier, black_box(&signals), Some(network), late).locatable
    };

    let path = request_path(&ping, name.ends_with("a forged token"));
    if name.starts_with("axum") {
        let mut app = axum::Router::new().merge(mailping_axum::routes(tracker));
        for _ in 0..times {
            let mut request = Request::builder().uri(path.as_str()).body(Body::empty())?;
            *request.headers_mut() = browser.clone();
            request.extensions_mut().insert(ConnectInfo(SocketAddr::from(([198, 51, 100, 77], 40_000))));
            black_box(runtime.block_on(app.call(request))?);
        }
        return Ok(());
    }
    if name.starts_with("actix") {
        let routes = mailping_actix::routes(tracker);
        return actix_web::rt::System::new().block_on(async {
            let app = actix_web::test::init_service(actix_web::App::new().configure(routes)).await;
            for _ in 0..times {
                let mut request = actix_web::test::TestRequest::get().uri(&path);
                for (name, value) in &browser {
                    request = request.insert_header((name.as_str(), value.as_bytes()));
                }
                let request = request.peer_addr(([198, 51, 100, 77], 40_000).into()).to_request();
                black_box(actix_web::test::call_service(&app, request).await);
            }
            Ok(())
        });
    }
    for _ in 0..times {
        black_box(match name.as_str() {
            "verify a forged token" => observe(&wrong),
            "classify a browser" => classify(&browser, home),
            "classify Gmail's proxy" => classify(&gmail, google),
            "locate" => geo.locate(black_box(home)).is_ok_and(|place| place.is_some()),
            "draw an open id" => OpenId::random().is_ok(),
            "record, memory" => runtime.block_on(tracker.intake().record(black_box(&request))).is_ok(),
            _ => observe(&request),
        });
    }
    Ok(())
}

/// The path of a request for the pixel, or for one of nobody.
fn request_path(ping: &PreparedPing, is_forged: bool) -> String {
    let url = ping.pixel_url().unwrap_or_default();
    let path = url.strip_prefix("https://app.example").unwrap_or_default();
    if is_forged { forged(path) } else { path.to_owned() }
}
