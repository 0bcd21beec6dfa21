//! What an observer makes of each hit of a corpus, at each detail.

use std::fmt::Write as _;

use mailping_core::fetcher::Classifier;
use mailping_core::geo::MaxMind;
use mailping_core::observe::{Observer, OpenId, PixelRequest};
use mailping_core::{Detail, Keyring, PingId};

use crate::row::Row;

const KEYS: &str = "5:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
/// The ping of all tokens, sent at 2026-11-23T10:00:00Z.
const PING: [u8; 16] = [1, 0xa2, 7, 0xd9, 0x21, 0, 0x70, 0, 0x80, 0, 0, 0, 0, 0, 0, 1];
/// Made with Python's `hmac` under that key, so that the code is not its own witness.
const TOKENS: [(&str, &str); 9] = [
    ("none, exact", "iua2eb6zeeahaaeaaaaaaaaaaaaya2obg7krvjnberdgsqdn"),
    ("last_day, exact", "iua2eb6zeeahaaeaaaaaaaaaaaaylzy4jxurdb4364ugxtfy"),
    ("opens, exact", "iua2eb6zeeahaaeaaaaaaaaaaaayuogu2ypsdann64ahxuu6"),
    ("country, exact", "iua2eb6zeeahaaeaaaaaaaaaaaay66nckjrkphiycsoepzo4"),
    ("city, exact", "iua2eb6zeeahaaeaaaaaaaaaaaazia4loz5gvoyceuikxnmq"),
    ("network, exact", "iua2eb6zeeahaaeaaaaaaaaaaaazskfqku5j2bvdrdx6wtt3"),
    ("network, hour", "iua2eb6zeeahaaeaaaaaaaaaaaavsp3msd3hknm26xu3plxa"),
    ("network, day", "iua2eb6zeeahaaeaaaaaaaaaaaarspnweulyi7re3bkj5bto"),
    ("forged", "iua2eb6zeeahaaeaaaaaaaaaaaarspnweulyi7re3bkj5btp"),
];

/// A line that is of no form that the corpora's README describes, or settings that are refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BadLine {
    /// Counted from 1; 0 for the keys or the geo database.
    pub line: usize,
}

/// Judges the hits of each line with each token, and prints what would be kept. `places` is the
/// content of a geo database.
///
/// # Errors
/// [`BadLine`] for the first line that cannot be read.
pub fn answers(corpus: &str, places: Option<&[u8]>) -> Result<String, BadLine> {
    let bad_settings = BadLine { line: 0 };
    let keys: Keyring = KEYS.parse().map_err(|_| bad_settings)?;
    let mut observer = Observer::new(keys).ceiling(Detail::Network);
    if let Some(places) = places {
        observer = observer.geo(MaxMind::from_bytes(places).map_err(|_| bad_settings)?);
    }
    let mut text = String::new();
    for (line, row) in (1..).zip(corpus.lines()).filter(|(_, row)| !row.trim().is_empty()) {
        let row = Row::read(row).ok_or(BadLine { line })?;
        let mut observer = observer.clone().client_ip(row.client_ip.clone());
        let (v4, v6) = row.mask;
        // A finer mask than is allowed is refused, and the finest that is allowed is asked.
        match observer.clone().mask(v4, v6) {
            Ok(masking) => observer = masking,
            Err(error) => text.push_str(&format!("{line}: {error}\n")),
        }
        if !row.own_networks.is_empty() {
            observer = observer.classifier(Classifier::default().own_networks(row.own_networks.clone()));
        }
        answer(&mut text, line, &row, &observer);
    }
    Ok(text)
}

fn answer(text: &mut String, line: usize, row: &Row, observer: &Observer) {
    let sent = PingId::from_bytes(PING).sent_at();
    for (number, hit) in row.hits.iter().enumerate() {
        for (name, token) in TOKENS {
            let path = format!("/px/{token}.gif");
            let request = PixelRequest::new(&path, hit.peer, &hit.headers);
            let kept = observer.observe(&request, hit.time(sent), OpenId::from_bytes([7; 8]));
            // Writing to a text cannot fail.
            let _ = writeln!(text, "{line}.{number}, {name}: {kept:?}");
        }
    }
}
