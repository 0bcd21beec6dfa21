//! The servers that a URL names, as libpq writes several:
//! `postgres://user@host1:5432,host2:5433/database?target_session_attrs=read-write`.

use mailping_core::store::StoreError;
use sqlx::postgres::PgConnectOptions;

use crate::failure::{Failure, Result};

/// Each search asks all of them at once.
const MAX_SERVERS: usize = 16;

/// The parameters that sqlx 0.9 reads. It logs all others, with their values, which can be secret.
const OF_SQLX: [&str; 15] = [
    "application_name",
    "dbname",
    "options",
    "password",
    "ssl-ca",
    "ssl-cert",
    "ssl-key",
    "ssl-mode",
    "ssl-root-cert",
    "sslcert",
    "sslkey",
    "sslmode",
    "sslrootcert",
    "statement-cache-capacity",
    "user",
];

/// Parameters of libpq that neither sqlx nor this file reads.
const OF_LIBPQ: [&str; 32] = [
    "channel_binding",
    "client_encoding",
    "connect_timeout",
    "fallback_application_name",
    "gssdelegation",
    "gssencmode",
    "gsslib",
    "keepalives",
    "keepalives_count",
    "keepalives_idle",
    "keepalives_interval",
    "krbsrvname",
    "max_protocol_version",
    "min_protocol_version",
    "passfile",
    "replication",
    "require_auth",
    "requirepeer",
    "requiressl",
    "scram_client_key",
    "scram_server_key",
    "service",
    "servicefile",
    "ssl_max_protocol_version",
    "ssl_min_protocol_version",
    "sslcertmode",
    "sslcompression",
    "sslcrl",
    "sslcrldir",
    "sslkeylogfile",
    "sslnegotiation",
    "sslpassword",
];

/// The options for each server, in the URL's order. No error repeats the URL, which holds a
/// password.
pub(crate) fn parse(url: &str) -> Result<Vec<PgConnectOptions>> {
    let (scheme, rest) = url.split_once("://").ok_or_else(no_url)?;
    if !matches!(scheme, "postgres" | "postgresql") {
        return Err(no_url());
    }
    let rest = rest.split_once('#').map_or(rest, |(before, _)| before);
    let (place, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (authority, path) = match place.find('/') {
        Some(slash) => place.split_at(slash),
        None => (place, "/"),
    };
    let (user, hosts) = authority.rsplit_once('@').unwrap_or(("", authority));

    let mut servers: Vec<(&str, &str)> = hosts.split(',').map(host_and_port).collect();
    // What a list is given by in the query comes as one value, perhaps with its commas escaped.
    let query = query.replace("%2C", ",").replace("%2c", ",");
    let (mut others, mut ports) = (Vec::new(), None);
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        match pair.split_once('=') {
            Some(("host" | "hostaddr", hosts)) => {
                servers = hosts.split(',').map(|host| (host, "")).collect();
            }
            Some(("port", list)) => ports = Some(list),
            Some(("target_session_attrs", wanted)) => check_target(wanted)?,
            // All are asked at once, and the primary is the one that is used.
            Some(("load_balance_hosts", _)) => {}
            Some((name, _)) if is_read_by_sqlx(name) => others.push(pair),
            Some((name, _)) => return Err(unknown(name)),
            None => return Err(unknown("")),
        }
    }
    if let Some(ports) = ports {
        spread(ports, &mut servers)?;
    }
    if servers.len() > MAX_SERVERS {
        return Err(Failure::incompatible(format!("at most {MAX_SERVERS} servers can be named")));
    }
    let (user, password) = user.split_once(':').unwrap_or((user, ""));
    let one = |(host, port): &(&str, &str)| {
        let host = match host.strip_prefix('[') {
            Some(host) => host.strip_suffix(']').ok_or_else(no_url)?,
            None => host,
        };
        // All of it goes into the query, where a folder of a socket may be a host, and none be
        // named.
        let named = [("user", user), ("password", password), ("host", host), ("port", port)];
        let named = named.iter().filter(|(_, value)| !value.is_empty());
        let named =
            named.map(|(name, value)| format!("{name}={}", value.replace('+', "%2B").replace('&', "%26")));
        let all = named.chain(others.iter().map(|other| (*other).to_owned())).collect::<Vec<_>>().join("&");
        let options = format!("postgres://{path}?{all}").parse().map_err(|_| no_url())?;
        // PgBouncer refuses a session that sets this, and no number here is a floating one.
        Ok(PgConnectOptions::extra_float_digits(options, None))
    };
    servers.iter().map(one).collect()
}

fn host_and_port(text: &str) -> (&str, &str) {
    match text.rsplit_once(':') {
        // Inside brackets it is a part of the address.
        Some((host, port)) if !port.contains(']') => (host, port),
        _ => (text, ""),
    }
}

/// One port for all, or one for each.
fn spread<'a>(ports: &'a str, servers: &mut [(&'a str, &'a str)]) -> Result<()> {
    let ports: Vec<&str> = ports.split(',').collect();
    match ports.as_slice() {
        [one] => servers.iter_mut().for_each(|server| server.1 = one),
        each if each.len() == servers.len() => {
            servers.iter_mut().zip(each).for_each(|(server, port)| server.1 = port);
        }
        _ => {
            return Err(Failure::incompatible("the database's URL must have one port, or one for each host"));
        }
    }
    Ok(())
}

/// Exactly as sqlx names it: what is escaped or written otherwise is perhaps another name to it.
fn is_read_by_sqlx(name: &str) -> bool {
    let setting = name.strip_prefix("options[").and_then(|name| name.strip_suffix(']'));
    OF_SQLX.contains(&name) || setting.is_some_and(|name| name.bytes().all(is_of_a_setting))
}

fn is_of_a_setting(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.')
}

/// A name that nobody knows is not repeated either: it can be a part of a password.
fn unknown(name: &str) -> Failure {
    let known = OF_LIBPQ.iter().find(|known| **known == name);
    let named = known.map_or("an unknown parameter".to_owned(), |name| format!("the parameter {name}"));
    Failure::incompatible(format!(
        "the database's URL has {named}, which is not supported: remove it, or write & in a password as %26"
    ))
}

fn check_target(wanted: &str) -> Result<()> {
    if matches!(wanted, "read-write" | "primary" | "any") {
        return Ok(());
    }
    Err(Failure::incompatible(
        "target_session_attrs must be read-write or primary: the store writes, and so it uses the primary",
    ))
}

fn no_url() -> Failure {
    Failure(StoreError::Incompatible {
        reason: "the database must be a URL such as postgres://user:password@host:5432/database, several servers as \
                 postgres://user:password@host1:5432,host2:5432/database, special characters as %40"
            .to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(url: &str) -> Vec<(String, u16)> {
        let servers = parse(url).unwrap();
        servers.iter().map(|server| (server.get_host().to_owned(), server.get_port())).collect()
    }

    #[test]
    fn servers_are_read_in_each_form_that_libpq_writes() {
        for (url, expected) in [
            ("postgres://u:p@h:1/db", vec![("h", 1)]),
            ("postgresql://h", vec![("h", 5432)]),
            ("postgres://u@h1:1,h2:2/db?target_session_attrs=read-write", vec![("h1", 1), ("h2", 2)]),
            ("postgres://u@h1,h2:2,h3:/db?sslmode=disable", vec![("h1", 5432), ("h2", 2), ("h3", 5432)]),
            (
                "postgres://u@[::1]:1,[2001:db8::2],192.0.2.1:3/db",
                vec![("::1", 1), ("2001:db8::2", 5432), ("192.0.2.1", 3)],
            ),
            ("postgres:///db?host=h1,h2&port=1,2", vec![("h1", 1), ("h2", 2)]),
            ("postgres://u@/db?host=h1%2Ch2&port=7", vec![("h1", 7), ("h2", 7)]),
            ("postgres://u@h1,h2/db?port=6432", vec![("h1", 6432), ("h2", 6432)]),
            (
                "postgres://u@h1:1,h2:2/db?target_session_attrs=primary&load_balance_hosts=random",
                vec![("h1", 1), ("h2", 2)],
            ),
        ] {
            let expected: Vec<_> = expected.into_iter().map(|(host, port)| (host.to_owned(), port)).collect();
            assert_eq!(places(url), expected, "{url}");
        }
    }

    #[test]
    fn every_server_has_the_user_the_database_and_the_other_parameters() {
        let url = "postgres://ann:p%40ss,w:o+r&d@h1,h2:2/db%20x?application_name=px&sslmode=disable";
        for server in parse(url).unwrap() {
            assert_eq!(server.get_username(), "ann");
            assert_eq!(server.get_database(), Some("db x"));
            assert_eq!(server.get_application_name(), Some("px"));
            assert!(matches!(server.get_ssl_mode(), sqlx::postgres::PgSslMode::Disable));
        }
    }

    #[test]
    fn what_the_url_leaves_out_is_as_sqlx_has_it() {
        let own: PgConnectOptions = "postgres:///db".parse().unwrap();
        for url in ["postgres:///db", "postgres://ann@/db"] {
            let server = parse(url).unwrap().remove(0);
            assert_eq!((server.get_host(), server.get_port()), (own.get_host(), own.get_port()), "{url}");
            assert_eq!(server.get_socket(), own.get_socket(), "{url}");
        }
        assert_eq!(parse("postgres://ann@/db").unwrap()[0].get_username(), "ann");
    }

    #[test]
    fn a_folder_of_a_socket_is_a_server() {
        for url in [
            "postgres://u@%2Frun%2Fpg,h2/db",
            "postgres:///db?host=/run/pg,h2",
            "postgres:///db?host=%2Frun%2Fpg,h2",
        ] {
            let servers = parse(url).unwrap();
            assert_eq!(
                servers[0].get_socket().map(|path| path.to_string_lossy().into_owned()),
                Some("/run/pg".to_owned()),
                "{url}"
            );
            assert_eq!(servers[1].get_host(), "h2", "{url}");
        }
    }

    /// sqlx logs a parameter that it does not read, with its value.
    #[test]
    fn a_parameter_that_nobody_reads_is_refused_and_neither_logged_nor_repeated() {
        for (query, named) in [
            ("sslpassword=secret", "the parameter sslpassword"),
            ("connect_timeout=5", "the parameter connect_timeout"),
            ("sslmode=disable&requirepeer=secret", "the parameter requirepeer"),
            ("pasword=secret", "an unknown parameter"),
            ("secret", "an unknown parameter"),
            ("secret=1", "an unknown parameter"),
            ("=secret", "an unknown parameter"),
            ("PASSWORD=secret", "an unknown parameter"),
            ("sslpass%77ord=secret", "an unknown parameter"),
            ("password=a&secret", "an unknown parameter"),
            ("options[secret=1", "an unknown parameter"),
            ("options[a%5D=1&secret=2", "an unknown parameter"),
        ] {
            for place in ["h", "h1,h2"] {
                let url = format!("postgres://u:p@{place}/db?{query}");
                let error = parse(&url).unwrap_err().0;
                let text = format!("{error} {error:?}");
                assert!(text.contains(named) && !text.contains("secret"), "{url}: {text}");
            }
        }
    }

    #[test]
    fn every_parameter_that_sqlx_reads_is_passed_on() {
        for name in OF_SQLX {
            let value = match name {
                "sslmode" | "ssl-mode" => "disable",
                "statement-cache-capacity" => "7",
                _ => "x",
            };
            let url = format!("postgres://u@h/db?{name}={value}");
            let read = format!("{:?}", parse(&url).expect(name)[0]);
            assert_ne!(
                read,
                format!("{:?}", parse("postgres://u@h/db").unwrap()[0]),
                "{name} changes something"
            );
        }
        let server = parse("postgres://u@h/db?options[search_path]=x&options=-c%20a%3Db").unwrap().remove(0);
        assert_eq!(server.get_options(), Some("-c search_path=x -c a=b"));
    }

    #[test]
    fn what_cannot_be_meant_is_refused_without_being_repeated() {
        for (url, expected) in [
            ("postgres://u:secret@h:port/db", "must be a URL"),
            ("postgres://u:secret@h1:1,h2:x/db", "must be a URL"),
            ("postgres://u:secret@h1:1,h2:70000/db", "must be a URL"),
            ("h1,h2", "must be a URL"),
            ("host=h1,h2 password=secret", "must be a URL"),
            ("mysql://u:secret@h1,h2/db", "must be a URL"),
            ("postgres://u:secret@h1,h2,h3/db?port=1,2", "one port, or one for each host"),
            ("postgres://u:secret@h1,h2/db?target_session_attrs=standby", "read-write or primary"),
            ("postgres://u:secret@h1,h2/db?target_session_attrs=read-only", "read-write or primary"),
            (&format!("postgres://u:secret@{}/db", ["h"; 17].join(",")), "at most 16"),
        ] {
            let error = parse(url).unwrap_err().0;
            let text = format!("{error} {error:?}");
            assert!(text.contains(expected) && !text.contains("secret"), "{url}: {text}");
        }
    }
}
