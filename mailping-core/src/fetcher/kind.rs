//! The kinds of User-Agents.

use super::Evidence;

/// What a User-Agent is, by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    GoogleImageProxy,
    GmailPrefetch,
    YahooMailProxy,
    DisplayProxy,
    OtherProxy,
    Scanner,
    Preview,
    Library,
    Headless,
    Bot,
    Contact,
    NoBrowser,
    Thunderbird,
    AppleMail,
    MailClient,
    Outlook,
    Office,
    BareWebkit,
    Browser,
    /// A current browser's with a name added that no known browser has.
    AddedName,
    StaleBrowser,
    Webview,
    BareMozilla,
    AppStack,
    Missing,
    Opaque,
}

impl Kind {
    pub(super) const fn evidence(self) -> Evidence {
        match self {
            Self::GoogleImageProxy => Evidence::UaGoogleImageProxy,
            Self::GmailPrefetch => Evidence::UaGmailPrefetch,
            Self::YahooMailProxy => Evidence::UaYahooMailProxy,
            Self::DisplayProxy | Self::OtherProxy => Evidence::UaMailProxy,
            Self::Scanner => Evidence::UaScanner,
            Self::Preview => Evidence::UaLinkPreview,
            Self::Library => Evidence::UaHttpLibrary,
            Self::Headless => Evidence::UaHeadless,
            Self::Bot => Evidence::UaBot,
            Self::Contact => Evidence::UaContact,
            Self::NoBrowser => Evidence::UaNoBrowser,
            Self::Thunderbird => Evidence::UaThunderbird,
            Self::AppleMail | Self::MailClient => Evidence::UaMailClient,
            Self::Outlook => Evidence::UaOutlook,
            Self::Office => Evidence::UaOffice,
            Self::BareWebkit => Evidence::UaBareWebkit,
            Self::Browser => Evidence::UaBrowser,
            Self::AddedName => Evidence::UaAddedName,
            Self::StaleBrowser => Evidence::UaStaleBrowser,
            Self::Webview => Evidence::UaWebview,
            Self::BareMozilla => Evidence::UaBareMozilla,
            Self::AppStack => Evidence::UaAppStack,
            Self::Missing => Evidence::UaMissing,
            Self::Opaque => Evidence::UaUnknown,
        }
    }
}
