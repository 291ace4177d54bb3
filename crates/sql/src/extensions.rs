//! The extensions that migrations create. Statements on those that somebody else creates are left out.

use crate::texts::spelled;
use crate::{Identifier, Migration};

/// Leaves out the statements that create, drop, update or comment on one of these extensions, which exist already and
/// belong to a superuser.
pub fn leave_out_extensions(migrations: &mut [Migration], extensions: &[String]) {
    if extensions.is_empty() {
        return;
    }
    for migration in migrations {
        migration
            .statements
            .retain(|statement| extension_of(&statement.text).is_none_or(|name| !extensions.contains(&name)));
    }
}

/// The extensions that migrations create, in order, each once.
pub fn extensions_created(migrations: &[Migration]) -> Vec<String> {
    let statements = migrations.iter().flat_map(|migration| &migration.statements);
    let mut names = Vec::new();
    for statement in statements.filter(|statement| statement.kind() == "CREATE EXTENSION") {
        names.extend(extension_of(&statement.text).filter(|name| !names.contains(name)));
    }
    names
}

/// The extension that a statement is about, if it is about one.
fn extension_of(statement: &str) -> Option<String> {
    let words = spelled(statement);
    let is = |at: usize, wanted: &[&str]| {
        words.get(at).is_some_and(|word| wanted.iter().any(|wanted| word.eq_ignore_ascii_case(wanted)))
    };
    let mut at = match (is(0, &["create", "drop", "alter"]), is(0, &["comment"]) && is(1, &["on"])) {
        (true, _) => 1,
        (_, true) => 2,
        _ => return None,
    };
    if !is(at, &["extension"]) {
        return None;
    }
    at += 1;
    while is(at, &["if", "not", "exists"]) {
        at += 1;
    }
    Some(Identifier::folded(words.get(at)?).as_str().to_owned())
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("CREATE EXTENSION IF NOT EXISTS PostGIS WITH SCHEMA public", Some("postgis"))]
    #[case("create extension \"uuid-ossp\"", Some("uuid-ossp"))]
    #[case("DROP EXTENSION /* both */ IF EXISTS postgis", Some("postgis"))]
    #[case("COMMENT ON EXTENSION postgis IS 'maps'", Some("postgis"))]
    #[case("CREATE TABLE extension (postgis int)", None)]
    #[case("SELECT 'CREATE EXTENSION postgis'", None)]
    fn the_extension_of_a_statement_is_found(#[case] statement: &str, #[case] name: Option<&str>) {
        assert_eq!(extension_of(statement).as_deref(), name);
    }
}
