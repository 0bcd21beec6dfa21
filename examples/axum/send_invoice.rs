//! Sends one invoice to each recipient over SMTP: HTML and text, a pixel and an opt-out link of its
//! own, and a copy without the pixel to the sender. Run it in the folder of a running `receipts`,
//! which then shows the opens:
//!
//! ```sh
//! MAILPING_SMTP=smtp://localhost:1025 MAILPING_FROM='Bob <bob@example.com>' \
//!     MAILPING_TO='ada@example.com, eve@example.com' cargo run --example send_invoice
//! ```
//!
//! `smtps://user:password@host` is TLS from the start, `smtp://user:password@host:587?tls=required`
//! is STARTTLS. Mail programs offer the one-click opt-out only if a DKIM signature covers its two
//! header lines (RFC 8058): let your relay sign them.

use std::error::Error;
use std::process::ExitCode;
use std::time::Duration;

use lettre::address::Envelope;
use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Mailbox, Mailboxes, MultiPart};
use lettre::transport::smtp::Error as SmtpError;
use lettre::{AsyncSmtpTransport, AsyncTransport as _, Message, Tokio1Executor};
use mailping_core::pings::Status;
use mailping_core::{Basis, NewPing, PreparedPing, Tracker};
use mailping_server::{Program, Settings, SettingsError, start_log, with_sources};
use mailping_sqlite::SqliteStore;

type Smtp = AsyncSmtpTransport<Tokio1Executor>;

const REFERENCE: &str = "invoice-42";
const INVOICE: &str = "Please find invoice 42 over 1,200 euros enclosed.";
const NOTICE: &str = "We record whether this message is displayed.";

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(0) => ExitCode::SUCCESS,
        Ok(failed) => {
            eprintln!("mailping: {failed} of the messages may not have been sent");
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("mailping: {error}");
            ExitCode::FAILURE
        }
    }
}

/// How many messages may not have been sent. Recipients are numbered in all that is printed: their
/// addresses are not for a log.
async fn run() -> Result<usize, Box<dyn Error>> {
    let settings = Settings::from_env(Program::SendInvoice)?;
    start_log(&settings.rust_log);
    let smtp = Smtp::from_url(setting(&settings, "MAILPING_SMTP")?)
        .map_err(|_| SettingsError::new("MAILPING_SMTP", "must look like smtps://user:password@host"))?
        .timeout(Some(Duration::from_secs(30)))
        .build();
    let from: Mailbox = parsed(&settings, "MAILPING_FROM", "an address such as Bob <bob@mail.example>")?;
    let recipients: Mailboxes =
        parsed(&settings, "MAILPING_TO", "addresses such as Ada <ada@mail.example>, eve@mail.example")?;
    if recipients.iter().next().is_none() {
        return Err(SettingsError::new("MAILPING_TO", "must be at least one address").into());
    }

    let store = SqliteStore::open(&settings.database).map_err(|error| settings.refused_database(&error))?;
    let tracker = settings.tracker(store).await?;
    // Before the first ping: nothing is to be kept of messages that cannot even be handed over.
    smtp.test_connection().await.map_err(|error| SettingsError::new("MAILPING_SMTP", reason(&error)))?;
    let mut failed = 0;
    for (to, number) in recipients.into_iter().zip(1..) {
        match send(&tracker, &smtp, &from, &to).await {
            Ok(ping) if ping.status() == Status::Untracked => {
                println!("recipient {number}: sent without a pixel, as the recipient has objected");
            }
            Ok(ping) => println!("recipient {number}: sent, ping {}", ping.id()),
            Err(error) => {
                failed += 1;
                eprintln!("recipient {number}: {}", with_sources(&*error));
            }
        }
    }
    tracker.intake().close(Duration::from_secs(5)).await;
    Ok(failed)
}

fn setting<'a>(settings: &'a Settings, name: &'static str) -> Result<&'a str, SettingsError> {
    settings.own(name).ok_or_else(|| SettingsError::new(name, "must be given"))
}

fn parsed<T: std::str::FromStr>(
    settings: &Settings,
    name: &'static str,
    expected: &str,
) -> Result<T, SettingsError> {
    setting(settings, name)?.parse().map_err(|_| SettingsError::new(name, format!("must be {expected}")))
}

/// Sends one message with a ping of its own, and a copy of it to the sender.
async fn send(
    tracker: &Tracker,
    smtp: &Smtp,
    from: &Mailbox,
    to: &Mailbox,
) -> Result<PreparedPing, Box<dyn Error>> {
    let basis = Basis::legitimate_interest("proof that the invoice arrived");
    let ping = tracker.pings().create(NewPing::one_to_one(REFERENCE, basis).to(to.email.to_string())).await?;
    let html = ping.embed(&invoice_html(&ping));

    let mut mail = message(from, to, &ping, html.clone())?;
    if ping.status() == Status::Live {
        for (name, value) in ping.list_unsubscribe() {
            mail.headers_mut().insert_raw(HeaderValue::new(HeaderName::new_from_ascii_str(name), value));
        }
    }
    if let Err(error) = smtp.send(mail).await {
        // Without an answer the message may be on its way, and its opt-out link needs the ping.
        return Err(if error.status().is_some() {
            tracker.people().erase(ping.id()).await?;
            format!("not sent, {}", reason(&error))
        } else {
            format!("perhaps sent, ping {} is kept: {}", ping.id(), reason(&error))
        }
        .into());
    }

    // Whoever looks into the sender's own folder is not the recipient: no pixel, and no button to
    // object with one click.
    let copy = message(from, to, &ping, ping.sender_copy(&html))?;
    let to_sender = Envelope::new(Some(from.email.clone()), vec![from.email.clone()])?;
    if let Err(error) = smtp.send_raw(&to_sender, &copy.formatted()).await {
        eprintln!("the sender's copy was not sent: {}", reason(&error));
    }
    Ok(ping)
}

fn message(
    from: &Mailbox,
    to: &Mailbox,
    ping: &PreparedPing,
    html: String,
) -> Result<Message, lettre::error::Error> {
    Message::builder()
        .from(from.clone())
        .to(to.clone())
        .subject("Invoice 42")
        .message_id(None)
        .multipart(MultiPart::alternative_plain_html(invoice_text(ping), html))
}

fn invoice_text(ping: &PreparedPing) -> String {
    let notice = notice(ping, |url| format!("\n{NOTICE} To object: {url}\n"));
    format!("{INVOICE}\n{notice}")
}

fn invoice_html(ping: &PreparedPing) -> String {
    let notice = notice(ping, |url| format!("<p><small>{NOTICE} <a href=\"{url}\">Object</a></small></p>"));
    format!("<html><body><p>{INVOICE}</p>{notice}</body></html>")
}

/// What the message says of its pixel: nothing if it has none.
fn notice(ping: &PreparedPing, with_opt_out: impl FnOnce(&str) -> String) -> String {
    if ping.status() == Status::Live { with_opt_out(ping.opt_out_url()) } else { String::new() }
}

/// Never the server's own words: they can repeat the recipient's address.
fn reason(error: &SmtpError) -> String {
    match error.status() {
        Some(code) => format!("the SMTP server answered {code}"),
        None if error.is_timeout() => "the SMTP server did not answer in time".to_owned(),
        None => {
            "the SMTP server cannot be reached, has no trusted certificate or does not speak SMTP".to_owned()
        }
    }
}
