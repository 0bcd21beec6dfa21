//! Sends one invoice to each recipient over SMTP: HTML and text, a pixel and an opt-out link of its own, and a copy without the
//! pixel to the sender. Run it in the folder of a running `receipts`, which then shows the opens:
//!
//! ```sh
//! MAILPING_SMTP=smtp://localhost:1025 MAILPING_FROM='Bob <bob@example.com>' \
//!     MAILPING_TO='ada@example.com, eve@example.com' cargo run --example send_invoice
//! ```
//!
//! `smtps://user:password@host` is TLS from the start, `smtp://user:password@host:587?tls=required` is STARTTLS. Mail programs offer
//! the one-click opt-out only where a DKIM signature covers its two header lines (RFC 8058): let your relay sign them.

use std::error::Error;
use std::process::ExitCode;
use std::time::Duration;

use lettre::address::Envelope;
use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Mailbox, Mailboxes, MultiPart};
use lettre::transport::smtp::Error as SmtpError;
use lettre::{AsyncSmtpTransport, AsyncTransport as _, Message, Tokio1Executor};
use mailping_core::{Basis, NewPing, PreparedPing, Status, Tracker};
use mailping_examples_service::{Database, Settings, SettingsError, start_log};
use mailping_sqlite::SqliteStore;

type Smtp = AsyncSmtpTransport<Tokio1Executor>;

const REFERENCE: &str = "invoice-42";

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(0) => ExitCode::SUCCESS,
        Ok(failed) => {
            eprintln!("mailping: {failed} of the messages could not be sent");
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("mailping: {error}");
            ExitCode::FAILURE
        }
    }
}

/// How many messages could not be sent. Recipients are numbered in all that is printed: their addresses are not for a log.
async fn run() -> Result<usize, Box<dyn Error>> {
    let settings = Settings::from_env(Database::File)?;
    start_log(&settings.rust_log);
    let smtp = Smtp::from_url(&setting("MAILPING_SMTP")?)
        .map_err(|_| SettingsError::new("MAILPING_SMTP", "must look like smtps://user:password@host"))?
        .timeout(Some(Duration::from_secs(30)))
        .build();
    let from: Mailbox = mailboxes("MAILPING_FROM")?;
    let recipients: Mailboxes = mailboxes("MAILPING_TO")?;
    if recipients.iter().next().is_none() {
        return Err(SettingsError::new("MAILPING_TO", "must be at least one address").into());
    }

    let store = SqliteStore::open(&settings.database).map_err(|error| settings.refused_database(&error))?;
    let tracker = settings.tracker(store).await?;
    let mut failed = 0;
    for (to, number) in recipients.into_iter().zip(1..) {
        match send(&tracker, &smtp, &from, &to).await? {
            Ok(ping) if ping.status() == Status::Untracked => {
                println!("recipient {number}: sent without a pixel, as the recipient has objected");
            }
            Ok(ping) => println!("recipient {number}: sent, ping {}", ping.id()),
            Err(error) => {
                failed += 1;
                eprintln!("recipient {number}: not sent, {}", reason(&error));
            }
        }
    }
    tracker.close(Duration::from_secs(5)).await;
    Ok(failed)
}

fn setting(name: &'static str) -> Result<String, SettingsError> {
    std::env::var(name).map_err(|_| SettingsError::new(name, "must be given"))
}

fn mailboxes<T: std::str::FromStr>(name: &'static str) -> Result<T, SettingsError> {
    let text = setting(name)?;
    text.parse().map_err(|_| {
        SettingsError::new(name, "must be addresses such as Ada <ada@mail.example>, Eve <eve@mail.example>")
    })
}

/// Sends one message with a ping of its own, which is erased where the message is refused: nobody has it.
async fn send(
    tracker: &Tracker,
    smtp: &Smtp,
    from: &Mailbox,
    to: &Mailbox,
) -> Result<Result<PreparedPing, SmtpError>, Box<dyn Error>> {
    let basis = Basis::legitimate_interest("proof that the invoice arrived");
    let ping = tracker.ping(NewPing::one_to_one(REFERENCE, basis).to(to.email.to_string())).await?;
    let html = ping.embed(&invoice_html(ping.opt_out_url()));

    let mut mail = message(from, to, &ping, html.clone())?;
    for (name, value) in ping.list_unsubscribe() {
        mail.headers_mut().insert_raw(HeaderValue::new(HeaderName::new_from_ascii_str(name), value));
    }
    if let Err(error) = smtp.send(mail).await {
        tracker.erase(ping.id()).await?;
        return Ok(Err(error));
    }

    // Whoever looks into the sender's own folder is not the recipient, and must not object in the recipient's name.
    let copy = message(from, to, &ping, ping.sender_copy(&html))?;
    let to_sender = Envelope::new(Some(from.email.clone()), vec![from.email.clone()])?;
    if let Err(error) = smtp.send_raw(&to_sender, &copy.formatted()).await {
        eprintln!("the sender's copy was not sent: {}", reason(&error));
    }
    Ok(Ok(ping))
}

fn message(
    from: &Mailbox,
    to: &Mailbox,
    ping: &PreparedPing,
    html: String,
) -> Result<Message, lettre::error::Error> {
    let text = format!(
        "Please find invoice 42 over 1,200 euros enclosed.\n\n\
         We record whether this message is displayed. To object: {}\n",
        ping.opt_out_url()
    );
    Message::builder()
        .from(from.clone())
        .to(to.clone())
        .subject("Invoice 42")
        .message_id(None)
        .multipart(MultiPart::alternative_plain_html(text, html))
}

fn invoice_html(opt_out_url: &str) -> String {
    format!(
        "<html><body><p>Please find invoice 42 over 1,200 euros enclosed.</p>\
         <p><small>We record whether this message is displayed. <a href=\"{opt_out_url}\">Object</a></small></p></body></html>"
    )
}

/// Never the server's own words: they can repeat the recipient's address.
fn reason(error: &SmtpError) -> String {
    match error.status() {
        Some(code) => format!("the SMTP server answered {code}"),
        None if error.is_timeout() => "the SMTP server did not answer in time".to_owned(),
        None if error.is_tls() => "TLS with the SMTP server failed".to_owned(),
        None => "the SMTP server cannot be reached or does not speak SMTP".to_owned(),
    }
}
