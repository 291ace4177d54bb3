//! The condition names of SQLSTATE codes, from PostgreSQL's appendix "PostgreSQL Error Codes" (majors 15 and 18).
//! What to do about a code is in `advice`.

use std::collections::HashMap;
use std::sync::OnceLock;

/// The condition name of a five-character code, such as `undefined_table` for `42P01`, or the name of its class (the
/// first two characters) if PostgreSQL does not define the code itself.
pub fn condition_name(code: &str) -> Option<&'static str> {
    static NAMES: OnceLock<HashMap<&'static str, &'static str>> = OnceLock::new();
    let names =
        NAMES.get_or_init(|| include_str!("sqlstate.tsv").lines().filter_map(|line| line.split_once('\t')).collect());
    names.get(code).copied().or_else(|| {
        let class = format!("{}000", code.get(..2)?);
        names.get(class.as_str()).copied()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_codes_and_falls_back_to_their_class() {
        assert_eq!(condition_name("23505"), Some("unique_violation"));
        assert_eq!(condition_name("23999"), Some("integrity_constraint_violation"));
        assert_eq!(condition_name("ZZ"), None);
    }
}
