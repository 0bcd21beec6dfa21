//! The kinds of User-Agents.

use super::Evidence;
use super::agent_names::Means;

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
    /// That of Apple's systems since version 26.
    AppleStack,
    /// A mail server, or a tool for developers of mail.
    MailServer,
    Missing,
    Opaque,
}

impl Means {
    /// What an agent is that has this name and nothing that counts for more.
    pub(super) const fn kind(self) -> Kind {
        match self {
            Self::GoogleImageProxy => Kind::GoogleImageProxy,
            Self::YahooMailProxy => Kind::YahooMailProxy,
            Self::DisplayProxy => Kind::DisplayProxy,
            Self::OtherProxy => Kind::OtherProxy,
            Self::Scanner => Kind::Scanner,
            Self::Preview => Kind::Preview,
            Self::Library => Kind::Library,
            Self::Headless => Kind::Headless,
            Self::Bot => Kind::Bot,
            Self::Thunderbird => Kind::Thunderbird,
            Self::AppleMail => Kind::AppleMail,
            Self::MailClient => Kind::MailClient,
            Self::Outlook => Kind::Outlook,
            Self::Office => Kind::Office,
            Self::AppStack => Kind::AppStack,
            Self::AppleStack => Kind::AppleStack,
            Self::MailServer => Kind::MailServer,
            Self::Opaque => Kind::Opaque,
            Self::Ancient => Kind::StaleBrowser,
            Self::Chrome | Self::Firefox | Self::SafariVersion | Self::Plain | Self::Part(_) => Kind::Browser,
        }
    }
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
            Self::AppStack | Self::AppleStack => Evidence::UaAppStack,
            Self::MailServer => Evidence::UaMailServer,
            Self::Missing => Evidence::UaMissing,
            Self::Opaque => Evidence::UaUnknown,
        }
    }
}
