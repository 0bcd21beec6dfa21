//! The guide's Caddy snippet in a real Caddy.
#![allow(clippy::unwrap_used, reason = "helpers of tests stand outside of #[test] functions")]

use std::process::Command;

use mailping_proxy_tests::{Proxy, Site, keeps_pixel_addresses_out_of_its_logs, opens_no_door, program};

/// Before 2.8 `log_skip` was called `skip_log`.
fn is_before_2_8() -> bool {
    let version = Command::new(program("caddy")).arg("version").output().unwrap().stdout;
    let version = String::from_utf8(version).unwrap();
    let mut numbers =
        version.trim_start_matches('v').split('.').map(|number| number.parse::<u32>().unwrap_or(0));
    (numbers.next().unwrap(), numbers.next().unwrap()) < (2, 8)
}

fn config(site: &Site<'_>) -> String {
    let Site { snippet, listen, .. } = site;
    let mut snippet = snippet
        .replacen("{\n", "{\n\tadmin off\n\tauto_https off\n", 1)
        .replacen("app.example {\n", &format!("http://{listen} {{\n\tbind 127.0.0.1\n\tlog\n\trespond /other 404\n\treverse_proxy /broken 127.0.0.1:1\n"), 1);
    if is_before_2_8() {
        snippet = snippet.replace("log_skip ", "skip_log ");
    }
    snippet
}

#[test]
#[ignore = "needs Caddy"]
fn the_caddy_snippet_masks_addresses_in_its_logs() {
    keeps_pixel_addresses_out_of_its_logs(&Proxy {
        package: "caddy",
        config: &config,
        arguments: &|config| {
            ["run", "--adapter", "caddyfile", "--config", config].map(str::to_owned).to_vec()
        },
        elsewhere: "127.77.66.0",
    });
}

#[test]
#[ignore = "needs Caddy"]
fn a_forwarding_caddy_opens_no_door() {
    let config = |listen, upstream, _: &_| {
        format!(
            "{{\n\tadmin off\n\tauto_https off\n}}\nhttp://{listen} {{\n\tbind 127.0.0.1\n\treverse_proxy {upstream}\n}}\n"
        )
    };
    let arguments =
        |config: &str| ["run", "--adapter", "caddyfile", "--config", config].map(str::to_owned).to_vec();
    opens_no_door("caddy", config, &arguments);
}
