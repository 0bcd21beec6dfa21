//! Whose software or network it is, if that is known.

use crate::named::named;

named! {
    /// The operator behind a proxy, a network or an agent.
    pub enum Provider ("a provider") {
        /// Gmail and Google Workspace mail.
        Gmail = 1, "gmail";
        /// Google, other than its mail.
        Google = 2, "google";
        /// Yahoo Mail and AOL.
        Yahoo = 3, "yahoo";
        /// Apple.
        Apple = 4, "apple";
        /// Microsoft: Outlook, Exchange Online, Bing, Teams.
        Microsoft = 5, "microsoft";
        /// Fastmail.
        Fastmail = 6, "fastmail";
        /// HEY.
        Hey = 7, "hey";
        /// Seznam.cz.
        Seznam = 8, "seznam";
        /// ukr.net.
        UkrNet = 9, "ukrnet";
        /// Rambler.
        Rambler = 10, "rambler";
        /// Yandex.
        Yandex = 11, "yandex";
        /// Mail.ru.
        MailRu = 12, "mailru";
        /// Superhuman.
        Superhuman = 13, "superhuman";
        /// Mozilla.
        Mozilla = 14, "mozilla";
        /// Samsung.
        Samsung = 15, "samsung";
        /// Opera.
        Opera = 16, "opera";
        /// Proofpoint.
        Proofpoint = 20, "proofpoint";
        /// Mimecast.
        Mimecast = 21, "mimecast";
        /// Barracuda.
        Barracuda = 22, "barracuda";
        /// Cisco, with IronPort.
        Cisco = 23, "cisco";
        /// Symantec, with MessageLabs.
        Symantec = 24, "symantec";
        /// Forcepoint.
        Forcepoint = 25, "forcepoint";
        /// Trend Micro.
        TrendMicro = 26, "trendmicro";
        /// Trellix, with FireEye.
        Trellix = 27, "trellix";
        /// Zscaler.
        Zscaler = 28, "zscaler";
        /// VirusTotal.
        VirusTotal = 29, "virustotal";
        /// Slack.
        Slack = 40, "slack";
        /// Meta: Facebook, Instagram, WhatsApp.
        Meta = 41, "meta";
        /// X, formerly Twitter.
        X = 42, "x";
        /// LinkedIn.
        LinkedIn = 43, "linkedin";
        /// Telegram.
        Telegram = 44, "telegram";
        /// Discord.
        Discord = 45, "discord";
        /// Pinterest.
        Pinterest = 46, "pinterest";
        /// Snapchat.
        Snapchat = 47, "snapchat";
        /// Viber.
        Viber = 48, "viber";
        /// Zoho.
        Zoho = 49, "zoho";
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_codes_come_back_as_what_they_were() {
        for provider in Provider::ALL.iter().copied() {
            assert_eq!(provider.as_str().parse(), Ok(provider));
            assert_eq!(Provider::from_code(provider.code()), Some(provider));
        }
        assert_eq!(Provider::from_code(0), None);
    }
}
