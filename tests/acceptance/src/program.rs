//! A program that runs in a folder of its own.

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead as _, BufReader, Read};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::Client;

/// How long it may take to print what is waited for.
const PATIENCE: Duration = Duration::from_secs(60);

/// How to start a program: its binary, a folder that holds nothing but what it makes, and its
/// environment.
#[derive(Debug)]
pub struct Start {
    binary: PathBuf,
    folder: TempDir,
    settings: Vec<(String, String)>,
    other_files: Vec<PathBuf>,
}

impl Start {
    /// The example `name` of the package whose tests are running: cargo has built it beside them.
    pub fn example(name: &str) -> Self {
        let test = std::env::current_exe().unwrap();
        let binary = test.ancestors().nth(2).expect("target/debug").join("examples").join(name);
        assert!(binary.exists(), "{} is not built", binary.display());
        Self { binary, folder: TempDir::new().unwrap(), settings: Vec::new(), other_files: Vec::new() }
    }

    /// The example `name` of another package, built as it is now.
    pub fn built(package: &str, name: &str) -> Self {
        Self::built_with(package, name, "")
    }

    /// The same with features of its package.
    pub fn built_with(package: &str, name: &str, features: &str) -> Self {
        static BUILT: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());
        let mut built = BUILT.lock().unwrap();
        if !built.contains(name) {
            let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
            let build = ["build", "--quiet", "--package", package, "--features", features, "--example", name];
            assert!(Command::new(cargo).args(build).status().unwrap().success(), "{name} is not built");
            built.insert(name.to_owned());
        }
        Self::example(name)
    }

    /// Sets a variable of its environment, for all runs that do not set it otherwise.
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.settings.push((name.to_owned(), value.to_owned()));
        self
    }

    /// What [`Start::with`] has set.
    pub fn setting(&self, name: &str) -> Option<&str> {
        self.settings.iter().find(|(set, _)| set == name).map(|(_, value)| value.as_str())
    }

    /// Names a file outside of its folder that what it keeps can come into, such as a database
    /// server's log.
    pub fn also_writes(mut self, file: PathBuf) -> Self {
        self.other_files.push(file);
        self
    }

    /// The folder that it runs in.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// How to start it with these variables, in its folder and with none of this process's own.
    pub fn command(&self, settings: &[(&str, &str)]) -> Command {
        let mut command = Command::new(&self.binary);
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("MAILPING_")) {
            command.env_remove(name);
        }
        command.current_dir(self.folder()).env_remove("RUST_LOG").env("MAILPING_LISTEN", "127.0.0.1:0");
        command
            .envs(self.settings.iter().map(|(name, value)| (name, value)))
            .envs(settings.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    /// Starts it on a free port and waits until it listens.
    pub fn run(&self, settings: &[(&str, &str)]) -> Program {
        const LISTENS: &str = "listening on http://";
        let mut program = Program::spawn(self.command(settings));
        program.server = Some(program.wait_until(LISTENS, |log| {
            log.lines().find_map(|line| line.strip_prefix(LISTENS)?.parse().ok())
        }));
        program
    }

    /// Starts it if it ends by itself, as when it must refuse, and waits for that.
    pub fn to_its_end(&self, settings: &[(&str, &str)]) -> Output {
        self.command(settings).output().unwrap()
    }

    /// The bytes of every file in its folder, and of those that [`Start::also_writes`] names.
    pub fn files(&self) -> Vec<(PathBuf, Vec<u8>)> {
        let (mut folders, mut paths) = (vec![self.folder().to_owned()], self.other_files.clone());
        while let Some(folder) = folders.pop() {
            for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
                if path.is_dir() { folders.push(path) } else { paths.push(path) }
            }
        }
        paths.into_iter().map(|path| (path.clone(), fs::read(path).unwrap())).collect()
    }
}

/// A running program; killed when dropped.
#[derive(Debug)]
pub struct Program {
    child: Child,
    server: Option<SocketAddr>,
    log: Arc<Mutex<String>>,
    readers: Vec<JoinHandle<()>>,
}

/// Collects whole lines.
fn read(output: impl Read + Send + 'static, log: &Arc<Mutex<String>>) -> JoinHandle<()> {
    let log = Arc::clone(log);
    std::thread::spawn(move || {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            *log.lock().unwrap() += &format!("{line}\n");
        }
    })
}

impl Program {
    /// Starts a program that need not listen.
    pub fn spawn(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let log = Arc::default();
        let readers =
            vec![read(child.stdout.take().unwrap(), &log), read(child.stderr.take().unwrap(), &log)];
        Self { child, server: None, log, readers }
    }

    /// What it has printed and logged so far, in whole lines.
    pub fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    /// Waits until it has printed something, so many times.
    pub fn wait_for(&self, text: &str, times: usize) {
        self.wait_until(text, |log| (log.matches(text).count() >= times).then_some(()));
    }

    fn wait_until<T>(&self, what: &str, found: impl Fn(&str) -> Option<T>) -> T {
        let begun = Instant::now();
        loop {
            // In this order: what was printed at the end is seen.
            let ended = self.readers.iter().all(JoinHandle::is_finished);
            if let Some(found) = found(&self.log()) {
                return found;
            }
            assert!(!ended, "it ended before it printed {what:?}: {}", self.log());
            assert!(begun.elapsed() < PATIENCE, "it has not printed {what:?}: {}", self.log());
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// A client of it.
    pub fn client(&self) -> Client {
        Client::new(self.server())
    }

    /// Where it listens.
    pub fn server(&self) -> SocketAddr {
        self.server.expect("it listens")
    }

    /// Runs `during` while the program does nothing, as on a machine that is busy elsewhere.
    pub fn stopped<T>(&self, during: impl FnOnce() -> T) -> T {
        self.signal("-STOP");
        let done = during();
        self.signal("-CONT");
        done
    }

    fn signal(&self, name: &str) {
        // The shell's own: the program `kill` is in a package that not every machine has.
        let kill = ["-c", "kill \"$1\" \"$2\"", "sh", name, &self.child.id().to_string()];
        assert!(Command::new("sh").args(kill).status().unwrap().success());
    }

    /// Sends SIGTERM, waits for the end and returns the exit status and all that was printed and
    /// logged.
    pub fn terminate(mut self) -> (Option<i32>, String) {
        self.signal("-TERM");
        let status = self.child.wait().unwrap();
        self.readers.drain(..).for_each(|reader| reader.join().unwrap());
        (status.code(), self.log())
    }

    /// Ends it at once, as `kill -9` does.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
