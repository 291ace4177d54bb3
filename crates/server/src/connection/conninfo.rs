//! Connection strings (documentation, "libpq": "Connection Strings" and "Parameter Key Words") and their defaults. `uri`
//! takes URIs apart.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::uri::{is_uri, parse_uri};
use super::{AddressError, passfile, service};

pub(super) type Parameters = BTreeMap<String, String>;

/// Keywords that are passed to the driver unchanged.
const DRIVERS: &[&str] = &[
    "user",
    "password",
    "host",
    "hostaddr",
    "port",
    "application_name",
    "connect_timeout",
    "tcp_user_timeout",
    "keepalives",
    "keepalives_idle",
    "keepalives_interval",
    "keepalives_count",
    "keepalives_retries",
    "target_session_attrs",
    "channel_binding",
    "load_balance_hosts",
    "sslnegotiation",
];

/// Keywords that are handled here.
const OURS: &[&str] =
    &["dbname", "options", "sslmode", "sslrootcert", "sslcert", "sslkey", "passfile", "service", "servicefile"];

/// libpq keywords without effect here: pgproof sets its own name and encoding, and has no Kerberos.
const WITHOUT_EFFECT: &[&str] = &[
    "client_encoding",
    "fallback_application_name",
    "gssencmode",
    "krbsrvname",
    "gsslib",
    "gssdelegation",
    "sslcompression",
    "sslsni",
];

/// The environment variables for missing parameters (documentation, "libpq": "Environment Variables").
const VARIABLES: &[(&str, &str)] = &[
    ("host", "PGHOST"),
    ("hostaddr", "PGHOSTADDR"),
    ("port", "PGPORT"),
    ("dbname", "PGDATABASE"),
    ("user", "PGUSER"),
    ("password", "PGPASSWORD"),
    ("passfile", "PGPASSFILE"),
    ("service", "PGSERVICE"),
    ("servicefile", "PGSERVICEFILE"),
    ("options", "PGOPTIONS"),
    ("sslmode", "PGSSLMODE"),
    ("sslrootcert", "PGSSLROOTCERT"),
    ("sslcert", "PGSSLCERT"),
    ("sslkey", "PGSSLKEY"),
    ("sslnegotiation", "PGSSLNEGOTIATION"),
    ("channel_binding", "PGCHANNELBINDING"),
    ("connect_timeout", "PGCONNECT_TIMEOUT"),
    ("target_session_attrs", "PGTARGETSESSIONATTRS"),
    ("load_balance_hosts", "PGLOADBALANCEHOSTS"),
];

/// The values of `sslmode`.
const SSL_MODES: &[&str] = &["disable", "allow", "prefer", "require", "verify-ca", "verify-full"];

/// Whether a connection string holds a password. An invalid one may hold anything.
pub fn has_password(text: &str) -> bool {
    parse(text).is_ok_and(|parameters| parameters.contains_key("password"))
}

/// Whether the driver supports this keyword.
pub(super) fn is_drivers(keyword: &str) -> bool {
    DRIVERS.contains(&keyword)
}

/// The parameters in a connection string.
pub(super) fn parse(text: &str) -> Result<Parameters, AddressError> {
    let scheme = text.split_once("://").map(|(scheme, _)| scheme);
    if !is_uri(text) && scheme.is_some_and(|scheme| !scheme.contains(['=', ' '])) {
        return Err(AddressError::Syntax("a URI begins with postgres:// or postgresql://".to_owned()));
    }
    let parameters = if is_uri(text) { parse_uri(text)? } else { parse_pairs(text)? };
    for keyword in parameters.keys() {
        if !(DRIVERS.contains(&&**keyword) || OURS.contains(&&**keyword) || WITHOUT_EFFECT.contains(&&**keyword)) {
            let why = match &**keyword {
                "replication" => Some("pgproof needs an ordinary session"),
                "sslcrl" | "sslcrldir" => Some("certificate revocation lists are not supported"),
                "sslpassword" => Some("only keys without a password are supported"),
                "requiressl" => Some("use sslmode"),
                _ => None,
            };
            // Anything but a plain word may be part of a password.
            let is_word = !keyword.is_empty()
                && keyword.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
                && keyword.len() < 32;
            let keyword = if is_word { keyword.clone() } else { "a keyword".to_owned() };
            return Err(AddressError::Keyword { keyword, why });
        }
    }
    Ok(parameters)
}

/// Adds the parameters that a connection string omits.
pub(super) fn complete(mut parameters: Parameters) -> Result<Parameters, AddressError> {
    let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let home = std::env::var_os("HOME").map(PathBuf::from).unwrap_or_default();
    parameters.retain(|keyword, value| !value.is_empty() && !WITHOUT_EFFECT.contains(&&**keyword));
    // A service comes before the variables.
    if let Some(name) = parameters.remove("service").or_else(|| variable("PGSERVICE")) {
        let file = parameters.remove("servicefile").or_else(|| variable("PGSERVICEFILE")).map(PathBuf::from);
        let found = service::find(&name, &file.unwrap_or_else(|| home.join(".pg_service.conf")))?;
        let known = parse_known(found)?;
        for (keyword, value) in known {
            parameters.entry(keyword).or_insert(value);
        }
    }
    for (keyword, name) in VARIABLES {
        if let Some(value) = variable(name).filter(|_| !keyword.starts_with("service")) {
            parameters.entry((*keyword).to_owned()).or_insert(value);
        }
    }
    let mut default = |keyword: &str, value: String| {
        parameters.entry(keyword.to_owned()).or_insert(value);
    };
    let user = nix::unistd::User::from_uid(nix::unistd::geteuid()).ok().flatten();
    default("user", user.map_or_else(|| "postgres".to_owned(), |user| user.name));
    default("dbname", "postgres".to_owned());
    default("port", "5432".to_owned());
    // The system's authorities sign certificates for anyone, so the host name must be verified.
    let by_system = parameters.get("sslrootcert").is_some_and(|root| root == "system");
    let mode = parameters
        .entry("sslmode".to_owned())
        .or_insert_with(|| if by_system { "verify-full" } else { "prefer" }.to_owned());
    if by_system && mode != "verify-full" {
        return Err(AddressError::Value { keyword: "sslmode", expected: "only verify-full with sslrootcert=system" });
    }
    if !parameters.contains_key("host") {
        let host = parameters.get("hostaddr").cloned().unwrap_or_else(|| usual_host(&parameters["port"]));
        parameters.insert("host".to_owned(), host);
    }
    // Parameters for which the driver uses other names or units.
    if let Some(count) = parameters.remove("keepalives_count") {
        parameters.insert("keepalives_retries".to_owned(), count);
    }
    if let Some(milliseconds) = parameters.get("tcp_user_timeout").and_then(|text| text.parse::<u64>().ok()) {
        parameters.insert("tcp_user_timeout".to_owned(), milliseconds.div_ceil(1000).to_string());
    }
    if !SSL_MODES.contains(&&*parameters["sslmode"]) {
        let expected = "disable, allow, prefer, require, verify-ca or verify-full";
        return Err(AddressError::Value { keyword: "sslmode", expected });
    }
    let passwords = parameters.remove("passfile").map_or_else(|| home.join(".pgpass"), PathBuf::from);
    if !parameters.contains_key("password")
        && let Some(password) = passfile::find(&passwords, &parameters)?
    {
        parameters.insert("password".to_owned(), password);
    }
    Ok(parameters)
}

/// A value, quoted for a connection string of keywords and values.
pub(super) fn quoted(value: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-./:,@%+~".contains(c);
    if !value.is_empty() && value.chars().all(plain) {
        return value.to_owned();
    }
    format!("'{}'", value.replace('\\', "\\\\").replace('\'', "\\'"))
}

fn parse_known(pairs: Vec<(String, String)>) -> Result<Parameters, AddressError> {
    let text: Vec<String> = pairs.iter().map(|(keyword, value)| format!("{keyword}={}", quoted(value))).collect();
    parse(&text.join(" "))
}

/// libpq's default host: the directory of the socket, else this machine.
fn usual_host(port: &str) -> String {
    let directories = ["/var/run/postgresql", "/run/postgresql", "/tmp"];
    let found = directories.iter().find(|directory| Path::new(directory).join(format!(".s.PGSQL.{port}")).exists());
    found.map_or_else(|| "localhost".to_owned(), |directory| (*directory).to_owned())
}

/// `keyword = value keyword = 'quoted \' value' …`
fn parse_pairs(text: &str) -> Result<Parameters, AddressError> {
    let mut parameters = Parameters::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let (keyword, after) = rest.split_once('=').ok_or_else(|| {
            AddressError::Syntax("expected postgres://user@host/database, or keyword=value pairs".to_owned())
        })?;
        let keyword = keyword.trim();
        if keyword.is_empty() || keyword.contains(char::is_whitespace) {
            return Err(AddressError::Syntax("a keyword must be followed by = and a value".to_owned()));
        }
        let (value, after) = value(after.trim_start(), keyword)?;
        parameters.insert(keyword.to_owned(), value);
        rest = after.trim_start();
    }
    Ok(parameters)
}

/// The value at the start of `text`, and the rest after it.
fn value<'a>(text: &'a str, keyword: &str) -> Result<(String, &'a str), AddressError> {
    let is_quoted = text.starts_with('\'');
    let mut value = String::new();
    let mut characters = text.char_indices().skip(usize::from(is_quoted));
    while let Some((at, c)) = characters.next() {
        match c {
            '\\' => value.extend(characters.next().map(|(_, c)| c)),
            '\'' if is_quoted => return Ok((value, &text[at + 1..])),
            c if c.is_whitespace() && !is_quoted => return Ok((value, &text[at..])),
            c => value.push(c),
        }
    }
    if is_quoted {
        Err(AddressError::Syntax(format!("the value of {keyword} has no closing quote")))
    } else {
        Ok((value, ""))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    fn shown(text: &str) -> String {
        match parse(text) {
            Ok(parameters) => {
                parameters.iter().map(|(keyword, value)| format!("{keyword}={value}")).collect::<Vec<_>>().join(" ")
            }
            Err(error) => error.to_string(),
        }
    }

    #[rstest]
    #[case("postgres://", "")]
    #[case(
        "postgresql://me:p%40ss@db.example.com:6543/shop?sslmode=verify-full",
        "dbname=shop host=db.example.com password=p@ss port=6543 sslmode=verify-full user=me"
    )]
    #[case("postgres://%2Fvar%2Frun%2Fpostgresql/shop", "dbname=shop host=/var/run/postgresql")]
    #[case("postgres:///shop?host=/tmp&port=5433", "dbname=shop host=/tmp port=5433")]
    #[case(
        "postgres://a:1,b/x?target_session_attrs=read-write",
        "dbname=x host=a,b port=1,5432 target_session_attrs=read-write"
    )]
    #[case("postgres://me@[::1]:5433", "host=::1 port=5433 user=me")]
    #[case(
        "postgres://h/db?options=endpoint%3Dep-1&channel_binding=require",
        "channel_binding=require dbname=db host=h options=endpoint=ep-1"
    )]
    #[case("host=db user = 'o\\'brien'  password='a b' ", "host=db password=a b user=o'brien")]
    #[case("host=db passwort=x", "passwort is not supported in a connection string")]
    #[case(
        "postgres://h/db?replication=database",
        "replication is not supported in a connection string: pgproof needs an ordinary session"
    )]
    #[case("local host", "invalid connection string: expected postgres://user@host/database, or keyword=value pairs")]
    #[case("postgres://me:p?s=x@h/db", "dbname=db host=h password=p?s=x user=me")]
    #[case(
        "postgresql+asyncpg://me:hush@db/x?ssl=require",
        "invalid connection string: a URI begins with postgres:// or postgresql://"
    )]
    #[case("me:hush@db?a=b", "a keyword is not supported in a connection string")]
    #[case(
        "postgres://me:p@ss@db/x",
        "invalid connection string: an @ in a user name or password is written %40, and a / is written %2F"
    )]
    #[case(
        "postgres://me:12/ss@db/x",
        "invalid connection string: an @ in a user name or password is written %40, and a / is written %2F"
    )]
    #[case(
        "postgres://me:%zz@db/x",
        "invalid connection string: a % in a URI is followed by two hexadecimal digits; % itself is written %25"
    )]
    #[case(
        "postgres://me@db/x%4",
        "invalid connection string: a % in a URI is followed by two hexadecimal digits; % itself is written %25"
    )]
    #[case("postgres://me:%00@db/x", "invalid connection string: %00 is not allowed in a URI")]
    #[case("postgres://me:%ff@db/x", "invalid connection string: percent-encoded text in a URI is UTF-8")]
    #[case("postgres://[::1/x", "invalid connection string: the [ before an IPv6 address has no ]")]
    #[case("postgres://db/x?host%6Eame=y", "hostname is not supported in a connection string")]
    #[case("password='x", "invalid connection string: the value of password has no closing quote")]
    fn a_string_is_parsed_as_libpq_parses_it(#[case] text: &str, #[case] expected: &str) {
        assert_eq!(shown(text), expected);
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        /// Nothing of a password is in a message, wherever in it the reader stumbles.
        #[test]
        fn any_string_is_parsed_or_rejected(
            start in "(postgres://|postgresql://|host=|)",
            parts in proptest::collection::vec(prop_oneof![
                Just("@"), Just(":"), Just("/"), Just("?"), Just("&"), Just("="), Just("%"), Just("%4"), Just("%00"), Just("%40"),
                Just("'"), Just("\\"), Just(" "), Just(","), Just("["), Just("]"), Just("é"), Just("user"), Just("port=1"), Just("\n"),
            ], 0..20),
        ) {
            let text = format!("{start}{}", parts.concat());
            if let Ok(parameters) = parse(&text) {
                let _ = complete(parameters);
            }
            if let Err(error) = parse(&format!("postgres://me:hush{}@db/x", parts.concat())) {
                prop_assert!(!error.to_string().contains("hush"), "{}", error);
            }
        }

        #[test]
        fn a_quoted_value_round_trips(value in "\\PC*") {
            let parsed = parse(&format!("user={} host=h", quoted(&value))).expect("a string");
            prop_assert_eq!(&parsed["user"], &value);
        }
    }
}
