//! The guide's HAProxy snippet in a real HAProxy.

use mailping_proxy_tests::{Proxy, Site, keeps_pixel_addresses_out_of_its_logs, opens_no_door};

fn config(site: &Site<'_>) -> String {
    let Site { snippet, listen, upstream, .. } = site;
    format!(
        "global\n log stdout format raw daemon\n\
         defaults\n mode http\n log global\n option httplog\n retries 0\n timeout connect 5s\n timeout client 20s\n timeout server 20s\n\
         frontend web\n bind {listen}\n{snippet}\
         http-request return status 404 if {{ path /other }}\n\
         use_backend broken if {{ path /broken }}\n default_backend none\n\
         backend none\n http-request return status 404\n\
         backend service\n server one {upstream}\n\
         backend broken\n server none 127.0.0.1:1\n"
    )
}

#[test]
#[ignore = "needs HAProxy"]
fn the_haproxy_snippet_keeps_pixel_addresses_out_of_its_logs() {
    keeps_pixel_addresses_out_of_its_logs(&Proxy {
        package: "haproxy",
        config: &config,
        arguments: &|config| ["-db", "-f", config].map(str::to_owned).to_vec(),
        elsewhere: "127.77.66.55",
    });
}

#[test]
#[ignore = "needs HAProxy"]
fn a_forwarding_haproxy_opens_no_door() {
    let config = |listen, upstream, _: &_| {
        format!(
            "defaults\n mode http\n option forwardfor\n timeout connect 5s\n timeout client 20s\n timeout server 20s\n\
             frontend web\n bind {listen}\n default_backend service\nbackend service\n server one {upstream}\n"
        )
    };
    opens_no_door("haproxy", config, &|config| ["-db", "-f", config].map(str::to_owned).to_vec());
}
