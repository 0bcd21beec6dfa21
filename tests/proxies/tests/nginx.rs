//! The guide's nginx snippet in a real nginx.

use std::net::SocketAddr;
use std::path::Path;

use mailping_proxy_tests::{Proxy, Site, keeps_pixel_addresses_out_of_its_logs, opens_no_door};

fn config(site: &Site<'_>) -> String {
    let Site { snippet, listen, folder, .. } = site;
    let locations = format!(
        "{snippet}\nlocation / {{ return 404; }}\nlocation /broken {{ proxy_pass http://127.0.0.1:1; }}"
    );
    server(*listen, folder, &locations)
}

fn server(listen: SocketAddr, folder: &Path, locations: &str) -> String {
    let at = folder.display();
    let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .map(|name| format!("{name}_temp_path {at}/{name};\n"))
        .concat();
    format!(
        "daemon off;\nmaster_process off;\npid {at}/pid;\nerror_log {at}/error.log info;\nevents {{}}\n\
         http {{\naccess_log {at}/access.log;\n{temporary}server {{\nlisten {listen};\n{locations}\n}}\n}}\n"
    )
}

#[test]
#[ignore = "needs nginx"]
fn the_nginx_snippet_keeps_pixel_addresses_out_of_its_logs() {
    keeps_pixel_addresses_out_of_its_logs(&Proxy {
        package: "nginx",
        config: &config,
        arguments: &|config| ["-e", "stderr", "-c", config].map(str::to_owned).to_vec(),
        elsewhere: "127.77.66.55",
    });
}

/// Of all proxies nginx alone adds no header by itself.
#[test]
#[ignore = "needs nginx"]
fn a_forwarding_nginx_opens_no_door() {
    for header in ["", "proxy_set_header X-Forwarded-For $remote_addr; proxy_http_version 1.1;"] {
        let config = |listen, upstream, folder: &Path| {
            server(listen, folder, &format!("location / {{ {header} proxy_pass http://{upstream}; }}"))
        };
        opens_no_door("nginx", config, &|config| ["-e", "stderr", "-c", config].map(str::to_owned).to_vec());
    }
}
