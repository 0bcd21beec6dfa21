//! Networks told from their number (ASN), by a database that the app brings. A number covers more than one use, so what
//! it gives is a hint and never proof.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use maxminddb::{MaxMindDbError, PathElement, Reader};

use super::Network;
use crate::MaskedIp;

/// Numbers of one use with where they stand and when that was checked.
pub(super) struct Numbers {
    pub(super) network: Network,
    /// Whose they are.
    pub(super) whose: &'static str,
    numbers: &'static [u32],
    pub(super) source: &'static str,
    pub(super) checked: &'static str,
}

/// What gateways' rows rest on.
const GATEWAYS: &str =
    "0xZDH/redirect.rules asns.txt, where routing of June 2026 gives the number the same owner";

/// Numbers whose use is known, as dated data: add a line here to add one, and nothing elsewhere.
#[rustfmt::skip]
pub(super) const NUMBERS: &[Numbers] = &[
    Numbers { network: Network::Proofpoint, whose: "AS of Proofpoint", source: GATEWAYS, checked: "2026-11-24",
        numbers: &[52_129, 22_843, 13_916, 26_211] },
    Numbers { network: Network::Mimecast, whose: "AS of Mimecast", source: GATEWAYS, checked: "2026-11-24",
        numbers: &[30_031, 42_427, 37_235, 39_588, 60_492, 136_792, 397_726] },
    Numbers { network: Network::Cisco, whose: "AS of IronPort", source: GATEWAYS, checked: "2026-11-24",
        numbers: &[16_417, 40_427] },
    Numbers { network: Network::TrendMicro, whose: "AS of Trend Micro", source: GATEWAYS, checked: "2026-11-24",
        numbers: &[16_880] },
    Numbers { network: Network::OtherGateway, whose: "AS of Symantec (Broadcom), Forcepoint, FireEye (Trellix)", source: GATEWAYS, checked: "2026-11-24",
        numbers: &[21_345, 26_282, 44_444, 42_465, 17_330] },
    Numbers { network: Network::WebGateway, whose: "AS of Zscaler", source: GATEWAYS, checked: "2026-11-24",
        numbers: &[22_616, 53_813, 62_044] },
    Numbers { network: Network::Hosting, checked: "2026-11-24",
        whose: "AS of Leaseweb, M247, Amazon, Google Cloud, DigitalOcean, OVH, Hetzner, Vultr, Akamai (Linode), Oracle, Alibaba",
        source: "companies from whose networks scanners with ordinary agents were seen, and the largest others",
        numbers: &[30_633, 60_781, 28_753, 9_009, 14_618, 16_509, 396_982, 14_061, 16_276, 24_940, 20_473, 63_949, 31_898, 45_102] },
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
    Read {
        /// What is wrong.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// It holds something else.
    #[error("expected a database of network numbers (ASN)")]
    NotAsn,
}

impl AsnError {
    fn read(source: MaxMindDbError) -> Self {
        Self::Read { source: source.into() }
    }
}

impl AsnDatabase {
    /// Reads a database into memory and checks all of it, which takes a moment.
    ///
    /// # Errors
    /// [`AsnError`] when it is missing, damaged, or holds no network numbers.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, AsnError> {
        Self::checked(Reader::open_readfile(path).map_err(AsnError::read)?)
    }

    /// The same from bytes.
    ///
    /// # Errors
    /// [`AsnError`] when it is damaged, or holds no network numbers.
    pub fn from_bytes(bytes: Vec<u8>) -> Result<Self, AsnError> {
        Self::checked(Reader::from_source(bytes).map_err(AsnError::read)?)
    }

    fn checked(reader: Reader<Vec<u8>>) -> Result<Self, AsnError> {
        if !reader.metadata().database_type.to_ascii_uppercase().contains("ASN") {
            return Err(AsnError::NotAsn);
        }
        reader.verify().map_err(AsnError::read)?;
        Ok(Self(Arc::new(reader)))
    }

    /// What the number of the masked network's middle address hints at.
    pub(super) fn hint(&self, masked: MaskedIp) -> Option<Network> {
        let path = [PathElement::Key("autonomous_system_number")];
        let number = self.0.lookup(masked.middle()).ok()?.decode_path::<u32>(&path).ok()??;
        NUMBERS.iter().find(|known| known.numbers.contains(&number)).map(|known| known.network)
    }
}

impl fmt::Debug for AsnDatabase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("AsnDatabase").field(&self.0.metadata().database_type).finish()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use mailping_fixtures::{Value, mmdb};
    use proptest::prelude::*;
    use proptest::{collection, sample};

    use super::super::{
        Classified, Classifier, Evidence, FetchSignals, Fetcher, Provider, SinceSent, Verdict,
    };
    use super::*;

    const CHROME: &str = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36";
    const GMAIL: &str =
        "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)";
    const OUTLOOK: &str = "Microsoft Office/16.0 (Windows NT 10.0; Microsoft Outlook 16.0.17928; Pro)";

    fn judge(agent: &str, network: &str) -> Classified {
        let numbers = [
            ("8.8.8.0/24", 15_169),
            ("34.90.0.0/16", 396_982),
            ("54.0.0.0/8", 14_618),
            ("66.249.84.0/24", 15_169),
            ("81.2.69.0/24", 12_345),
            ("195.1.0.0/16", 22_843),
            ("196.1.0.0/16", 22_616),
            ("2a05:d000::/24", 16_509),
        ];
        let records = numbers.map(|(network, number)| {
            let record = Value::map([("autonomous_system_number", Value::U32(number))]);
            (network.parse().unwrap(), record)
        });
        let database = AsnDatabase::from_bytes(mmdb(6, "Test-ASN", &records).unwrap()).unwrap();
        let late = SinceSent::After(Duration::from_secs(7_200));
        let fetch = FetchSignals::new().user_agent(agent.as_bytes());
        Classifier::default().asn(database).classify(&fetch, network.parse().ok(), late)
    }

    fn by_number(judged: Classified) -> bool {
        judged.evidence.contains(Evidence::NetByAsn)
    }

    #[test]
    fn a_number_of_a_gateway_or_a_hosting_company_is_a_doubt_without_a_place() {
        for (network, evidence) in [
            ("54.1.2.0/24", Evidence::NetHosting),
            ("2a05:d012::/48", Evidence::NetHosting),
            ("195.1.9.0/24", Evidence::NetMailGateway),
        ] {
            for agent in [CHROME, OUTLOOK] {
                let judged = judge(agent, network);
                assert_eq!(judged.verdict, Verdict::Uncertain, "{network}");
                assert!(judged.evidence.contains(evidence) && by_number(judged) && !judged.locatable);
            }
            assert_eq!(judge("curl/8.1", network).verdict, Verdict::Machine);
        }
    }

    #[test]
    fn people_behind_a_web_gateway_and_in_other_networks_stay_people() {
        let judged = judge(CHROME, "196.1.2.0/24");
        assert!(judged.verdict == Verdict::Human && by_number(judged) && !judged.locatable);
        for network in ["81.2.69.0/24", "9.9.9.0/24"] {
            let judged = judge(CHROME, network);
            assert!(judged.verdict == Verdict::Human && !by_number(judged) && judged.locatable, "{network}");
        }
    }

    #[test]
    fn googles_cloud_is_hosting_and_none_of_its_own_space() {
        // A customer of the cloud sends the proxy's agent: anyone can.
        let spoofed = judge(GMAIL, "34.90.1.0/24");
        assert_eq!((spoofed.fetcher, spoofed.verdict), (Fetcher::Unknown, Verdict::Uncertain));
        assert!(spoofed.evidence.contains(Evidence::NetForeign) && spoofed.provider.is_none());
        assert_eq!(judge("Mozilla/5.0", "34.90.1.0/24").verdict, Verdict::Uncertain);
        // Google's own: the table proves it, and its number adds nothing.
        let displayed = judge(GMAIL, "66.249.84.0/24");
        assert_eq!((displayed.fetcher, displayed.verdict), (Fetcher::GmailProxy, Verdict::Human));
        assert!(!by_number(displayed));
        let scanner = judge("Mozilla/5.0", "66.249.84.0/24");
        assert_eq!((scanner.fetcher, scanner.verdict), (Fetcher::SecurityScanner, Verdict::Machine));
        assert!(scanner.provider.is_some_and(|known| matches!(known, Provider::Gmail | Provider::Google)));
    }

    #[test]
    fn debug_names_the_kind_of_database_alone() {
        let database = AsnDatabase::from_bytes(mmdb(6, "Test-ASN", &[]).unwrap()).unwrap();
        assert_eq!(format!("{database:?}"), "AsnDatabase(\"Test-ASN\")");
    }

    #[test]
    fn a_database_of_places_is_refused() {
        let places = mailping_fixtures::documentation_ranges().unwrap();
        assert!(matches!(AsnDatabase::from_bytes(places), Err(AsnError::NotAsn)));
    }

    #[test]
    fn no_number_is_listed_twice() {
        let mut numbers: Vec<_> = NUMBERS.iter().flat_map(|known| known.numbers).collect();
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

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        /// A damaged file is refused, or its look-ups give some hint or none: never a panic.
        #[test]
        fn damaged_files_never_panic(changes in collection::vec((any::<sample::Index>(), any::<u8>()), 1..6)) {
            let record = Value::map([("autonomous_system_number", Value::U32(14_618))]);
            let mut bytes = mmdb(6, "Test-ASN", &[("54.0.0.0/8".parse().unwrap(), record)]).unwrap();
            for (index, byte) in changes {
                let index = index.index(bytes.len());
                bytes[index] = byte;
            }
            if let Ok(database) = AsnDatabase::from_bytes(bytes) {
                for network in ["54.1.2.0/24", "8.8.8.0/24", "2a00::/48"] {
                    let _ = database.hint(network.parse().unwrap());
                }
            }
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
