//! Which program has which settings, so that a name that none of them knows is refused.

use std::ffi::OsString;

/// A program that is set by environment variables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Program {
    /// The server.
    Server,
    /// `receipts_webhooks`: the server on SQLite that also posts webhooks.
    ReceiptsWebhooks,
}

const EVERY: [Program; 2] = [Program::Server, Program::ReceiptsWebhooks];

/// The name of a setting, and what it sets.
type Setting = (&'static str, &'static str);

/// What every program has.
const SHARED: [Setting; 16] = [
    ("MAILPING_LISTEN", "address and port; 127.0.0.1:3000 if not set"),
    ("MAILPING_DB", "the database: the path of an SQLite file; mailping.db if not set"),
    ("MAILPING_BASE_URL", "the address as seen from outside, such as https://app.example/tools"),
    ("MAILPING_KEYS", "id:base64[,id:base64...]; made once beside an SQLite file"),
    ("MAILPING_GEO", "mmdb files for places, separated by commas"),
    ("MAILPING_ASN", "an mmdb file of AS numbers"),
    ("MAILPING_CLIENT_IP", "where the client's address is: peer, xff, forwarded or header:NAME"),
    ("MAILPING_TRUSTED_PROXIES", "networks whose header is believed"),
    ("MAILPING_CEILING", "the most that is kept: none, last_day, opens, country, city or network"),
    ("MAILPING_HIT_LIMIT", "opens kept per ping and hour, 0 for no limit; 100 if not set"),
    ("MAILPING_ADMIN_TOKEN", "the page's password and the API's bearer token"),
    ("MAILPING_LOG_ORIGIN", "seals what is kept, into a log with this public name"),
    ("MAILPING_LOG_KEY", "signs the log: 32 bytes in base64; made once beside an SQLite file"),
    ("MAILPING_LOG_HEAD", "the file of the log's last signed head"),
    ("MAILPING_LOG_LOST", "after a loss, the file of the lost log's last head"),
    ("MAILPING_SEAL_EVERY", "how often a seal is made, in seconds; 3600 if not set"),
];

const SERVER: [Setting; 2] = [
    ("MAILPING_COPIES", "on PostgreSQL: on how many servers' disks an open is before the answer"),
    ("MAILPING_SPOOL", "on PostgreSQL: a folder that keeps opens while the database is away"),
];

const WEBHOOKS: [Setting; 4] = [
    ("MAILPING_WEBHOOK_URL", "where webhooks go, such as https://app.example/hooks"),
    ("MAILPING_WEBHOOK_SECRET", "whsec_ and the base64 of 24 to 64 bytes, which sign them"),
    ("MAILPING_WEBHOOK_OUTBOX", "the file of what is still to be sent; webhooks.db if not set"),
    ("MAILPING_WEBHOOK_PRIVATE", "allow: the receiver may be in a private network, without TLS"),
];

impl Program {
    const fn own_settings(self) -> &'static [Setting] {
        match self {
            Self::Server => &SERVER,
            Self::ReceiptsWebhooks => &WEBHOOKS,
        }
    }

    /// The names of what it has beside the shared settings.
    pub(crate) fn own(self) -> impl Iterator<Item = &'static str> {
        self.own_settings().iter().map(|(name, _)| *name)
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Server => "mailping-server",
            Self::ReceiptsWebhooks => "receipts_webhooks",
        }
    }

    fn settings(self) -> impl Iterator<Item = &'static str> {
        SHARED.iter().chain(self.own_settings()).map(|(name, _)| *name)
    }

    /// What to print instead of starting, if the arguments ask for something.
    ///
    /// # Errors
    /// For every other argument. It is not repeated: it may hold what a setting would.
    pub(crate) fn answer(self, arguments: &[OsString]) -> Result<Option<String>, &'static str> {
        match arguments.iter().map(|argument| argument.to_str()).collect::<Vec<_>>()[..] {
            [] => Ok(None),
            [Some("--help" | "-h")] => Ok(Some(self.help())),
            [Some("--version" | "-V")] => {
                Ok(Some(format!("{} {}\n", self.name(), env!("CARGO_PKG_VERSION"))))
            }
            _ => Err("takes no arguments but --help and --version: --help lists the variables that set it"),
        }
    }

    fn help(self) -> String {
        let mut text = format!("{} is set by environment variables:\n\n", self.name());
        let rust_log = ("RUST_LOG", "what to log; info if not set");
        for (name, sets) in SHARED.iter().chain(self.own_settings()).chain([&rust_log]) {
            text += &format!("  {name:<24}  {sets}\n");
        }
        text
    }

    /// What is wrong with the name of a variable; `None` if it is one of this program's.
    pub(crate) fn refusal(self, name: &str) -> Option<String> {
        if self.settings().any(|known| known == name) {
            return None;
        }
        let other = EVERY.into_iter().find(|program| program.settings().any(|known| known == name));
        Some(match (other, self.nearest(name)) {
            (Some(other), _) => format!("a setting of {}, not of this program", other.name()),
            (None, Some(nearest)) => format!("there is no such setting; the nearest is {nearest}"),
            (None, None) => "there is no such setting; --help lists them".to_owned(),
        })
    }

    /// The name that was probably meant: one that is an edit away, one that holds all its words, or
    /// else the one with the fewest edits, of at most one in three signs.
    fn nearest(self, name: &str) -> Option<&'static str> {
        let meant = name.to_ascii_uppercase().replace('-', "_");
        let own = meant.trim_start_matches("MAILPING").trim_start_matches('_');
        let holds_all =
            |known: &str| own.split('_').all(|word| known.split('_').skip(1).any(|own| own == word));
        let distance = |known: &str| strsim::damerau_levenshtein(known, &meant);
        self.settings()
            .filter(|known| holds_all(known) || distance(known) <= own.len() / 3)
            .min_by_key(|known| (distance(known) > 1, !holds_all(known), distance(known)))
    }
}

/// Whether Kubernetes puts this variable into each pod beside a Service whose name begins with
/// `mailping`.
pub(super) fn is_of_kubernetes(name: &str, value: &str) -> bool {
    const PROTOCOLS: [&str; 3] = ["TCP", "UDP", "SCTP"];
    let is_port = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let is_link = || {
        let scheme = value.split_once("://").map(|(scheme, _)| scheme.to_ascii_uppercase());
        scheme.is_some_and(|scheme| PROTOCOLS.contains(&scheme.as_str()))
    };
    if ["_SERVICE_HOST", "_SERVICE_PORT"].iter().any(|end| name.ends_with(end))
        || name.contains("_SERVICE_PORT_")
        || name.ends_with("_PORT") && is_link()
    {
        return true;
    }
    let name = ["_PROTO", "_PORT", "_ADDR"].iter().find_map(|end| name.strip_suffix(end)).unwrap_or(name);
    let port = name.rsplit_once("_PORT_").and_then(|(_, port)| port.split_once('_'));
    port.is_some_and(|(number, protocol)| is_port(number) && PROTOCOLS.contains(&protocol))
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
            assert_eq!(Program::Server.nearest(typed), Some(meant), "{typed}");
            assert!(Program::Server.refusal(typed).unwrap().ends_with(meant), "{typed}");
        }
    }

    #[test]
    fn help_and_the_readme_name_each_setting() {
        let readme = include_str!("../../README.md");
        let help = |program: Program| program.answer(&["--help".into()]).unwrap().unwrap();
        for program in EVERY {
            for name in program.settings() {
                assert!(help(program).contains(&format!("\n  {name} ")), "{name}");
            }
            assert!(help(program).lines().all(|line| line.len() <= 100));
            assert_eq!(program.answer(&["-h".into()]), Ok(Some(help(program))));
        }
        for name in Program::Server.settings() {
            assert!(readme.contains(&format!("\n| `{name}` |")), "{name}");
        }
        assert!(!help(Program::Server).contains("WEBHOOK"));
    }

    #[test]
    fn an_argument_that_is_not_known_is_refused_and_not_repeated() {
        let answer = |arguments: &[&str]| {
            Program::Server.answer(&arguments.iter().map(OsString::from).collect::<Vec<_>>())
        };
        assert_eq!(answer(&[]), Ok(None));
        for version in ["--version", "-V"] {
            assert!(answer(&[version]).unwrap().unwrap().starts_with("mailping-server "));
        }
        for arguments in [
            &["--listen", "127.0.0.1:4000"][..],
            &["--admin-token=sesame"],
            &["serve"],
            &[""],
            &["--help", "x"],
        ] {
            let refusal = answer(arguments).unwrap_err();
            assert!(refusal.contains("--help") && !refusal.contains("sesame"), "{arguments:?}");
        }
    }

    #[test]
    fn a_name_that_is_far_from_all_gets_no_nearest_one() {
        for typed in
            ["MAILPING", "MAILPING_", "MAILPING_PORT", "MAILPING_HOST", "MAILPING_SMTP_SERVER", "MAILPINGX"]
        {
            let refusal = Program::Server.refusal(typed).unwrap();
            assert_eq!(refusal, "there is no such setting; --help lists them", "{typed}");
        }
    }

    #[test]
    fn variables_of_a_kubernetes_service_are_told_apart() {
        let link = "tcp://10.96.0.7:3000";
        for service in ["MAILPING", "MAILPING_SERVER", "MAILPING_SERVICE"] {
            for (end, value) in [
                ("PORT", link),
                ("PORT", "udp://10.96.0.7:3000"),
                ("SERVICE_HOST", "10.96.0.7"),
                ("SERVICE_PORT", "3000"),
                ("SERVICE_PORT_HTTP", "3000"),
                ("SERVICE_PORT_HTTP_ALT", "3000"),
                ("PORT_3000_TCP", link),
                ("PORT_3000_TCP_PROTO", "tcp"),
                ("PORT_3000_TCP_PORT", "3000"),
                ("PORT_3000_TCP_ADDR", "10.96.0.7"),
                ("PORT_3000_SCTP", link),
            ] {
                assert!(is_of_kubernetes(&format!("{service}_{end}"), value), "{service}_{end}");
            }
        }
        for (name, value) in [
            ("MAILPING_PORT", "3000"),
            ("MAILPING_PORT", "http://x"),
            ("MAILPING_PORT_TCP", link),
            ("MAILPING_PORT_x_TCP", link),
            ("MAILPING_PORT_3000", link),
            ("MAILPING_SERVICE", "x"),
            ("MAILPING_HOST", link),
        ] {
            assert!(!is_of_kubernetes(name, value), "{name}");
        }
        for program in EVERY {
            assert!(!program.settings().any(|name| is_of_kubernetes(name, link)));
        }
    }

    #[test]
    fn a_setting_of_another_program_is_refused_by_its_name() {
        assert_eq!(Program::Server.refusal("MAILPING_SPOOL"), None);
        assert!(Program::ReceiptsWebhooks.refusal("MAILPING_SPOOL").unwrap().contains("mailping-server"));
        assert!(Program::Server.refusal("MAILPING_WEBHOOK_URL").unwrap().contains("receipts_webhooks"));
    }
}
