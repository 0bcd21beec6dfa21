//! JSON over HTTP to a chromedriver, which keeps connections open whatever it is asked: the length
//! tells where an answer ends.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use serde_json::Value;

/// Sends a command and returns the `value` of its answer; what went wrong, if anything.
pub(crate) fn command(driver: SocketAddr, method: &str, path: &str, body: &Value) -> Result<Value, String> {
    let body = if method == "POST" { body.to_string() } else { String::new() };
    let failed = |error: std::io::Error| format!("chromedriver does not answer: {error}");
    let (status, answer) = exchange(driver, method, path, &body).map_err(failed)?;
    let answer: Value = serde_json::from_slice(&answer).map_err(|error| error.to_string())?;
    let value = answer["value"].clone();
    if status == 200 { Ok(value) } else { Err(value["message"].to_string()) }
}

fn exchange(driver: SocketAddr, method: &str, path: &str, body: &str) -> std::io::Result<(u16, Vec<u8>)> {
    let mut socket = TcpStream::connect(driver)?;
    socket.set_read_timeout(Some(Duration::from_secs(60)))?;
    let length = body.len();
    let request = format!(
        "{method} {path} HTTP/1.1\r\nhost: {driver}\r\nconnection: close\r\ncontent-type: application/json\r\n\
         content-length: {length}\r\n\r\n{body}"
    );
    socket.write_all(request.as_bytes())?;
    let mut answer = BufReader::new(socket);
    let (mut status, mut length, mut line) = (0, 0, String::new());
    while answer.read_line(&mut line)? > 2 {
        let lower = line.to_lowercase();
        if let Some(rest) = lower.strip_prefix("http/1.1 ") {
            status = rest.split(' ').next().and_then(|code| code.parse().ok()).unwrap_or_default();
        }
        if let Some(value) = lower.strip_prefix("content-length:") {
            length = value.trim().parse().unwrap_or_default();
        }
        line.clear();
    }
    let mut body = vec![0; length];
    answer.read_exact(&mut body)?;
    Ok((status, body))
}
