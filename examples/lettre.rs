//! Sends invoice 42 over SMTP: to each recipient a message of their own, with a pixel, an opt-out
//! link and one that confirms receipt, and to the sender a copy without. What the server answers
//! goes into the receipt. Run it beside the example `axum`, on the same database.

use std::{env::var, error::Error};

use lettre::address::Envelope;
use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Mailbox, Mailboxes, MultiPart};
use lettre::{AsyncSmtpTransport, AsyncTransport as _, Message, Tokio1Executor};
use mailping_axum::{Basis, Keyring, NewPing, Tracker, pings::SmtpReply};
use mailping_sqlite::SqliteStore;

const NOTICE: &str = "We record whether this message is displayed.";

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let get = |key, it| var(key).map_err(|_| format!("environment variable {key} is not set: give it {it}"));
    let smtp = get("MAILPING_SMTP", "smtps://user:password@host")?;
    let smtp = AsyncSmtpTransport::<Tokio1Executor>::from_url(&smtp)?.build();
    let from: Mailbox = get("MAILPING_FROM", "an address")?.parse()?;
    let to: Mailboxes = get("MAILPING_TO", "one or several addresses, separated by commas")?.parse()?;
    let builder = Tracker::builder(Keyring::from_env("MAILPING_KEYS")?, SqliteStore::open("mailping.db")?);
    let tracker = builder.base_url("http://localhost:3000/px")?.build().await?;
    for (to, number) in to.into_iter().zip(1..) {
        let new = NewPing::one_to_one("invoice-42", Basis::legitimate_interest("proof of delivery"));
        let ping = tracker.pings().create(new.to(to.email.to_string()).confirmable("Bob's Bakery")).await?;
        let mut text = format!("Invoice 42 is enclosed.\n\n{}", ping.confirm_text("Confirm receipt"));
        let mut html = "<html><body><p>Invoice 42 is enclosed.</p>".to_owned();
        // Without a pixel there is nothing to say of it: the recipient has objected.
        if ping.pixel_url().is_some() {
            text += &format!("\n{NOTICE} To object: {}\n", ping.opt_out_url());
            html += &format!("<p>{NOTICE} <a href=\"{}\">Object</a></p>", ping.opt_out_url());
        }
        let html = ping.embed_with_confirm(&(html + "</body></html>"), "Confirm receipt");
        let message = |text, html| {
            let message = Message::builder().from(from.clone()).to(to.clone()).subject("Invoice 42");
            let message = message.message_id(Some(ping.message_id("example.com")));
            message.multipart(MultiPart::alternative_plain_html(text, html))
        };
        let mut mail = message(text, html.clone())?;
        for (name, value) in ping.pixel_url().map(|_| ping.list_unsubscribe()).unwrap_or_default() {
            mail.headers_mut().insert_raw(HeaderValue::new(HeaderName::new_from_ascii_str(name), value));
        }
        // Of the server's words nothing is kept but a status code: they can repeat the address.
        let reply = match smtp.send(mail).await {
            Ok(said) => SmtpReply::new(said.code().into(), said.first_line().unwrap_or_default()),
            Err(e) => e.status().and_then(|code| SmtpReply::new(code.into(), &e.source()?.to_string())),
        };
        println!("recipient {number}: {}", reply.map_or("no answer", |reply| reply.outcome().as_str()));
        let Some(reply) = reply else { continue }; // it may be on its way
        tracker.pings().handed_over(ping.id(), reply).await?;
        let copy = message("Invoice 42 is enclosed.".to_owned(), ping.sender_copy(&html))?.formatted();
        let to_sender = Envelope::new(Some(from.email.clone()), vec![from.email.clone()])?;
        if reply.code() < 400 {
            smtp.send_raw(&to_sender, &copy).await.map_err(|_| "the sender's copy was not sent")?;
        }
    }
    Ok(())
}
