//! The settings under which a value has the same text on every server, whatever is configured there.

use pgproof_server::{DatabaseError, Session};
use pgproof_sql::quote::literal;

/// The settings that decide how values are printed (documentation, "Client Connection Defaults"), and what they are while
/// values are read.
const SETTINGS: [(&str, &str); 7] = [
    ("datestyle", "ISO, YMD"),
    ("intervalstyle", "postgres"),
    ("timezone", "UTC"),
    ("extra_float_digits", "1"),
    ("bytea_output", "hex"),
    ("lc_monetary", "C"),
    // Names of objects are printed with their schemas.
    ("search_path", ""),
];

/// Runs `read` while values are printed as on every other server, and leaves the session as it was. In a transaction that
/// an error aborts, the end of the transaction does that.
pub fn printed_alike<T, E: From<DatabaseError>>(
    session: &mut Session,
    read: impl FnOnce(&mut Session) -> Result<T, E>,
) -> Result<T, E> {
    let now = SETTINGS.map(|(name, _)| format!("current_setting({})", literal(name))).join(", ");
    let before: Vec<Option<String>> = session.rows(&format!("SELECT {now}"))?.into_iter().flatten().collect();
    let set = |values: &[&str]| {
        let settings = SETTINGS.iter().zip(values);
        let calls =
            settings.map(|((name, _), value)| format!("set_config({}, {}, false)", literal(name), literal(value)));
        format!("SELECT {}", calls.collect::<Vec<_>>().join(", "))
    };
    session.run(&set(&SETTINGS.map(|(_, value)| value)))?;
    let result = read(session);
    let before: Vec<&str> = before.iter().map(|value| value.as_deref().unwrap_or_default()).collect();
    let restored = session.run(&set(&before));
    // The first error is the cause.
    let value = result?;
    restored?;
    Ok(value)
}
