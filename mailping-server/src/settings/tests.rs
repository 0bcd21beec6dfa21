//! Which environments are refused, and how.

use super::*;

const TOKEN: (&str, &str) = ("MAILPING_ADMIN_TOKEN", "0123456789abcdef");

/// The first word of the refusal is the variable's name.
fn refusal(folder: &Path, variables: &[(&str, &str)]) -> Option<String> {
    let database = folder.join("mailping.db").into_os_string();
    let mut all = BTreeMap::from([(OsString::from("MAILPING_DB"), database)]);
    all.extend(variables.iter().map(|(name, value)| (name.into(), value.into())));
    Settings::from_variables(Program::Server, all.into_iter()).err().map(|error| error.to_string())
}

#[test]
fn without_a_token_nothing_leads_to_the_service_from_elsewhere() {
    let folder = tempfile::tempdir().unwrap();
    let proxies = ("MAILPING_TRUSTED_PROXIES", "127.0.0.1");
    for remote in [
        &[("MAILPING_LISTEN", "0.0.0.0:3000")][..],
        &[("MAILPING_LISTEN", "[::]:3000")],
        &[("MAILPING_LISTEN", "192.0.2.1:3000")],
        &[("MAILPING_BASE_URL", "https://app.example")],
        &[("MAILPING_BASE_URL", "http://192.0.2.1/tools")],
        &[("MAILPING_CLIENT_IP", "xff"), proxies],
        &[("MAILPING_CLIENT_IP", "forwarded"), proxies],
        &[("MAILPING_CLIENT_IP", "header:x-real-ip"), proxies],
    ] {
        let told = refusal(folder.path(), remote).unwrap();
        assert!(told.starts_with("MAILPING_ADMIN_TOKEN: must be set, since "), "{remote:?}: {told}");
        assert_eq!(refusal(folder.path(), &[remote, &[TOKEN]].concat()), None, "{remote:?}");
    }
    for local in [
        &[][..],
        &[("MAILPING_LISTEN", "127.0.0.2:3000")],
        &[("MAILPING_LISTEN", "[::1]:3000")],
        &[("MAILPING_BASE_URL", "http://localhost:3000")],
        &[("MAILPING_CLIENT_IP", "peer")],
    ] {
        assert_eq!(refusal(folder.path(), local), None, "{local:?}");
    }
}

#[test]
fn a_setting_that_would_say_nothing_is_refused_by_its_name() {
    let folder = tempfile::tempdir().unwrap();
    for (name, value) in [
        ("MAILPING_BASEURL", "https://app.example"),
        ("mailping_base_url", "https://app.example"),
        ("MAILPING_SPOOL", "spool.db"),
        ("MAILPING_COPIES", "2"),
        ("MAILPING_KEYS", ""),
        ("MAILPING_ADMIN_TOKEN", "  "),
        ("MAILPING_ADMIN_TOKEN", "fifteen-chars-1"),
        ("MAILPING_BASE_URL", ""),
        ("MAILPING_GEO", ","),
        ("MAILPING_CEILING", "street"),
        ("MAILPING_TRUSTED_PROXIES", "127.0.0.1"),
        ("RUST_LOG", "mailping=loud"),
    ] {
        let told = refusal(folder.path(), &[(name, value)]).unwrap_or_else(|| format!("{name} is taken"));
        assert!(told.starts_with(&format!("{name}: ")) && !told.contains('\n'), "{told}");
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "nothing is made before all is right");
}

#[test]
fn a_service_of_the_same_name_in_kubernetes_is_no_wrong_setting() {
    let folder = tempfile::tempdir().unwrap();
    let link = "tcp://10.96.0.7:3000";
    let of_service = [
        ("MAILPING_PORT", link),
        ("MAILPING_SERVICE_HOST", "10.96.0.7"),
        ("MAILPING_SERVICE_PORT", "3000"),
        ("MAILPING_SERVICE_PORT_HTTP", "3000"),
        ("MAILPING_PORT_3000_TCP", link),
        ("MAILPING_PORT_3000_TCP_PROTO", "tcp"),
        ("MAILPING_PORT_3000_TCP_PORT", "3000"),
        ("MAILPING_PORT_3000_TCP_ADDR", "10.96.0.7"),
    ];
    assert_eq!(refusal(folder.path(), &of_service), None);
    let told = refusal(folder.path(), &[("MAILPING_PORT", "3000")]).unwrap();
    assert_eq!(told, "MAILPING_PORT: there is no such setting; --help lists them");
}

#[test]
fn a_folder_that_takes_no_files_is_blamed_on_the_database() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("file"), "x").unwrap();
    let path = |name: &str| folder.path().join(name).into_os_string().into_string().unwrap();
    let mut cases = vec![
        (path("missing/mailping.db"), "there is no folder"),
        (path("file/mailping.db"), "is not a folder"),
        (path(""), "is a folder"),
    ];
    // Even root makes no files there.
    if cfg!(target_os = "linux") {
        cases.push(("/proc/mailping.db".to_owned(), "cannot write in the folder /proc"));
    }
    for (database, expected) in cases {
        let told = refusal(folder.path(), &[("MAILPING_DB", &database)]).unwrap();
        assert!(told.starts_with("MAILPING_DB: ") && told.contains(expected), "{database}: {told}");
    }
}

#[test]
fn a_connection_string_is_refused_without_being_repeated() {
    for program in [Program::Server, Program::ReceiptsWebhooks] {
        for database in [
            "host=127.0.0.1 user=u password=sesame dbname=x",
            "postgres:/boss:sesame@h/db",
            "boss:sesame@127.0.0.1/db",
            "mysql://boss:sesame@h/db",
            "file:x?password=sesame",
        ] {
            let variables = [("MAILPING_DB".into(), database.into())];
            let told = Settings::from_variables(program, variables.into_iter()).unwrap_err().to_string();
            assert!(told.starts_with("MAILPING_DB: expected the path of a file"), "{database}: {told}");
            assert!(!told.contains("sesame") && !told.contains('\n'), "{database}: {told}");
        }
    }
}

#[cfg(unix)]
#[test]
fn a_file_of_keys_that_others_can_read_is_refused_with_the_command_that_closes_it() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(refusal(folder.path(), &[]), None);
    let keys = folder.path().join("mailping.db.keys");
    for mode in [0o644, 0o640, 0o604, 0o660, 0o610] {
        std::fs::set_permissions(&keys, std::fs::Permissions::from_mode(mode)).unwrap();
        let told = refusal(folder.path(), &[]).unwrap();
        assert!(told.starts_with("MAILPING_KEYS: ") && told.contains("chmod 600 '"), "{mode:o}: {told}");
    }
    std::fs::set_permissions(&keys, std::fs::Permissions::from_mode(0o400)).unwrap();
    assert_eq!(refusal(folder.path(), &[]), None);
}

#[test]
fn the_base_urls_are_printed_and_no_password_is() {
    let folder = tempfile::tempdir().unwrap();
    for text in
        ["https://ada:sesame@app.example", "https://app.example:sesame/", "https://app.example/?sesame"]
    {
        let told = refusal(folder.path(), &[("MAILPING_BASE_URL", text), TOKEN]).unwrap();
        assert!(told.starts_with("MAILPING_BASE_URL: ") && !told.contains("sesame"), "{told}");
    }
}

#[test]
fn the_debug_form_shows_no_secret() {
    let folder = tempfile::tempdir().unwrap();
    let database = folder.path().join("mailping.db").into_os_string();
    let database =
        if cfg!(feature = "postgres") { "postgres://ada:hunter22@localhost/x".into() } else { database };
    let secret = "//////////////////////////////////////////8=";
    let keys = format!("0:{secret}");
    let head = folder.path().join("head").into_os_string().into_string().unwrap();
    let given = [
        TOKEN,
        ("MAILPING_KEYS", &keys),
        ("MAILPING_LOG_ORIGIN", "example.com/receipts"),
        ("MAILPING_LOG_KEY", secret),
        ("MAILPING_LOG_HEAD", &head),
    ];
    let mut all = BTreeMap::from([(OsString::from("MAILPING_DB"), database)]);
    all.extend(given.iter().map(|(name, value)| (name.into(), value.into())));
    let settings = Settings::from_variables(Program::Server, all.into_iter()).unwrap();
    for shown in [format!("{settings:?}"), format!("{settings:#?}")] {
        assert!(shown.contains("MAILPING_KEYS=[redacted]"), "{shown}");
        for hidden in ["hunter22", "//////", TOKEN.1] {
            assert!(!shown.contains(hidden), "{shown}");
        }
    }
}
