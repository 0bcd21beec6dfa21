//! What tells a program to end: SIGTERM or Ctrl-C on Unix, Ctrl-C on Windows.

use std::io;

/// Listens from now on; the future is ready once the program is told to end.
///
/// # Errors
/// The system refuses to deliver the signals.
#[cfg(unix)]
pub fn told_to_end() -> io::Result<impl Future<Output = ()> + Send + 'static> {
    use tokio::signal::unix::{SignalKind, signal};

    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    Ok(async move {
        tokio::select! { _ = terminate.recv() => {} _ = interrupt.recv() => {} }
    })
}

/// Listens from now on; the future is ready once the program is told to end.
///
/// # Errors
/// The system refuses to deliver the signal.
#[cfg(windows)]
pub fn told_to_end() -> io::Result<impl Future<Output = ()> + Send + 'static> {
    let mut interrupt = tokio::signal::windows::ctrl_c()?;
    Ok(async move {
        interrupt.recv().await;
    })
}
