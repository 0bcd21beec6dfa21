//! What the receipts page promises over HTTP, under an admin token; what a browser makes of it is
//! tried elsewhere.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::message::hours_ago;
use crate::{Client, Program, Reply, Start};

const TOKEN: (&str, &str) = ("MAILPING_ADMIN_TOKEN", "open-sesame-7777");
const BEARER: (&str, &str) = ("authorization", "Bearer open-sesame-7777");
const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";

fn form(client: &Client, path: &str, body: &str, headers: &[(&str, &str)]) -> Reply {
    let mut all = vec![("content-type", "application/x-www-form-urlencoded")];
    all.extend_from_slice(headers);
    client.send("POST", path, &all, body)
}

fn get(client: &Client, path: &str) -> (Reply, String) {
    let reply = client.get(path, &[BEARER]);
    assert_eq!(reply.status, 200, "{path}: {reply:?}");
    let text = String::from_utf8(reply.body.clone()).unwrap();
    (reply, text)
}

fn header<'a>(reply: &'a Reply, name: &str) -> Option<&'a str> {
    reply.head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
}

/// Makes a ping in the form and returns the path of its receipt.
fn make(client: &Client, reference: &str) -> String {
    let fields = format!("reference={reference}&reason=proof+of+delivery&owner=billing&detail=country");
    let made = form(client, "/pings", &fields, &[BEARER]);
    assert_eq!(made.status, 303, "{made:?}");
    header(&made, "location").unwrap().to_owned()
}

fn pixel_of(page: &str) -> &str {
    let start = page.find("/px/").expect("a pixel");
    &page[start..start + page[start..].find(".gif").unwrap() + 4]
}

fn log_in(client: &Client) -> String {
    let reply =
        form(client, "/login", "token=open-sesame-7777&next=%2F", &[("sec-fetch-site", "same-origin")]);
    assert_eq!((reply.status, header(&reply, "location")), (303, Some("/")), "{reply:?}");
    let cookie = header(&reply, "set-cookie").expect("a cookie").to_owned();
    assert!(cookie.contains("httponly") && cookie.contains("samesite=strict"), "{cookie}");
    assert!(!cookie.contains("sesame"), "{cookie}");
    cookie.split(';').next().unwrap().to_owned()
}

/// Each page has the strict policy and nothing inline; with style, script and icon a first load is
/// under 60 KB.
pub fn the_page_keeps_its_policy_and_is_small(start: &Start) {
    let program = start.run(&[TOKEN]);
    let client = program.client();
    let receipt = make(&client, "invoice-42");
    let erase = format!("{receipt}/erase");
    let policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
                  form-action 'self'; base-uri 'none'; frame-ancestors 'none'";
    for path in ["/", "/login", "/why", "/sample", &receipt, &erase, "/?owner=nobody", "/?state=opened"] {
        let reply = client.get(path, if path == "/login" { &[] } else { &[BEARER] });
        let page = String::from_utf8_lossy(&reply.body).into_owned();
        assert_eq!(header(&reply, "content-security-policy"), Some(policy), "{path}");
        assert_eq!(header(&reply, "cache-control"), Some("no-store"), "{path}");
        for inline in ["<style", " style=", "<script>", "javascript:", " onclick", " onload", "http-equiv"] {
            assert!(!page.contains(inline), "{inline} in {path}");
        }
        let mut bytes = page.len() + reply.head.len();
        for asset in page.split('"').filter(|text| text.starts_with("/assets/")) {
            let reply = client.get(asset, &[]);
            assert_eq!(reply.status, 200, "{asset}");
            assert!(header(&reply, "cache-control").unwrap().contains("immutable"), "{reply:?}");
            bytes += reply.body.len() + reply.head.len();
        }
        assert!(bytes > 10_000 && bytes < 60_000, "{path}: {bytes} bytes");
    }
    assert_eq!(client.get("/assets/page-0000000000000000.css", &[BEARER]).status, 404);
}

/// The form makes a ping; what was typed is escaped wherever it is shown, and what is wrong is said
/// at its field.
pub fn the_form_makes_a_ping_and_text_stays_text(start: &Start) {
    let program = start.run(&[TOKEN]);
    let client = program.client();
    let receipt = make(&client, "%3Cscript%3Ealert(1)%3C%2Fscript%3E%22%3E");
    for path in
        ["/", &receipt, &format!("{receipt}/erase"), "/?reference=%3Cscript%3Ealert(1)%3C/script%3E%22%3E"]
    {
        let (_, page) = get(&client, path);
        assert!(page.contains("&#60;script&#62;alert(1)"), "{path}: {page}");
        assert!(!page.contains("<script>alert") && !page.contains("\">\""), "{path}");
    }
    let (_, page) = get(&client, &receipt);
    let fetched = client.get(pixel_of(&page), &[("user-agent", FIREFOX)]);
    assert_eq!(fetched.body.len(), 43);
    let (_, page) = get(&client, &receipt);
    assert!(page.contains("A browser") && page.contains("ua:browser"), "{page}");
    let export = get(&client, &format!("{receipt}/export")).0;
    assert_eq!(
        (export.json()["fetches"].as_u64(), export.json()["opens"].as_array().unwrap().len()),
        (Some(1), 1)
    );

    for (fields, field) in [
        ("reason=x", "reference"),
        ("reference=x", "reason"),
        ("reference=x&reason=x&recipient=nobody", "recipient"),
        ("reference=x&reason=x&detail=street", "detail"),
    ] {
        let refused = form(&client, "/pings", fields, &[BEARER]);
        let page = String::from_utf8_lossy(&refused.body).into_owned();
        assert_eq!(refused.status, 422);
        assert!(
            page.contains(&format!("id=\"wrong-{field}\"")) && page.contains("aria-invalid"),
            "{fields}: {page}"
        );
    }
    let nothing = form(&client, "/pings", "detail=street", &[BEARER]);
    let page = String::from_utf8_lossy(&nothing.body).into_owned();
    for field in ["reference", "reason", "detail"] {
        assert!(page.contains(&format!("id=\"wrong-{field}\"")), "all at once, also {field}: {page}");
    }
    assert!(page.contains("3 fields need another look"), "{page}");
    assert_eq!(form(&client, &format!("{receipt}/withdraw"), "", &[BEARER]).status, 303);
    assert!(get(&client, &receipt).1.contains("Stopped"));
    assert_eq!(form(&client, &format!("{receipt}/erase"), "", &[BEARER]).status, 303);
    let gone = client.get(&receipt, &[BEARER]);
    assert!(gone.status == 404 && gone.head.contains("text/html"), "{gone:?}");
}

/// The list has its filters and pages; the table for spreadsheets has the same rows, and none of
/// its cells is a formula.
pub fn the_list_is_filtered_and_its_table_has_no_formula(start: &Start) {
    let program = start.run(&[TOKEN]);
    let client = program.client();
    make(&client, "%3DHYPERLINK(%22http%3A%2F%2Fevil.example%22)");
    (0..55).for_each(|number| drop(make(&client, &format!("r-{number}"))));
    let (_, first) = get(&client, "/?owner=billing");
    let older = first.split("href=\"").find_map(|rest| rest.strip_prefix("/?owner=billing&#38;after="));
    let older = older.expect("a second page").split('"').next().unwrap();
    let (_, second) = get(&client, &format!("/?owner=billing&after={older}"));
    assert_eq!((first.matches("<tr>").count(), second.matches("<tr>").count()), (51, 7));
    let assets = first.split('"').filter(|text| text.starts_with("/assets/"));
    let bytes = first.len() + assets.map(|asset| client.get(asset, &[]).body.len()).sum::<usize>();
    assert!(bytes < 60_000, "a full page and all that it loads has {bytes} bytes");
    assert!(get(&client, "/?owner=nobody").1.contains("No message fits"));
    let (reply, table) = get(&client, "/pings.csv?owner=billing");
    assert!(header(&reply, "content-disposition").unwrap().contains("attachment"), "{reply:?}");
    assert_eq!(table.lines().count(), 57);
    assert!(table.contains("\"'=HYPERLINK(\"\"http://evil.example\"\")\""), "{table}");
    assert_eq!(get(&client, "/pings.csv?reference=r-7").1.lines().count(), 2);
}

/// The numbers above the list are those of its rows, and each leads to them; the line that the page
/// gives to try it with says "Opened", and plain curl does not.
pub fn states_are_counted_and_filtered(start: &Start) {
    let program = start.run(&[TOKEN]);
    let client = program.client();
    let pings: Vec<Value> = (0..4).map(|_| api_ping(&program)).collect();
    let path = |ping: &Value| format!("/pings/{}", ping["id"].as_str().unwrap());
    let (_, page) = get(&client, &path(&pings[0]));
    let agent = page.split("-A &#34;").nth(1).expect("a line to try").split("&#34;").next().unwrap();
    client.get(pixel_of(&page), &[("user-agent", agent)]);
    let machine = pixel_of(&get(&client, &path(&pings[1])).1).to_owned();
    client.get(&machine, &[("user-agent", "curl/8.5.0")]);
    assert!(get(&client, &path(&pings[0])).1.contains(">Opened <time"), "the line says so");
    assert!(get(&client, &path(&pings[1])).1.contains("Only machines so far"));
    let (_, all) = get(&client, "/");
    for (state, name, number) in [
        ("opened", "Opened", 1),
        ("uncertain", "Unclear", 0),
        ("machine_only", "Machines only", 1),
        ("no_fetch", "Nothing yet", 2),
    ] {
        let chip = all.split(&format!("href=\"/?state={state}\"")).nth(1).expect("a link");
        let chip = chip.split("</a>").next().unwrap();
        assert!(chip.contains(name) && chip.contains(&format!("\"number\">{number}<")), "{chip}");
        let (_, some) = get(&client, &format!("/?state={state}"));
        assert_eq!(some.matches("<th scope=\"row\">").count(), number, "{state}");
        let rows = get(&client, &format!("/pings.csv?state={state}")).1.lines().count();
        assert_eq!(rows, number + 1, "{state}");
    }
}

/// The sample receipt says that it is one, and nothing of it is kept.
pub fn the_sample_is_marked_and_stores_nothing(start: &Start) {
    let program = start.run(&[TOKEN]);
    let client = program.client();
    let (_, empty) = get(&client, "/");
    assert!(empty.contains("href=\"/sample\""), "{empty}");
    let (_, sample) = get(&client, "/sample");
    assert!(sample.contains("Sample") && sample.contains("made up"), "{sample}");
    assert!(
        sample.contains("in Link\u{f6}ping, Sweden, in a browser") && sample.contains(", 7 times in 2 s"),
        "{sample}"
    );
    assert!(get(&client, "/").1.contains("href=\"/sample\""), "there is still no message");
    assert_eq!(client.get("/api/pings", &[BEARER]).json()["pings"], json!([]));
    let files: Vec<u8> = start.files().into_iter().flat_map(|(_, bytes)| bytes).collect();
    assert!(!String::from_utf8_lossy(&files).contains("invoice-42"));
}

/// The API describes itself: every route that it names answers, and real answers have the fields of
/// their schemas.
pub fn the_api_is_as_its_document_says(start: &Start) {
    let program = start.run(&[TOKEN]);
    let client = program.client();
    let document = client.get("/api/openapi.json", &[BEARER]).json();
    let ping = api_ping(&program);
    let pixel = ping["pixel_url"].as_str().unwrap().to_owned();
    client.get(pixel_of(&pixel), &[("user-agent", FIREFOX)]);
    let id = ping["id"].as_str().unwrap();
    let recipient = json!({ "recipient": "ada@example.com" }).to_string();
    let new = json!({ "reference": "x", "basis": { "kind": "contract" } }).to_string();
    let mut checked = 0;
    for (method, path, body, status) in [
        ("GET", "/api/pings", "", "200"),
        ("POST", "/api/pings", new.as_str(), "201"),
        ("POST", "/api/pings", "{}", "422"),
        ("GET", "/api/pings/{id}", "", "200"),
        ("POST", "/api/pings/{id}/handed_over", r#"{"code": 250, "text": "2.0.0 queued"}"#, "204"),
        ("POST", "/api/pings/{id}/withdraw", "", "204"),
        // The service does not seal.
        ("GET", "/api/pings/{id}/certified", "", "404"),
        ("GET", "/api/health", "", "200"),
        ("POST", "/api/objections", &recipient, "204"),
        ("POST", "/api/export", &recipient, "200"),
        ("POST", "/api/erase", &recipient, "200"),
        ("DELETE", "/api/pings/{id}", "", "204"),
        ("GET", "/api/pings/{id}", "", "404"),
        ("GET", "/api/openapi.json", "", "200"),
    ] {
        let operation = &document["paths"][path][method.to_lowercase()];
        let reply = client.send(method, &path.replace("{id}", id), &[BEARER], body);
        assert_eq!(reply.status.to_string(), status, "{method} {path}: {reply:?}");
        let described = &operation["responses"][status];
        assert!(described.is_object(), "{method} {path} {status} is not in {operation}");
        let schema = &described["content"]["application/json"]["schema"];
        if path != "/api/openapi.json" && !schema.is_null() {
            fields_match(&document, schema, &reply.json(), path);
            checked += 1;
        }
    }
    assert_eq!(checked, 9);
    let routes: usize =
        document["paths"].as_object().unwrap().values().map(|path| path.as_object().unwrap().len()).sum();
    assert_eq!(routes, 12, "each is asked for above");
}

/// An object has the fields of its schema and no others, and so have those within it.
fn fields_match(document: &Value, schema: &Value, value: &Value, at: &str) {
    fn resolve<'a>(document: &'a Value, schema: &'a Value) -> &'a Value {
        schema["$ref"].as_str().map_or(schema, |path| document.pointer(path.trim_start_matches('#')).unwrap())
    }
    fn properties(document: &Value, schema: &Value) -> serde_json::Map<String, Value> {
        let schema = resolve(document, schema);
        let parts = schema["allOf"].as_array().into_iter().flatten();
        let mut all: serde_json::Map<_, _> = parts.flat_map(|part| properties(document, part)).collect();
        all.extend(
            schema["properties"].as_object().into_iter().flatten().map(|(n, s)| (n.clone(), s.clone())),
        );
        all
    }
    let schema = resolve(document, schema);
    match value {
        Value::Array(items) => {
            items.iter().for_each(|item| fields_match(document, &schema["items"], item, at));
        }
        Value::Object(fields) if schema["oneOf"].is_null() => {
            let known = properties(document, schema);
            let names: Vec<_> = fields.keys().collect();
            let mut expected: Vec<_> = known.keys().collect();
            let mut sorted = names.clone();
            expected.sort();
            sorted.sort();
            assert_eq!(sorted, expected, "{at}: {schema}");
            fields.iter().for_each(|(name, value)| fields_match(document, &known[name], value, at));
        }
        _ => {}
    }
}

/// What a page of another site makes a browser send changes nothing; programs, which send neither
/// header, are let through.
pub fn other_sites_change_nothing(start: &Start) {
    let program = start.run(&[TOKEN]);
    let client = program.client();
    let cookie = log_in(&client);
    let session = ("cookie", cookie.as_str());
    let receipt = make(&client, "invoice-42");
    let id = receipt.rsplit('/').next().unwrap();
    let own = format!("http://{}", program.server());
    for foreign in [
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
        ("origin", "https://evil.example"),
        ("origin", "null"),
    ] {
        for (method, path) in [
            ("POST", "/pings".to_owned()),
            ("POST", format!("{receipt}/erase")),
            ("POST", format!("{receipt}/withdraw")),
            ("POST", "/logout".to_owned()),
            ("POST", "/login".to_owned()),
            ("POST", "/api/pings".to_owned()),
            ("POST", "/api/erase".to_owned()),
            ("DELETE", format!("/api/pings/{id}")),
        ] {
            let reply = client.send(method, &path, &[session, foreign], "reference=x&reason=x");
            assert_eq!(reply.status, 403, "{method} {path} {foreign:?}: {reply:?}");
        }
    }
    assert!(get(&client, &receipt).1.contains("Stop recording"), "it is neither erased nor withdrawn");
    for same in [("sec-fetch-site", "same-origin"), ("origin", own.as_str())] {
        assert_eq!(form(&client, "/pings", "reference=x&reason=x", &[session, same]).status, 303);
    }
    assert_eq!(client.get("/", &[session, ("sec-fetch-site", "cross-site")]).status, 200, "links lead here");
}

/// A service without a token answers to no name that another site could let lead to it.
pub fn an_open_service_answers_to_no_foreign_name(start: &Start) {
    let program = start.run(&[]);
    let host = format!("evil.example:{}", program.server().port());
    let mut socket = std::net::TcpStream::connect(program.server()).unwrap();
    let request = format!("GET /api/pings HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n");
    std::io::Write::write_all(&mut socket, request.as_bytes()).unwrap();
    let answer = std::io::read_to_string(socket).unwrap();
    assert!(answer.starts_with("HTTP/1.1 421 "), "{answer}");
    assert_eq!(program.client().get("/api/pings", &[]).status, 200);
}

/// A login opens everything, its cookie is not the token, a logout ends it, and guesses are
/// bounded; the pixel stays open.
pub fn a_session_opens_the_page_and_guesses_are_bounded(start: &Start) {
    let program = start.run(&[TOKEN]);
    let client = program.client();
    let receipt = make(&client, "invoice-42");
    let pixel = pixel_of(&get(&client, &receipt).1).to_owned();
    for (path, to) in [
        ("/", "/login".to_owned()),
        ("/pings.csv", "/login".to_owned()),
        ("/nothing", "/login".to_owned()),
        (&receipt, format!("/login?next={receipt}")),
        (&format!("{receipt}/live"), "/login".to_owned()),
        (&format!("{receipt}/export"), "/login".to_owned()),
    ] {
        for headers in [&[][..], &[("cookie", "mailping_session=00000000000000000000000000000000")]] {
            let reply = client.get(path, headers);
            assert_eq!((reply.status, header(&reply, "location")), (303, Some(to.as_str())), "{path}");
        }
    }
    assert_eq!(form(&client, "/pings", "reference=x&reason=x", &[]).status, 303);
    assert_eq!(form(&client, &format!("{receipt}/erase"), "", &[]).status, 303);
    assert!(get(&client, &receipt).1.contains("invoice-42"), "nobody was let in");

    let cookie = log_in(&client);
    let session = [("cookie", cookie.as_str())];
    assert_eq!(client.get(&receipt, &session).status, 200);
    assert_eq!(client.get("/api/pings", &session).json()["pings"].as_array().map(Vec::len), Some(1));
    let out = form(&client, "/logout", "", &session);
    assert!(out.status == 303 && header(&out, "set-cookie").unwrap().contains("max-age=0"), "{out:?}");
    assert_eq!(client.get(&receipt, &session).status, 303);

    let other = log_in(&client);
    let guesses: Vec<u16> =
        (0..12).map(|n| form(&client, "/login", &format!("token=guess-{n}"), &[]).status).collect();
    assert_eq!(guesses[..10], [401; 10]);
    assert_eq!(guesses[10..], [429, 429]);
    log_in(&client);
    assert_eq!(client.get("/", &[("cookie", &other)]).status, 200, "who is in stays in");
    let guess = |n: u32| client.get("/api/health", &[("authorization", &format!("Bearer {n}"))]).status;
    let bearers: Vec<u16> = (0..101).map(guess).collect();
    assert_eq!((bearers[99], bearers[100]), (401, 429));
    // While strangers go on guessing, all at once, the operator works as ever.
    std::thread::scope(|scope| {
        for n in 0..100 {
            scope.spawn(move || assert_eq!(guess(1_000 + n), 429));
        }
        let begun = Instant::now();
        make(&client, "invoice-43");
        assert_eq!(client.get("/api/health", &[BEARER]).status, 200);
        assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    });
    assert_eq!(guess(2_000), 429);
    log_in(&client);
    assert_eq!(client.get(&pixel, &[]).status, 200);
    let (_, log) = program.terminate();
    assert!(!log.contains("sesame") && !log.contains("guess-"), "{log}");
}

/// Below a path prefix every link, form, asset and redirect leads to it, whether a proxy takes the
/// prefix off or leaves it; the cookie goes to it alone.
pub fn below_a_path_prefix_every_link_works(start: &Start) {
    let program = start.run(&[TOKEN, ("MAILPING_BASE_URL", "https://app.example/tools")]);
    let client = program.client();
    let made = form(&client, "/pings", "reference=x&reason=x", &[BEARER]);
    let receipt =
        header(&made, "location").unwrap().strip_prefix("/tools").expect("below the prefix").to_owned();
    let erase = format!("{receipt}/erase");
    let nothing = "/pings/019ab1c2-d3e4-7f56-8a9b-0c1d2e3f4a5b";
    for (path, status) in [
        ("/", 200),
        ("/login", 200),
        ("/why", 200),
        ("/sample", 200),
        (&receipt, 200),
        (&erase, 200),
        ("/?owner=nobody", 200),
        (nothing, 404),
    ] {
        let headers = if path == "/login" { &[][..] } else { &[BEARER] };
        let (taken_off, left) = (client.get(path, headers), client.get(&format!("/tools{path}"), headers));
        assert_eq!((taken_off.status, left.status), (status, status), "{path}");
        // The sample's times go on.
        assert!(path == "/sample" || taken_off.text() == left.text(), "{path}");
        let page = String::from_utf8(left.body).unwrap();
        for attribute in ["href", "src", "action", "data-live"] {
            for link in page.split(&format!(" {attribute}=\"")).skip(1) {
                let link = link.split('"').next().unwrap();
                assert!(link.starts_with("/tools/") || link == "#main", "{attribute}={link} on {path}");
                if link.starts_with("/tools/assets/") {
                    assert_eq!(client.get(link, &[]).status, 200, "{link}");
                    assert_eq!(client.get(&link["/tools".len()..], &[]).status, 200, "{link}");
                }
            }
        }
    }
    let api = client.get(&format!("/tools/api{receipt}"), &[BEARER]);
    assert_eq!(api.json()["fetches"], 0, "{api:?}");
    let (_, page) = get(&client, &format!("/tools{receipt}"));
    assert!(page.contains("https://app.example/tools/px/"), "{page}");
    let pixel = pixel_of(&page);
    for path in [pixel.to_owned(), format!("/tools{pixel}")] {
        assert_eq!(client.get(&path, &[("user-agent", FIREFOX)]).body.len(), 43, "{path}");
    }
    assert_eq!(client.get(&format!("/api{receipt}"), &[BEARER]).json()["fetches"], 2);

    assert_eq!(header(&client.get("/tools/", &[]), "location"), Some("/tools/login"));
    assert_eq!(header(&client.get("/tools", &[]), "location"), Some("/tools/login"));
    let to_receipt = format!("/tools/login?next={receipt}");
    assert_eq!(header(&client.get(&format!("/tools{receipt}"), &[]), "location"), Some(to_receipt.as_str()));
    let login = form(&client, "/tools/login", &format!("token=open-sesame-7777&next={receipt}"), &[]);
    assert_eq!(header(&login, "location"), Some(format!("/tools{receipt}").as_str()));
    let cookie = header(&login, "set-cookie").unwrap();
    assert!(cookie.contains("path=/tools;") && cookie.contains("secure"), "{cookie}");
    let session = [("cookie", cookie.split(';').next().unwrap())];
    assert_eq!(client.get("/tools/", &session).status, 200);
    let out = form(&client, "/tools/logout", "", &session);
    assert_eq!(header(&out, "location"), Some("/tools/login"));
    assert!(header(&out, "set-cookie").unwrap().contains("path=/tools;"), "{out:?}");
}

/// A fetch shows up on a live page without being asked for; live pages are bounded in number and
/// end with the program.
pub fn a_fetch_shows_up_live_and_streams_end(start: &Start) {
    let program = start.run(&[TOKEN]);
    let client = program.client();
    let receipt = make(&client, "invoice-42");
    let pixel = pixel_of(&get(&client, &receipt).1).to_owned();
    let live = format!("{receipt}/live");
    let cookie = log_in(&client);
    let mut stream = client.stream(&live, &[("cookie", &cookie)]);
    let head = stream.until("No sign of it yet");
    assert!(head.starts_with("HTTP/1.1 200") && head.contains("text/event-stream"), "{head}");
    let begun = Instant::now();
    client.get(&pixel, &[("user-agent", FIREFOX)]);
    let event = stream.until("ua:browser");
    assert!(event.contains("event: shown") && event.contains("A browser"), "{event}");
    assert!(begun.elapsed() < Duration::from_secs(3), "{:?}", begun.elapsed());
    form(&client, &format!("{receipt}/withdraw"), "", &[BEARER]);
    stream.until("Stopped");

    // A session's stream ends with it.
    form(&client, "/logout", "", &[("cookie", &cookie)]);
    stream.until_end();

    let mut streams: Vec<_> = (0..64).map(|_| client.stream(&live, &[BEARER])).collect();
    streams.iter_mut().for_each(|stream| drop(stream.until("event: shown")));
    let refused = client.stream(&live, &[BEARER]).until("\r\n\r\n");
    assert!(refused.starts_with("HTTP/1.1 503"), "{refused}");
    drop(streams.split_off(32));
    let start = Instant::now();
    let mut again = loop {
        let mut stream = client.stream(&live, &[BEARER]);
        if stream.until("\r\n\r\n").starts_with("HTTP/1.1 200") {
            break stream;
        }
        assert!(start.elapsed() < Duration::from_secs(15), "places of clients that went are given back");
        std::thread::sleep(Duration::from_millis(100));
    };
    again.until("event: shown");
    let begun = Instant::now();
    let (status, log) = program.terminate();
    assert_eq!(status, Some(0), "{log}");
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
}

fn api_ping(program: &Program) -> Value {
    let ping = json!({
        "reference": "invoice-42",
        "basis": { "kind": "contract" },
        "sent_at": hours_ago(1).to_string(),
    });
    program.client().send("POST", "/api/pings", &[BEARER], &ping.to_string()).json()
}

/// Why nothing is recorded is told from the settings and counters: the base URL, a proxy that is
/// not trusted, the places.
pub fn why_nothing_is_recorded_is_told(start: &Start) {
    let program = start.run(&[TOKEN]);
    let client = program.client();
    let why = || get(&client, "/why").1;
    assert!(why().contains("reached from this machine only") && why().contains("There is no geo database"));
    assert!(!why().contains("header is not trusted"));
    let ping = api_ping(&program);
    let url = ping["pixel_url"].as_str().unwrap();
    client.get(pixel_of(url), &[("x-forwarded-for", "203.0.113.77")]);
    assert!(why().contains("header is not trusted") && !why().contains("203.0.113"), "{}", why());
    client.get("/px/forged.gif", &[]);
    assert!(why().contains("not from here"));

    let program = start.run(&[TOKEN, ("MAILPING_BASE_URL", "https://app.example")]);
    let (_, page) = get(&program.client(), "/why");
    assert!(page.contains("can be reached from outside") && !page.contains("this machine only"), "{page}");
    let (_, page) = get(&program.client(), &make(&program.client(), "unseen"));
    assert!(page.contains("Pictures may be blocked"), "{page}");
}
