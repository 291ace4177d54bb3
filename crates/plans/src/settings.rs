//! The settings with which a query is planned: every setting that can change a plan or its output has an explicit
//! value, so that neither the machine's configuration nor the defaults of a major version have any effect.

use std::collections::BTreeMap;

use pgproof_server::{DatabaseError, Session};
use pgproof_sql::{quote::identifier, quote::literal};

use super::config::Setting;

/// Settings outside the "Query Tuning" categories, and those whose defaults differ between major versions (PostgreSQL's
/// documentation, "Server Configuration").
const PINNED: &[(&str, &str)] = &[
    ("bytea_output", "hex"),
    ("datestyle", "ISO, MDY"),
    ("default_statistics_target", "100"),
    ("extra_float_digits", "1"),
    ("hash_mem_multiplier", "2"),
    ("intervalstyle", "postgres"),
    ("jit", "off"),
    ("max_parallel_workers_per_gather", "0"),
    ("plan_cache_mode", "auto"),
    ("quote_all_identifiers", "off"),
    ("search_path", "\"$user\", public"),
    ("timezone", "UTC"),
    ("work_mem", "4MB"),
];

/// The statements that pin the settings of a session: PostgreSQL's defaults, then the configured values.
pub(super) fn pin(session: &mut Session, configured: &BTreeMap<String, Setting>) -> Result<String, DatabaseError> {
    let tuning = "SELECT name, boot_val FROM pg_settings \
                  WHERE category LIKE 'Query Tuning%' AND context = 'user' AND boot_val IS NOT NULL ORDER BY name";
    let known = session.rows("SELECT name FROM pg_settings")?;
    // pg_settings spells some names with capital letters.
    let is_known = |name: &str| known.iter().flatten().flatten().any(|known| known.eq_ignore_ascii_case(name));
    let mut values: BTreeMap<String, String> = BTreeMap::new();
    for row in session.rows(tuning)? {
        if let [Some(name), Some(value)] = row.as_slice() {
            values.insert(name.clone(), value.clone());
        }
    }
    let pinned = PINNED.iter().filter(|(name, _)| is_known(name));
    values.extend(pinned.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
    values.extend(configured.iter().map(|(name, value)| (name.clone(), value.to_string())));
    Ok(values.iter().map(|(name, value)| set(name, value)).collect())
}

fn set(name: &str, value: &str) -> String {
    // A list of names has one value per name, rather than one text.
    let value = if name == "search_path" { value.to_owned() } else { literal(value) };
    format!("SET {} = {value};\n", identifier(name))
}
