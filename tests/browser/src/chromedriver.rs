//! A chromedriver on a free port.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};

const MISSING: &str = "the browser tests need chromium and chromedriver: install the packages `chromium` and `chromium-driver` \
                       (Debian, Ubuntu: apt-get install -y chromium chromium-driver)";

/// One browser at a time: several at once would be slow enough to fail.
static ALONE: Mutex<()> = Mutex::new(());

/// A running chromedriver; ended when dropped.
#[derive(Debug)]
pub(crate) struct Chromedriver {
    child: Child,
    pub(crate) address: SocketAddr,
    _output: BufReader<ChildStdout>,
    _alone: MutexGuard<'static, ()>,
}

impl Chromedriver {
    pub(crate) fn start() -> Self {
        let alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
        let browser =
            Command::new("chromium").arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
        assert!(browser.is_ok_and(|status| status.success()), "{MISSING}");
        let started = Command::new("chromedriver")
            .arg("--port=0")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn();
        let mut child = started.unwrap_or_else(|_| panic!("{MISSING}"));
        // It is kept open: chromedriver ends where nobody reads what it prints.
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let port = loop {
            let mut line = String::new();
            assert!(output.read_line(&mut line).is_ok_and(|read| read > 0), "chromedriver names no port");
            let port = line.split_once("started successfully on port ").map(|(_, port)| port);
            if let Some(port) = port.and_then(|port| port.trim().trim_end_matches('.').parse::<u16>().ok()) {
                break port;
            }
        };
        Self { child, address: ([127, 0, 0, 1], port).into(), _output: output, _alone: alone }
    }
}

impl Drop for Chromedriver {
    fn drop(&mut self) {
        // Asked to, it ends its browsers, too; killed, it would leave them behind.
        let _ =
            Command::new("sh").args(["-c", "kill -TERM \"$1\"", "sh", &self.child.id().to_string()]).status();
        let _ = self.child.wait();
    }
}
