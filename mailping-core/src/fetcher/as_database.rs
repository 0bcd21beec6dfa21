//! Networks told from their AS number, by a database that the app brings. A number covers more than
//! one use, so what it gives is a hint and never proof.

use std::fmt;
use std::sync::Arc;

use maxminddb::{MaxMindDbError, PathElement, Reader};

use super::{Network, as_numbers};
use crate::{Error, MaskedIp};

/// A database of network numbers in MaxMind's format.
#[derive(Clone)]
pub(crate) struct AsnDatabase(Arc<Numbered>);

struct Numbered {
    reader: Reader<Vec<u8>>,
    /// The numbers whose use is known, in ascending order.
    numbers: Vec<(u32, Network)>,
}

#[derive(Debug, thiserror::Error)]
#[error("expected a database of network numbers (ASN)")]
struct NotAsn;

#[derive(Debug, thiserror::Error)]
#[error("cannot read the ASN database")]
struct Damaged(#[source] MaxMindDbError);

fn damaged(source: MaxMindDbError) -> Error {
    Error::File(Damaged(source).into())
}

impl AsnDatabase {
    pub(super) fn from_bytes(bytes: Vec<u8>) -> Result<Self, Error> {
        Self::checked(Reader::from_source(bytes).map_err(damaged)?)
    }

    fn checked(reader: Reader<Vec<u8>>) -> Result<Self, Error> {
        if !reader.metadata().database_type.to_ascii_uppercase().contains("ASN") {
            return Err(Error::File(NotAsn.into()));
        }
        reader.verify().map_err(damaged)?;
        Ok(Self::new(reader))
    }

    fn new(reader: Reader<Vec<u8>>) -> Self {
        let mut numbers: Vec<_> =
            as_numbers::listed().map(|listed| (listed.number, listed.network)).collect();
        numbers.sort_unstable();
        Self(Arc::new(Numbered { reader, numbers }))
    }

    /// What the number of the masked network's middle address hints at.
    pub(super) fn hint(&self, masked: MaskedIp) -> Option<Network> {
        let path = [PathElement::Key("autonomous_system_number")];
        let Numbered { reader, numbers } = &*self.0;
        let number = reader.lookup(masked.middle()).ok()?.decode_path::<u32>(&path).ok()??;
        let at = numbers.binary_search_by_key(&number, |(known, _)| *known).ok()?;
        numbers.get(at).map(|(_, network)| *network)
    }
}

impl fmt::Debug for AsnDatabase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("AsnDatabase").field(&self.0.reader.metadata().database_type).finish()
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
        let database = mmdb(6, "Test-ASN", &records).unwrap();
        let late = SinceSent::After(Duration::from_secs(7_200));
        let fetch = FetchSignals::new().user_agent(agent.as_bytes());
        // What is built in knows some of them already.
        let classifier = Classifier::default().without_networks_by_number();
        classifier.asn(database).unwrap().classify(&fetch, network.parse().ok(), late)
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
        let error = AsnDatabase::from_bytes(places).unwrap_err();
        assert_eq!(error.to_string(), "expected a database of network numbers (ASN)");
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
                let database = AsnDatabase::new(reader);
                for text in ["1.128.0.0/24", "12.81.92.0/24", "2600:6000::/48", "81.2.69.0/24", "::/48"] {
                    let _ = database.hint(text.parse().unwrap());
                }
            }
            println!("{path:?}: {}", AsnDatabase::from_bytes(std::fs::read(&path).unwrap()).is_ok());
        }
    }
}
