//! What a fetch is judged to be: which software made it, and whether a person displaying the
//! message caused it.

use crate::named::named;

named! {
    /// The software that made the request.
    pub enum Fetcher ("a fetcher", else Unknown) {
        /// Nothing known fits, or what is known contradicts itself.
        Unknown = 0, "unknown";
        /// Gmail's image proxy, or Gmail's prefetch of images ahead of the reader.
        GmailProxy = 1, "gmail_proxy";
        /// Yahoo's and AOL's image proxy.
        YahooProxy = 2, "yahoo_proxy";
        /// Apple's Mail Privacy Protection: loads images in the background through a relay.
        AppleMpp = 3, "apple_mpp";
        /// The image proxy of another mailbox provider.
        OtherMailProxy = 4, "other_mail_proxy";
        /// Microsoft Outlook, or another Office application, on the reader's device.
        OutlookClient = 5, "outlook_client";
        /// Mozilla Thunderbird.
        Thunderbird = 6, "thunderbird";
        /// Apple Mail without Mail Privacy Protection.
        AppleMailDirect = 7, "apple_mail_direct";
        /// Another mail program on the reader's device.
        OtherMailClient = 8, "other_mail_client";
        /// A web browser, or an app that shows web pages.
        Browser = 9, "browser";
        /// A mail gateway, link checker or sandbox.
        SecurityScanner = 10, "security_scanner";
        /// A messenger or social network that makes a preview.
        LinkPreviewBot = 11, "link_preview_bot";
        /// A search engine, monitor, archiver or another self-running program.
        Crawler = 12, "crawler";
        /// An HTTP library or command-line tool.
        HttpClient = 13, "http_client";
    }
}

impl Fetcher {
    /// True if the software runs on the reader's own device, so that its network can be the
    /// reader's.
    #[must_use]
    pub const fn is_direct(self) -> bool {
        matches!(
            self,
            Self::OutlookClient
                | Self::Thunderbird
                | Self::AppleMailDirect
                | Self::OtherMailClient
                | Self::Browser
        )
    }
}

named! {
    /// Did a person displaying the message cause this fetch?
    pub enum Verdict ("a verdict", else Uncertain) {
        /// The evidence does not show it, or contradicts itself.
        Uncertain = 0, "uncertain";
        /// Yes. It says "displayed", never "read".
        Human = 1, "human";
        /// No: it happens without a person.
        Machine = 2, "machine";
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_codes_come_back_as_what_they_were() {
        for fetcher in Fetcher::ALL.iter().copied() {
            assert_eq!(fetcher.as_str().parse(), Ok(fetcher));
            assert_eq!(Fetcher::from_code(fetcher.code()), fetcher);
        }
        for verdict in Verdict::ALL.iter().copied() {
            assert_eq!(verdict.as_str().parse(), Ok(verdict));
            assert_eq!(Verdict::from_code(verdict.code()), verdict);
        }
        assert_eq!(Fetcher::ALL.len(), 14);
        assert_eq!(
            (Fetcher::from_code(200), Verdict::from_code(200)),
            (Fetcher::Unknown, Verdict::Uncertain)
        );
        assert!("Gmail".parse::<Fetcher>().is_err());
    }
}
