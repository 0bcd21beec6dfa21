//! The named reasons behind a verdict: a closed list, kept as one bit each.
//!
//! With fetcher and verdict they explain a judgement without the address and without the
//! User-Agent.

use std::fmt;

use serde::de::{Error, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::text::{ParseError, refuse, refuse_values, text};

macro_rules! evidence {
    ($( $variant:ident = $bit:literal, $text:literal, $explanation:literal; )+) => {
        /// One named reason. The number is its bit in an [`EvidenceSet`]; neither number nor name
        /// is ever reused.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum Evidence {
            $( #[doc = concat!("`", $text, "`: ", $explanation, ".")] $variant = $bit, )+
        }

        impl Evidence {
            /// Every one, in the order in which a set lists them.
            pub const ALL: &'static [Self] = &[$( Self::$variant, )+];

            /// The stable name, such as `net:private_relay`.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $( Self::$variant => $text, )+ }
            }

            /// What it means, in one line of plain words.
            #[must_use]
            pub const fn explanation(self) -> &'static str {
                match self { $( Self::$variant => $explanation, )+ }
            }
        }
    };
}

evidence! {
    UaGoogleImageProxy = 0, "ua:google_image_proxy", "the agent names Google's image proxy, which fetches when the message is displayed";
    UaGmailPrefetch = 1, "ua:gmail_prefetch", "the agent ends in a second Mozilla/5.0, as Gmail's prefetch does ahead of the reader";
    UaYahooMailProxy = 2, "ua:yahoo_mail_proxy", "the agent names Yahoo's mail proxy, which fetches when the message is displayed";
    UaMailProxy = 3, "ua:mail_proxy", "the agent names the image proxy of a mailbox provider";
    UaBareMozilla = 4, "ua:bare_mozilla", "the agent is the bare text Mozilla/5.0, as Apple's prefetch sends it and some scanners do";
    UaBareWebkit = 5, "ua:bare_webkit", "the agent is WebKit with no browser named after it, as Apple Mail sends it";
    UaOutlook = 6, "ua:outlook", "the agent names Outlook";
    UaOffice = 7, "ua:office", "the agent names an Office application that is not Outlook";
    UaThunderbird = 8, "ua:thunderbird", "the agent names Thunderbird";
    UaMailClient = 9, "ua:mail_client", "the agent names a mail program";
    UaBrowser = 10, "ua:browser", "the agent is that of a current browser";
    UaStaleBrowser = 11, "ua:stale_browser", "the agent is that of a browser so old that sandboxes use it more than people do";
    UaWebview = 12, "ua:webview", "the agent is that of an Android app which shows a web page";
    UaHttpLibrary = 13, "ua:http_library", "the agent names an HTTP library or tool";
    UaAppStack = 14, "ua:app_stack", "the agent names only the HTTP stack of a phone or desktop, which apps and programs share";
    UaHeadless = 15, "ua:headless", "the agent names a browser that runs without a screen";
    UaScanner = 16, "ua:scanner", "the agent names a security scanner";
    UaLinkPreview = 17, "ua:link_preview", "the agent names a service that makes link previews";
    UaBot = 18, "ua:bot", "the agent calls itself a bot, crawler or monitor";
    UaContact = 19, "ua:contact", "the agent carries a contact address, as self-running programs do";
    UaNoBrowser = 20, "ua:no_browser", "the agent has not the form of any browser or mail program";
    UaMissing = 21, "ua:missing", "the request has no agent";
    UaUnknown = 22, "ua:unknown", "the agent tells nothing";
    UaAddedName = 23, "ua:added_name", "the agent is that of a current browser with a name added that no known browser has";
    NetGoogleProxy = 24, "net:google_proxy", "the network is one of Google's image proxy";
    NetGoogle = 25, "net:google", "the network is Google's own";
    NetPrivateRelay = 26, "net:private_relay", "the network is an exit of Apple's private relay";
    NetApple = 27, "net:apple", "the network is Apple's own";
    NetYahoo = 28, "net:yahoo", "the network is Yahoo's";
    NetExchangeOnline = 29, "net:exchange_online", "the network is that of Exchange Online's front ends, which load images for webmail";
    NetMailProtection = 30, "net:mail_protection", "the network is that of Microsoft's mail protection";
    NetMailGateway = 31, "net:mail_gateway", "the network is that of a mail security gateway";
    NetWebmailProxy = 32, "net:webmail_proxy", "the network is that of a mailbox provider's image proxy";
    NetWebGateway = 33, "net:web_gateway", "the network is that of a company web gateway, through which people browse: its place is not theirs";
    NetHosting = 34, "net:hosting", "the network is that of a cloud or hosting company: scanners, VPN exits and remote desktops are there, homes are not";
    NetPartial = 35, "net:partial", "the masked network belongs to the named network only in part, which is a hint and no proof";
    NetForeign = 36, "net:foreign", "the network is none of those that the named proxy fetches from";
    NetOwn = 37, "net:own", "the network is the sender's own";
    NetBurst = 38, "net:burst", "several pings were fetched from this network at once";
    NetByAsn = 39, "net:by_asn", "the network was told from its number in an ASN database, which is a hint and no proof";
    NetVpn = 40, "net:vpn", "the network is an exit of a VPN or relay, through which people browse from somewhere else";
    NetPeople = 41, "net:people", "the network is one that people come from, as the operator says";
    UaMailServer = 42, "ua:mail_server", "the agent names a mail server or a tool for developers of mail";
    TimeEarly = 44, "time:early", "the fetch came so soon after sending, or after the recipient's mail server took the message, that it fell into the early window, when machines fetch more than people do";
    TimeBeforeSent = 45, "time:before_sent", "the fetch came before the sent time";
    SeqAfterHead = 46, "seq:after_head", "a HEAD came from the same network just before, as checkers of links send it";
    SeqSameAgent = 47, "seq:same_agent", "minutes before, the same agent came from the same network as a machine or too early for a person";
    TimeBeforeAccepted = 48, "time:before_accepted", "the fetch came before the recipient's mail server took the message";
    HeaderSecPurpose = 50, "header:sec_purpose", "the Sec-Purpose header says that this is a prefetch";
    HeaderPurpose = 51, "header:purpose", "the Purpose header says that this is a prefetch or preview";
    HeaderXMoz = 52, "header:x_moz", "the X-Moz header says that this is a prefetch";
    HeaderXPurpose = 53, "header:x_purpose", "the X-Purpose header says that this is a prefetch or preview";
    HeaderAnonymousIp = 54, "header:anonymous_client_ip", "the Sec-Purpose header says that the client's address is hidden by a proxy";
    MethodHead = 55, "method:head", "the method is HEAD, which displays nothing";
    HeaderSignatureAgent = 56, "header:signature_agent", "the request is signed by an agent that acts by itself (Signature-Agent)";
    HeaderHeadless = 57, "header:headless", "a Sec-CH-UA header names a browser that runs without a screen";
    HeaderPlatform = 58, "header:platform", "the Sec-CH-UA-Platform header names another system than the agent does";
    HeaderFetchDest = 59, "header:fetch_dest", "the Sec-Fetch-Dest header says that this was not fetched as an image";
}

impl fmt::Display for Evidence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

const EVIDENCE: &str = "the name of a piece of evidence, such as net:own";

impl std::str::FromStr for Evidence {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let mut all = Self::ALL.iter().copied();
        all.find(|known| known.as_str() == text).ok_or(ParseError::new(EVIDENCE))
    }
}

text!(Evidence, expected: EVIDENCE, one_of: Evidence::ALL.iter().map(|evidence| evidence.as_str()));

/// A set of [`Evidence`] in eight bytes. It lists its members in the fixed order of
/// [`Evidence::ALL`].
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct EvidenceSet(u64);

impl EvidenceSet {
    /// The empty set.
    pub const EMPTY: Self = Self(0);

    /// The bits under which a store keeps the set.
    #[must_use]
    pub const fn bits(self) -> u64 {
        self.0
    }

    /// What a store kept. Bits that this version has no name for stay, so that nothing is lost if
    /// the set is written again; they are no members.
    #[must_use]
    pub const fn from_bits(bits: u64) -> Self {
        Self(bits)
    }

    /// The set with `evidence` in it.
    #[must_use]
    pub const fn with(self, evidence: Evidence) -> Self {
        Self(self.0 | bit(evidence))
    }

    /// The set without `evidence`.
    #[must_use]
    pub const fn without(self, evidence: Evidence) -> Self {
        Self(self.0 & !bit(evidence))
    }

    /// The members of both.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Adds `evidence`.
    pub const fn insert(&mut self, evidence: Evidence) {
        *self = self.with(evidence);
    }

    /// Is `evidence` in the set?
    #[must_use]
    pub const fn contains(self, evidence: Evidence) -> bool {
        self.0 & bit(evidence) != 0
    }

    /// Is nothing in it that this version knows?
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// How many are in it.
    #[must_use]
    pub fn len(self) -> usize {
        self.iter().count()
    }

    /// The members, in the order of [`Evidence::ALL`].
    pub fn iter(self) -> impl Iterator<Item = Evidence> {
        Evidence::ALL.iter().copied().filter(move |evidence| self.contains(*evidence))
    }
}

const fn bit(evidence: Evidence) -> u64 {
    1 << (evidence as u64 % 64)
}

impl From<Evidence> for EvidenceSet {
    fn from(evidence: Evidence) -> Self {
        Self::EMPTY.with(evidence)
    }
}

impl FromIterator<Evidence> for EvidenceSet {
    fn from_iter<I: IntoIterator<Item = Evidence>>(members: I) -> Self {
        members.into_iter().fold(Self::EMPTY, Self::with)
    }
}

impl Extend<Evidence> for EvidenceSet {
    fn extend<I: IntoIterator<Item = Evidence>>(&mut self, members: I) {
        members.into_iter().for_each(|member| self.insert(member));
    }
}

impl fmt::Debug for EvidenceSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter().map(Evidence::as_str)).finish()
    }
}

/// The names with a comma and a blank between them.
impl fmt::Display for EvidenceSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, evidence) in self.iter().enumerate() {
            if index > 0 {
                f.write_str(", ")?;
            }
            f.write_str(evidence.as_str())?;
        }
        Ok(())
    }
}

/// An array of names.
impl Serialize for EvidenceSet {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

/// Reads names with commas between them, with or without a blank after each. An empty text is the
/// empty set.
impl std::str::FromStr for EvidenceSet {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        if text.is_empty() {
            return Ok(Self::EMPTY);
        }
        text.split(',').map(|name| name.strip_prefix(' ').unwrap_or(name).parse::<Evidence>()).collect()
    }
}

/// Takes an array of names in any order, or a text with commas between them, as a URL has it.
impl<'de> Deserialize<'de> for EvidenceSet {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            deserializer.deserialize_any(Names)
        } else {
            deserializer.deserialize_seq(Names)
        }
    }
}

struct Names;

impl<'de> Visitor<'de> for Names {
    type Value = EvidenceSet;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("names of evidence, such as net:own")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<EvidenceSet, E> {
        text.parse().map_err(|_| refuse(&self))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut names: A) -> Result<EvidenceSet, A::Error> {
        let mut set = EvidenceSet::EMPTY;
        while let Some(evidence) = names.next_element()? {
            set.insert(evidence);
        }
        Ok(set)
    }

    refuse_values!();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_evidence_has_its_own_bit_and_name() {
        assert!(Evidence::ALL.is_sorted_by_key(|one| *one as u8), "in the order of the bits, as in SQL");
        let all: EvidenceSet = Evidence::ALL.iter().copied().collect();
        assert_eq!(all.len(), Evidence::ALL.len());
        for evidence in Evidence::ALL.iter().copied() {
            assert_eq!(evidence.as_str().parse(), Ok(evidence));
            assert_eq!(evidence.to_string(), evidence.as_str());
            assert!((evidence as u8) < 64);
        }
    }

    #[test]
    fn a_set_comes_back_from_its_bits_and_unknown_ones_are_kept_and_no_members() {
        let set = EvidenceSet::from_iter([Evidence::TimeEarly, Evidence::UaOutlook]);
        assert_eq!(EvidenceSet::from_bits(set.bits()), set);
        let newer = EvidenceSet::from_bits(set.bits() | 1 << 63);
        assert_eq!((newer.bits(), newer.len()), (set.bits() | 1 << 63, 2));
        assert!(newer.iter().eq(set.iter()));
        assert!(EvidenceSet::from_bits(1 << 63).is_empty());
    }

    #[test]
    fn a_set_serialises_as_names_in_a_fixed_order() {
        let set = EvidenceSet::from_iter([Evidence::NetBurst, Evidence::UaOutlook]);
        assert_eq!(serde_json::to_string(&set).unwrap(), r#"["ua:outlook","net:burst"]"#);
        assert_eq!(set.to_string(), "ua:outlook, net:burst");
    }

    #[test]
    fn a_set_has_what_was_put_in_and_not_taken_out() {
        let set = EvidenceSet::from(Evidence::TimeEarly).with(Evidence::UaOutlook).with(Evidence::UaOutlook);
        assert!(set.contains(Evidence::TimeEarly) && set.contains(Evidence::UaOutlook) && set.len() == 2);
        let less = set.without(Evidence::TimeEarly).without(Evidence::NetOwn);
        assert_eq!(less, EvidenceSet::from(Evidence::UaOutlook));
        assert_eq!(less.union(set), set);
        assert!(!less.is_empty() && less.without(Evidence::UaOutlook).is_empty());
        assert_eq!(format!("{less:?}"), r#"{"ua:outlook"}"#);
    }
}
