//! The roles that a statement creates, read from its text: roles belong to the whole server, so whoever runs the statement
//! must know of them.

use crate::texts::spelled;
use crate::{Identifier, Statement, texts};

/// The names of the roles that a statement creates, including in the bodies of its functions and blocks, as far as they
/// are written out.
pub fn roles_created(statement: &str) -> Vec<String> {
    texts(statement).iter().flat_map(|text| made_in(text)).collect()
}

/// Whether any of these statements creates a role.
pub fn any_creates_role<'a>(statements: impl IntoIterator<Item = &'a Statement>) -> bool {
    statements.into_iter().any(|statement| !roles_created(&statement.text).is_empty())
}

fn made_in(text: &str) -> Vec<String> {
    let words = spelled(text);
    let is = |word: &str, wanted: &[&str]| wanted.iter().any(|wanted| word.eq_ignore_ascii_case(wanted));
    let makes = |three: &&[&str]| {
        is(three[0], &["create"]) && is(three[1], &["role", "user", "group"]) && !is(three[2], &["mapping"])
    };
    words.windows(3).filter(makes).map(|three| Identifier::folded(three[2]).as_str().to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("CREATE ROLE Shop_App NOLOGIN", &["shop_app"])]
    #[case("create user \"Shop \"\"App\"\"\"", &["Shop \"App\""])]
    #[case("DO $x$ BEGIN CREATE ROLE a; EXECUTE 'CREATE GROUP b'; END $x$", &["a", "b"])]
    #[case("-- CREATE ROLE a\nSELECT 1 /* CREATE ROLE b */", &[])]
    #[case("CREATE USER MAPPING FOR a SERVER b", &[])]
    #[case("DROP ROLE a", &[])]
    fn created_roles_are_found(#[case] statement: &str, #[case] roles: &[&str]) {
        assert_eq!(roles_created(statement), roles);
    }
}
