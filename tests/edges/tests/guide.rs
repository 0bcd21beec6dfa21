//! The guide's nginx blocks, as they are printed there, before two edges and a centre that are the
//! examples.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use std::net::SocketAddr;
use std::path::Path;

use common::eventually;
use mailping_acceptance::{Client, Start};
use mailping_proxy_tests::Running;

const GUIDE: &str = include_str!("../../../mailping-edge/docs/edge.md");
const READER: &str = "127.77.66.55";
const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";

/// The guide's blocks of nginx's configuration: the centre's `server`, an edge's `http`, its
/// `server`.
fn blocks() -> [&'static str; 3] {
    let mut blocks = GUIDE.split("```nginx\n").skip(1).map(|after| after.split_once("```").unwrap().0);
    [blocks.next().unwrap(), blocks.next().unwrap(), blocks.next().unwrap()]
}

fn nginx(folder: &Path, http: &str, server: &str) -> Running {
    let at = folder.display();
    let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .map(|name| format!("{name}_temp_path {at}/{name};\n"))
        .concat();
    let arguments = |config: &str| ["-e", "stderr", "-c", config].map(str::to_owned).to_vec();
    Running::start("nginx", folder, &arguments, |listen: SocketAddr| {
        format!(
            "daemon off;\nmaster_process off;\npid {at}/pid;\nerror_log {at}/error.log info;\nevents {{}}\n\
             http {{\naccess_log {at}/access.log;\n{temporary}{http}\nserver {{\nlisten {listen};\n{server}\n}}\n}}\n"
        )
    })
}

#[test]
#[ignore = "needs nginx"]
fn two_edges_and_a_centre_behind_nginx_keep_the_address_where_it_came_in() {
    let folders = [(); 3].map(|()| tempfile::tempdir().unwrap());
    let [of_centre, of_http, of_edge] = blocks();
    let centre = Start::built("mailping-examples", "centre").with("MAILPING_KEYS", common::KEYS);
    let keys = |edge: &str| {
        let mut command = centre.command(&[]);
        let output = command.args(["keys", edge]).output().unwrap();
        assert!(output.status.success());
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    };
    let program = centre.run(&[]);
    // The addresses are those of this machine; the rest is as it is printed.
    let local = |block: &str, upstream: SocketAddr| {
        block.replace("127.0.0.1:3000", &upstream.to_string()).replace("198.51.100.7", "127.0.0.1")
    };
    let before_centre = nginx(folders[0].path(), "", &local(of_centre, program.server()));
    let edges = ["fra", "sin"].map(|name| {
        Start::built("mailping-examples", "edge")
            .with("MAILPING_EDGE_KEYS", &keys(name))
            .with("MAILPING_CENTRE", &format!("http://{}/px", before_centre.listen))
    });
    let running = edges.each_ref().map(|edge| edge.run(&[]));
    let before_edges = [0, 1].map(|n| {
        let block = local(of_edge, running[n].server());
        let block = block.replace("https://centre.example", &format!("http://{}", before_centre.listen));
        nginx(folders[n + 1].path(), of_http, &block)
    });

    let beside = common::Beside::at(centre.folder());
    let readers = before_edges.each_ref().map(|nginx| Client::new(nginx.listen).from(READER));
    let pings = [0, 1].map(|_| beside.confirmable());
    for (reader, ping) in readers.iter().zip(&pings) {
        let reply = reader.get(&ping.pixel, &[("user-agent", FIREFOX), ("x-forwarded-for", "203.0.113.9")]);
        assert_eq!(reply.body.len(), 43);
    }
    for ping in &pings {
        eventually("the open is at the centre", || beside.opens(ping.id).len() == 1);
    }
    let waiting = running[0].client().get("/", &[]).text();
    assert!(waiting.starts_with("0 opens wait") || waiting.starts_with("1 opens wait"), "{waiting}");

    // The pages are the centre's, and show that it has done what they say.
    let confirmed = readers[0].send("POST", &pings[0].confirm, &[("user-agent", FIREFOX)], "");
    assert_eq!(confirmed.status, 200, "{confirmed:?}");
    assert!(beside.receipt(pings[0].id).summary.confirmed_at.is_some());
    for touched in [pings[1].opt_out.clone(), pings[1].opt_out.replace("opt-out", "opt%252dout")] {
        assert_eq!(readers[1].get(&touched, &[]).status, 200);
    }
    assert_eq!(readers[1].send("POST", &pings[1].opt_out, &[], "").status, 200);
    let reply = readers[1].get(&pings[1].pixel, &[("user-agent", FIREFOX)]);
    assert_eq!(reply.body.len(), 43);
    eventually("it is handed over", || running[1].client().get("/", &[]).text().starts_with("0 opens wait"));
    assert_eq!(beside.opens(pings[1].id).len(), 1, "who objected gains no open");
    // Nobody but an edge reaches the route for batches.
    assert_eq!(
        Client::new(before_centre.listen).from("127.9.9.9").send("POST", "/px/edges", &[], "").status,
        403
    );

    // The address is on no disk but that of the nginx that took the request, and there in no log.
    drop((running, before_edges, before_centre, program));
    let mut files = centre.files();
    edges.iter().for_each(|edge| files.extend(edge.files()));
    for folder in &folders {
        for path in std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().path()) {
            if path.is_file() {
                files.push((path.clone(), std::fs::read(path).unwrap()));
            }
        }
    }
    for (path, bytes) in files {
        for needle in [READER.as_bytes(), b"203.0.113.9"] {
            let found = bytes.windows(needle.len()).any(|window| window == needle);
            assert!(!found, "{} has an address", path.display());
        }
    }
}
