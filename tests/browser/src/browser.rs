//! As much of WebDriver as the tests need: JSON over HTTP to a chromedriver.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use base64::Engine;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::chromedriver::Chromedriver;
use crate::wire;

const PATIENCE: Duration = Duration::from_secs(15);
/// The key of an element's id in WebDriver's JSON.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// A browser with an empty profile.
#[derive(Debug)]
pub struct Browser {
    session: String,
    /// Where pages are, such as `http://127.0.0.1:3000`.
    base: String,
    _profile: TempDir,
    chromedriver: Chromedriver,
}

/// How a browser looks at pages.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// Its window, in CSS pixels.
    pub window: (u32, u32),
    /// Whether its reader prefers dark pages.
    pub dark: bool,
    /// Whether it runs scripts.
    pub scripts: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { window: (1200, 900), dark: false, scripts: true }
    }
}

/// An element of a page.
#[derive(Debug, Clone)]
pub struct Element(String);

impl Browser {
    /// Starts one that looks at the service at `server`.
    pub fn start(server: std::net::SocketAddr, options: Options) -> Self {
        let chromedriver = Chromedriver::start();
        let profile = TempDir::new().unwrap();
        let (width, height) = options.window;
        let mut arguments = vec![
            "--headless".to_owned(),
            "--no-sandbox".to_owned(),
            "--disable-gpu".to_owned(),
            "--disable-quic".to_owned(),
            "--disable-dev-shm-usage".to_owned(),
            "--no-first-run".to_owned(),
            "--disable-background-networking".to_owned(),
            "--disable-component-update".to_owned(),
            "--disable-sync".to_owned(),
            format!("--user-data-dir={}", profile.path().display()),
            format!("--window-size={width},{height}"),
        ];
        if !options.scripts {
            arguments.push("--blink-settings=scriptEnabled=false".to_owned());
        }
        let wanted = json!({ "capabilities": { "alwaysMatch": {
            "browserName": "chrome",
            "goog:chromeOptions": { "args": arguments },
            "goog:loggingPrefs": { "browser": "ALL" },
        } } });
        let made = wire::command(chromedriver.address, "POST", "/session", &wanted);
        let made = made.unwrap_or_else(|error| panic!("no browser: {error}"));
        let session = made["sessionId"].as_str().expect("a session").to_owned();
        let browser = Self { session, base: format!("http://{server}"), _profile: profile, chromedriver };
        let scheme = if options.dark { "dark" } else { "light" };
        browser.devtools(
            "Emulation.setEmulatedMedia",
            json!({ "features": [{ "name": "prefers-color-scheme", "value": scheme }] }),
        );
        let mobile = width < 600;
        browser.devtools(
            "Emulation.setDeviceMetricsOverride",
            json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": mobile }),
        );
        browser
    }

    fn command(&self, method: &str, path: &str, body: &Value) -> Result<Value, String> {
        wire::command(self.chromedriver.address, method, &format!("/session/{}{path}", self.session), body)
    }

    fn devtools(&self, command: &str, parameters: Value) -> Value {
        let body = json!({ "cmd": command, "params": parameters });
        self.command("POST", "/goog/cdp/execute", &body).expect("a DevTools command")
    }

    /// Goes to a path of the service, or to a whole URL.
    pub fn open(&self, path: &str) {
        let url = if path.starts_with('/') { format!("{}{path}", self.base) } else { path.to_owned() };
        self.command("POST", "/url", &json!({ "url": url })).expect("a page");
    }

    /// The path that it is at.
    pub fn path(&self) -> String {
        let url = self.command("GET", "/url", &Value::Null).unwrap();
        let url = url.as_str().unwrap();
        url.strip_prefix(&self.base).unwrap_or(url).to_owned()
    }

    /// The first element of a CSS selector, as soon as it is there.
    pub fn find(&self, selector: &str) -> Element {
        self.eventually(selector, || {
            let found = self
                .command("POST", "/element", &json!({ "using": "css selector", "value": selector }))
                .ok()?;
            Some(Element(found[ELEMENT].as_str()?.to_owned()))
        })
    }

    /// Clicks the first element of a selector.
    pub fn click(&self, selector: &str) {
        let element = self.find(selector);
        let clicked = self.command("POST", &format!("/element/{}/click", element.0), &json!({}));
        clicked.unwrap_or_else(|error| panic!("{selector}: {error}"));
    }

    /// Types into the first element of a selector; `\u{e009}` and its like are keys of WebDriver.
    pub fn type_into(&self, selector: &str, text: &str) {
        let element = self.find(selector);
        let path = format!("/element/{}/value", element.0);
        let typed = self.command("POST", &path, &json!({ "text": text }));
        typed.unwrap_or_else(|error| panic!("{selector}: {error}"));
    }

    /// Presses keys one after the other, wherever the focus is.
    pub fn press(&self, keys: &str) {
        let actions: Vec<Value> = keys
            .chars()
            .flat_map(|key| {
                ["keyDown", "keyUp"].map(|kind| json!({ "type": kind, "value": key.to_string() }))
            })
            .collect();
        let actions = json!({ "actions": [{ "type": "key", "id": "keyboard", "actions": actions }] });
        self.command("POST", "/actions", &actions).expect("keys");
    }

    /// The visible text of the first element of a selector.
    pub fn text(&self, selector: &str) -> String {
        let element = self.find(selector);
        // An element that was exchanged meanwhile is looked for again by whoever waits.
        let text = self.command("GET", &format!("/element/{}/text", element.0), &Value::Null);
        text.ok().and_then(|text| text.as_str().map(str::to_owned)).unwrap_or_default()
    }

    /// The value of a field.
    pub fn value(&self, selector: &str) -> String {
        let element = self.find(selector);
        let value = self.command("GET", &format!("/element/{}/property/value", element.0), &Value::Null);
        value.unwrap().as_str().expect("a value").to_owned()
    }

    /// Runs the body of a function in the page.
    pub fn run(&self, script: &str) -> Value {
        let body = json!({ "script": script, "args": [] });
        self.command("POST", "/execute/sync", &body).unwrap_or_else(|error| panic!("{script}: {error}"))
    }

    /// Waits until an element's text holds `expected`.
    pub fn sees(&self, selector: &str, expected: &str) {
        let mut last = String::new();
        let start = Instant::now();
        while start.elapsed() < PATIENCE {
            last = self.text(selector);
            if last.contains(expected) {
                return;
            }
            std::thread::sleep(Duration::from_millis(30));
        }
        panic!("{selector} never held {expected:?} but {last:?}");
    }

    /// Waits until a condition yields something.
    pub fn eventually<T>(&self, what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
        let start = Instant::now();
        loop {
            if let Some(found) = ask() {
                return found;
            }
            assert!(start.elapsed() < PATIENCE, "never: {what}, at {}", self.path());
            std::thread::sleep(Duration::from_millis(30));
        }
    }

    /// The cookies that scripts cannot see, too.
    pub fn cookies(&self) -> Vec<Value> {
        self.command("GET", "/cookie", &Value::Null).unwrap().as_array().cloned().unwrap_or_default()
    }

    /// What the console has said since it was last asked.
    pub fn console(&self) -> Vec<String> {
        let log = self.command("POST", "/se/log", &json!({ "type": "browser" })).expect("a log");
        let lines = log.as_array().cloned().unwrap_or_default();
        lines.iter().map(|line| format!("{} {}", line["level"], line["message"])).collect()
    }

    /// Writes a picture of the whole page if `MAILPING_SCREENSHOTS` names a folder.
    pub fn picture(&self, name: &str) {
        let Some(folder) = std::env::var_os("MAILPING_SCREENSHOTS").map(PathBuf::from) else { return };
        let shot = self.devtools("Page.captureScreenshot", json!({ "captureBeyondViewport": true }));
        let png = base64::engine::general_purpose::STANDARD.decode(shot["data"].as_str().unwrap()).unwrap();
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join(format!("{name}.png")), png).unwrap();
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // Ends the browser; where that fails, it ends with its chromedriver.
        let _ = self.command("DELETE", "", &Value::Null);
    }
}
