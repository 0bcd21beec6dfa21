//! Networks told from their number (ASN), by a database that the app brings. A number covers more than one use, so what
//! it gives is a hint and never proof.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use maxminddb::{PathElement, Reader};

use super::Network;
use crate::MaskedIp;

/// Numbers whose use is known. Mail gateways: 0xZDH/redirect.rules `asns.txt`; hosting: the companies from whose networks
/// scanners with ordinary agents were seen, and the largest others. Checked 2026-11.
#[rustfmt::skip]
const NUMBERS: &[(Network, &[u32])] = &[
    (Network::Proofpoint, &[52_129, 22_843, 13_916, 26_211]),
    (Network::Mimecast, &[30_031, 42_427, 37_235, 39_588, 60_492, 136_792, 397_726]),
    (Network::Cisco, &[16_417, 40_427]),
    (Network::TrendMicro, &[16_880, 36_421, 17_749]),
    // Symantec, Forcepoint, FireEye.
    (Network::OtherGateway, &[16_733, 21_345, 26_282, 35_289, 44_444, 42_465, 35_788, 7_598, 17_330]),
    // Zscaler.
    (Network::WebGateway, &[22_616, 53_813, 62_044]),
    // Leaseweb, M247, Amazon, Google Cloud, DigitalOcean, OVH, Hetzner, Vultr, Akamai (Linode), Oracle, Alibaba.
    (Network::Hosting, &[30_633, 60_781, 28_753, 9_009, 14_618, 16_509, 396_982, 14_061, 16_276, 24_940, 20_473, 63_949, 31_898, 45_102]),
];

/// A database of network numbers in MaxMind's format, such as GeoLite2-ASN or DB-IP's.
#[derive(Clone)]
pub struct AsnDatabase(Arc<Reader<Vec<u8>>>);

/// The database is damaged, or none of network numbers.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AsnError {
    /// It cannot be read.
    #[error("cannot read the ASN database")]
    Read(#[from] maxminddb::MaxMindDbError),
    /// It holds something else.
    #[error("expected a database of network numbers (ASN)")]
    NotAsn,
}

impl AsnDatabase {
    /// Reads a database into memory and checks all of it, which takes a moment.
    ///
    /// # Errors
    /// [`AsnError`] when it is missing, damaged, or holds no network numbers.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, AsnError> {
        Self::checked(Reader::open_readfile(path)?)
    }

    /// The same from bytes.
    ///
    /// # Errors
    /// [`AsnError`] when it is damaged, or holds no network numbers.
    pub fn from_bytes(bytes: Vec<u8>) -> Result<Self, AsnError> {
        Self::checked(Reader::from_source(bytes)?)
    }

    fn checked(reader: Reader<Vec<u8>>) -> Result<Self, AsnError> {
        if !reader.metadata().database_type.to_ascii_uppercase().contains("ASN") {
            return Err(AsnError::NotAsn);
        }
        reader.verify()?;
        Ok(Self(Arc::new(reader)))
    }

    /// What the number of the masked network's middle address hints at.
    pub(super) fn hint(&self, masked: MaskedIp) -> Option<Network> {
        let path = [PathElement::Key("autonomous_system_number")];
        let number = self.0.lookup(masked.middle()).ok()?.decode_path::<u32>(&path).ok()??;
        NUMBERS.iter().find(|(_, numbers)| numbers.contains(&number)).map(|(network, _)| *network)
    }
}

impl fmt::Debug for AsnDatabase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("AsnDatabase").field(&self.0.metadata().database_type).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_number_is_listed_twice() {
        let mut numbers: Vec<_> = NUMBERS.iter().flat_map(|(_, numbers)| numbers.iter()).collect();
        let before = numbers.len();
        numbers.sort();
        numbers.dedup();
        assert_eq!(numbers.len(), before);
    }

    #[test]
    fn damaged_bytes_are_an_error() {
        for bytes in [&b""[..], b"\xab\xcd\xefMaxMind.com", &[0xff; 4_096]] {
            assert!(AsnDatabase::from_bytes(bytes.to_vec()).is_err());
        }
    }

    /// Runs over every database in a folder, when one is named: `MAILPING_MMDB_DIR=… cargo test`.
    #[test]
    fn no_database_makes_a_look_up_panic() {
        let Ok(folder) = std::env::var("MAILPING_MMDB_DIR") else { return };
        for file in std::fs::read_dir(folder).unwrap() {
            let path = file.unwrap().path();
            if let Ok(reader) = Reader::open_readfile(&path) {
                let database = AsnDatabase(Arc::new(reader));
                for text in ["1.128.0.0/24", "12.81.92.0/24", "2600:6000::/48", "81.2.69.0/24", "::/48"] {
                    let _ = database.hint(text.parse().unwrap());
                }
            }
            println!("{path:?}: {}", AsnDatabase::open(&path).is_ok());
        }
    }
}
