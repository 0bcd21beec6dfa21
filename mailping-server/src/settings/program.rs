//! Which program has which settings, so that a name that none of them knows is refused.

/// A program that is set by environment variables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Program {
    /// The server.
    Server,
    /// `receipts_webhooks`: the server on SQLite that also posts webhooks.
    ReceiptsWebhooks,
}

const EVERY: [Program; 2] = [Program::Server, Program::ReceiptsWebhooks];

/// What every program has.
const SHARED: [&str; 16] = [
    "MAILPING_ADMIN_TOKEN",
    "MAILPING_ASN",
    "MAILPING_BASE_URL",
    "MAILPING_CEILING",
    "MAILPING_CLIENT_IP",
    "MAILPING_DB",
    "MAILPING_GEO",
    "MAILPING_HIT_LIMIT",
    "MAILPING_KEYS",
    "MAILPING_LISTEN",
    "MAILPING_LOG_HEAD",
    "MAILPING_LOG_KEY",
    "MAILPING_LOG_LOST",
    "MAILPING_LOG_ORIGIN",
    "MAILPING_SEAL_EVERY",
    "MAILPING_TRUSTED_PROXIES",
];

impl Program {
    /// What it has beside the shared settings.
    pub(crate) fn own(self) -> &'static [&'static str] {
        match self {
            Self::Server => &["MAILPING_COPIES", "MAILPING_SPOOL"],
            Self::ReceiptsWebhooks => &[
                "MAILPING_WEBHOOK_OUTBOX",
                "MAILPING_WEBHOOK_PRIVATE",
                "MAILPING_WEBHOOK_SECRET",
                "MAILPING_WEBHOOK_URL",
            ],
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Server => "mailping-server",
            Self::ReceiptsWebhooks => "receipts_webhooks",
        }
    }

    fn settings(self) -> impl Iterator<Item = &'static str> {
        SHARED.into_iter().chain(self.own().iter().copied())
    }

    /// What is wrong with the name of a variable; `None` if it is one of this program's.
    pub(crate) fn refusal(self, name: &str) -> Option<String> {
        if self.settings().any(|known| known == name) {
            return None;
        }
        let other = EVERY.into_iter().find(|program| program.settings().any(|known| known == name));
        Some(match other {
            Some(other) => format!("a setting of {}, not of this program", other.name()),
            None => format!("there is no such setting; the nearest is {}", self.nearest(name)),
        })
    }

    /// The name that was probably meant: one that is an edit away, one that holds all its words, or
    /// else the one with the fewest edits.
    fn nearest(self, name: &str) -> &'static str {
        let meant = name.to_ascii_uppercase().replace('-', "_");
        let words = || meant.split('_').filter(|word| !word.is_empty());
        let holds_all = |known: &str| words().all(|word| known.split('_').any(|own| own == word));
        let distance = |known: &str| strsim::damerau_levenshtein(known, &meant);
        let nearest =
            self.settings().min_by_key(|known| (distance(known) > 1, !holds_all(known), distance(known)));
        nearest.unwrap_or("MAILPING_BASE_URL")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_the_one_that_was_meant() {
        for (typed, meant) in [
            ("MAILPING_BASEURL", "MAILPING_BASE_URL"),
            ("MAILPING_BASE_ULR", "MAILPING_BASE_URL"),
            ("MAILPING_URL", "MAILPING_BASE_URL"),
            ("mailping_base_url", "MAILPING_BASE_URL"),
            ("MAILPING_TRUSTED_PROXY", "MAILPING_TRUSTED_PROXIES"),
            ("MAILPING_PROXIES", "MAILPING_TRUSTED_PROXIES"),
            ("MAILPING_TOKEN", "MAILPING_ADMIN_TOKEN"),
            ("MAILPING_KEY", "MAILPING_KEYS"),
            ("MAILPING_LOGKEY", "MAILPING_LOG_KEY"),
            ("MAILPING_ORIGIN", "MAILPING_LOG_ORIGIN"),
            ("MAILPING_LAST_HEAD", "MAILPING_LOG_HEAD"),
            ("MAILPING-KEYS", "MAILPING_KEYS"),
            ("MAILPING_CIELING", "MAILPING_CEILING"),
        ] {
            assert_eq!(Program::Server.nearest(typed), meant, "{typed}");
            assert!(Program::Server.refusal(typed).unwrap().ends_with(meant), "{typed}");
        }
    }

    #[test]
    fn a_setting_of_another_program_is_refused_by_its_name() {
        assert_eq!(Program::Server.refusal("MAILPING_SPOOL"), None);
        assert!(Program::ReceiptsWebhooks.refusal("MAILPING_SPOOL").unwrap().contains("mailping-server"));
        assert!(Program::Server.refusal("MAILPING_WEBHOOK_URL").unwrap().contains("receipts_webhooks"));
    }
}
