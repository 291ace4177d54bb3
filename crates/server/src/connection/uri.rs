//! Connection URIs (documentation, "libpq": "Connection URIs"), by libpq's rules. What their parameters mean, `conninfo`
//! knows.

use percent_encoding::percent_decode_str;

use super::AddressError;
use super::conninfo::Parameters;

/// Whether `text` is a connection URI.
pub(super) fn is_uri(text: &str) -> bool {
    text.starts_with("postgres://") || text.starts_with("postgresql://")
}

/// `postgresql://user:password@host:port,host:port/dbname?keyword=value&…`
pub(super) fn parse_uri(text: &str) -> Result<Parameters, AddressError> {
    let rest = text.split_once("://").map(|(_, rest)| rest).unwrap_or_default();
    // A password may contain a question mark, so split off the user info first.
    let (user, rest) = match rest.find('@').filter(|at| !rest[..*at].contains('/')) {
        Some(at) => (&rest[..at], &rest[at + 1..]),
        None => ("", rest),
    };
    let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (hosts, database) = rest.split_once('/').unwrap_or((rest, ""));
    let (user, password) = user.split_once(':').unwrap_or((user, ""));
    // What follows would be taken for a host or database, and shown in messages.
    if hosts.contains('@') || database.contains('@') {
        let how = "an @ in a user name or password is written %40, and a / is written %2F";
        return Err(AddressError::Syntax(how.to_owned()));
    }
    let mut parameters = Parameters::new();
    let mut set = |keyword: &str, value: &str| -> Result<(), AddressError> {
        if !value.is_empty() {
            parameters.insert(keyword.to_owned(), decoded(value)?);
        }
        Ok(())
    };
    set("user", user)?;
    set("password", password)?;
    set("dbname", database)?;
    let mut names = Vec::new();
    let mut ports = Vec::new();
    for host in hosts.split(',') {
        // An IPv6 address is in brackets.
        if host.starts_with('[') && !host.contains(']') {
            return Err(AddressError::Syntax("the [ before an IPv6 address has no ]".to_owned()));
        }
        let (name, port) = match host.strip_prefix('[').and_then(|host| host.split_once(']')) {
            Some((name, port)) => (name, port.strip_prefix(':').unwrap_or_default()),
            None => host.split_once(':').unwrap_or((host, "")),
        };
        names.push(name);
        ports.push(port);
    }
    if names.iter().any(|name| !name.is_empty()) {
        set("host", &names.join(","))?;
    }
    if ports.iter().any(|port| !port.is_empty()) {
        let ports: Vec<&str> = ports.into_iter().map(|port| if port.is_empty() { "5432" } else { port }).collect();
        set("port", &ports.join(","))?;
    }
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (keyword, value) =
            pair.split_once('=').ok_or_else(|| AddressError::Syntax("a parameter after ? has no value".to_owned()))?;
        // An old spelling for JDBC, which libpq accepts.
        if (keyword, value) == ("ssl", "true") {
            set("sslmode", "require")?;
        } else {
            set(&decoded(keyword)?, value)?;
        }
    }
    Ok(parameters)
}

/// A part of a URI without its percent-encoding, by libpq's rules (`conninfo_uri_decode`).
fn decoded(text: &str) -> Result<String, AddressError> {
    let wrong = |problem: &str| AddressError::Syntax(problem.to_owned());
    for (at, _) in text.match_indices('%') {
        match text.as_bytes().get(at + 1..at + 3) {
            Some(b"00") => return Err(wrong("%00 is not allowed in a URI")),
            Some([high, low]) if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => {}
            _ => return Err(wrong("a % in a URI is followed by two hexadecimal digits; % itself is written %25")),
        }
    }
    let decoded = percent_decode_str(text).decode_utf8();
    decoded.map(std::borrow::Cow::into_owned).map_err(|_| wrong("percent-encoded text in a URI is UTF-8"))
}
