//! Sends invoice 42 over SMTP: to each recipient a message of their own, with a pixel and an opt-out
//! link, and to the sender a copy without. Run it beside the example `axum`, on the same database,
//! with `MAILPING_SMTP=smtps://user:password@host`, `MAILPING_FROM='Bob <bob@example.com>'` and
//! `MAILPING_TO='ada@example.com, eve@example.com'`.

use std::env::var;

use lettre::address::Envelope;
use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Mailbox, Mailboxes, MultiPart};
use lettre::{AsyncSmtpTransport, AsyncTransport as _, Message, Tokio1Executor};
use mailping_axum::{Basis, Keyring, NewPing, Tracker};
use mailping_sqlite::SqliteStore;

const INVOICE: &str = "Invoice 42 is enclosed.";
const NOTICE: &str = "We record whether this message is displayed.";

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let smtp = AsyncSmtpTransport::<Tokio1Executor>::from_url(&var("MAILPING_SMTP")?)?.build();
    let from: Mailbox = var("MAILPING_FROM")?.parse()?;
    let recipients: Mailboxes = var("MAILPING_TO")?.parse()?;
    let builder = Tracker::builder(Keyring::from_env("MAILPING_KEYS")?, SqliteStore::open("mailping.db")?);
    let tracker = builder.base_url("http://localhost:3000/px")?.build().await?;

    for (to, number) in recipients.into_iter().zip(1..) {
        let basis = Basis::legitimate_interest("proof that the invoice arrived");
        let new = NewPing::one_to_one("invoice-42", basis).to(to.email.to_string());
        let ping = tracker.pings().create(new).await?;
        let (mut text, mut html) = (INVOICE.to_owned(), format!("<html><body><p>{INVOICE}</p>"));
        // Without a pixel there is nothing to say of it: the recipient has objected.
        if ping.pixel_url().is_some() {
            text += &format!("\n\n{NOTICE} To object: {}\n", ping.opt_out_url());
            html += &format!("<p>{NOTICE} <a href=\"{}\">Object</a></p>", ping.opt_out_url());
        }
        let html = ping.embed(&(html + "</body></html>"));
        let message = |html| {
            let message = Message::builder().from(from.clone()).to(to.clone()).subject("Invoice 42");
            message.message_id(None).multipart(MultiPart::alternative_plain_html(text.clone(), html))
        };
        let mut mail = message(html.clone())?;
        for (name, value) in ping.pixel_url().map(|_| ping.list_unsubscribe()).unwrap_or_default() {
            mail.headers_mut().insert_raw(HeaderValue::new(HeaderName::new_from_ascii_str(name), value));
        }
        match smtp.send(mail).await {
            Ok(_) => println!("recipient {number}: sent"), // their addresses are not for a log
            // It may be on its way, and its opt-out link needs the ping.
            Err(error) if error.status().is_none() => println!("recipient {number}: no answer"),
            Err(_) => {
                println!("recipient {number}: refused");
                tracker.people().erase(ping.id()).await?;
                continue;
            }
        }
        let copy = message(ping.sender_copy(&html))?.formatted();
        let to_sender = Envelope::new(Some(from.email.clone()), vec![from.email.clone()])?;
        smtp.send_raw(&to_sender, &copy).await.map_err(|_| "the sender's copy was not sent")?;
    }
    Ok(())
}
