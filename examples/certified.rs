//! Sends an offer as certified mail over SMTP and writes its receipt to `receipt.txt`: the message,
//! the attached file and the recipient are bound to it by digests, and the mail by its header line
//! `Mailping-Key`, which DKIM should sign. `LOG_KEY` is made once: run it without. The other
//! settings are those of the example `lettre`, and `MAILPING_OFFER`.

use std::time::Duration;
use std::{env::var, error::Error, fs};

use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::message::{Attachment, MultiPart, SinglePart};
use lettre::{AsyncSmtpTransport, AsyncTransport as _, Message, Tokio1Executor};
use mailping_axum::certified::{LogKey, SealLog};
use mailping_axum::{Basis, Keyring, NewPing, Tracker};
use mailping_sqlite::SqliteStore;
use sha2::{Digest as _, Sha256};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let Ok(log_key) = var("LOG_KEY") else {
        let made = LogKey::generate("example.com/receipts")?.secret_text();
        return Err(format!("set LOG_KEY, and keep it as long as receipts may be asked for: {made}").into());
    };
    let get = |key, it| var(key).map_err(|_| format!("environment variable {key} is not set: give it {it}"));
    let offer = get("MAILPING_OFFER", "the path of the file to attach")?;
    let smtp = get("MAILPING_SMTP", "smtps://user:password@host")?;
    let (from, to) = (get("MAILPING_FROM", "an address")?, get("MAILPING_TO", "an address")?);
    let builder = Tracker::builder(Keyring::from_env("MAILPING_KEYS")?, SqliteStore::open("mailping.db")?);
    // An app seals every hour, with the default.
    let log = SealLog::new(log_key.parse()?, "last_head").every(Duration::from_secs(1));
    let tracker = builder.base_url("http://localhost:3000/px")?.seal(log).build().await?;

    let html = "<html><body><p>Our offer is attached.</p></body></html>";
    let offer = fs::read(offer)?;
    let new = NewPing::one_to_one("offer-7", Basis::legitimate_interest("proof that the offer arrived"));
    let new = new.to(&*to).message_digest(Sha256::digest(html).into());
    let ping = tracker.pings().create(new.attachment_digest(Sha256::digest(&offer).into())).await?;

    let body = MultiPart::mixed().singlepart(SinglePart::html(ping.embed(html)));
    let body = body.singlepart(Attachment::new("offer.pdf".into()).body(offer, ContentType::TEXT_PLAIN));
    let mail = Message::builder().from(from.parse()?).to(to.parse()?);
    let mut mail = mail.subject("Our offer").multipart(body)?;
    let (name, value) = ping.key_header().ok_or("the ping is not sealed")?;
    let name = HeaderName::new_from_ascii_str(name);
    mail.headers_mut().insert_raw(HeaderValue::new(name, value.to_owned()));
    AsyncSmtpTransport::<Tokio1Executor>::from_url(&smtp)?.build().send(mail).await?;

    let seals = tracker.seals().ok_or("the tracker does not seal")?;
    let receipt = loop {
        // The program with the routes does this by a thread of its own.
        seals.seal().await?;
        if let Some(receipt) = tracker.receipts().certified(ping.id()).await? {
            break receipt;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    };
    fs::write("receipt.txt", receipt)?;
    println!("receipt.txt can be verified with the key {}", seals.public_key());
    Ok(())
}
