//! `behind_nginx` behind a real nginx, with the configuration that its first lines show.

use std::fmt::Write as _;

use mailping_acceptance::Client;
use mailping_proxy_tests::Running;

use crate::{Beside, block_on, display, example};

/// The block of nginx's configuration in the program's own text.
fn snippet() -> String {
    let text = include_str!("../../behind_nginx.rs");
    let block = text.lines().skip_while(|line| !line.ends_with("```nginx")).skip(1);
    block.take_while(|line| !line.ends_with("```")).fold(String::new(), |mut snippet, line| {
        writeln!(snippet, "{}", line.trim_start_matches("//!")).unwrap();
        snippet
    })
}

#[test]
fn its_nginx_block_is_that_of_the_guide() {
    let guide = include_str!("../../../mailping-core/docs/proxies.md");
    let plain = |text: &str| text.lines().map(str::trim).collect::<Vec<_>>().join("\n");
    assert!(plain(guide).contains(plain(&snippet()).trim()), "{}", snippet());
}

#[test]
#[ignore = "needs nginx"]
fn behind_nginx_the_client_is_the_one_that_nginx_saw() {
    let start = example("behind_nginx");
    let program = start.run(&[]);
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path().display().to_string();
    let arguments = |config: &str| ["-e", "stderr", "-c", config].map(str::to_owned).to_vec();
    let nginx = Running::start("nginx", folder.path(), &arguments, |listen| {
        let snippet = snippet().replace("127.0.0.1:3000", &program.server().to_string());
        let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .map(|name| format!("{name}_temp_path {at}/{name};\n"))
            .concat();
        format!(
            "daemon off;\nmaster_process off;\npid {at}/pid;\nerror_log {at}/error.log info;\nevents {{}}\n\
             http {{\naccess_log {at}/access.log;\n{temporary}server {{\nlisten {listen};\n{snippet}\n}}\n}}\n"
        )
    });
    let beside = Beside::sqlite(&start);
    let (ping, pixel) = beside.sent_an_hour_ago("invoice-7");
    display(Client::new(nginx.listen).from("127.77.66.55"), &pixel);
    let receipt = block_on(beside.0.receipts().get(ping)).unwrap().unwrap();
    assert_eq!(
        receipt.opens[0].network.map(|network| network.to_string()).as_deref(),
        Some("127.77.66.0/24")
    );
    let is_right = program.client().get("/", &[]).text();
    assert!(is_right.starts_with("every forwarding header"), "{is_right}");

    // Not nginx: its header is ignored, and that is told.
    let reply = program.client().from("127.9.9.9").get(&pixel, &[("x-forwarded-for", "192.0.2.1")]);
    assert_eq!(reply.body.len(), 43);
    let is_right = program.client().get("/", &[]).text();
    assert!(is_right.starts_with("1 fetches had"), "{is_right}");
}
