//! The roles that scripts create on an external server. Roles belong to the whole server, so each is recorded in the
//! owner tag of the database that its script runs in, before it is created: removing the database removes the role.

use squawk_lexer::{TokenKind, tokenize};

use crate::DatabaseError;
use crate::Session;
use crate::ending::owner_tag::Belongings;
use crate::ending::owner_tag::OwnerTag;
use crate::ending::owner_tag::Role;
use crate::ending::owner_tag::alone;
use crate::ending::owner_tag::run_of;
use pgproof_sql::texts;
use pgproof_sql::{quote::identifier, quote::literal};

/// Records, in the owner tag of the session's database, the roles that these statements will create or, afterwards,
/// have created. On a server of our own nothing is recorded. A role that existed before and belongs to no run is left
/// alone.
pub fn note<'a>(session: &mut Session, statements: impl Iterator<Item = &'a str>) -> Result<(), DatabaseError> {
    let address = session.address().clone();
    let Some(run) = run_of(&address) else { return Ok(()) };
    let made: Vec<String> = statements.flat_map(made_by).collect();
    if made.is_empty() {
        return Ok(());
    }
    let database = session.database().to_owned();
    let mut maintenance = Session::open(&address, address.maintenance())?;
    alone(&mut maintenance, |maintenance| {
        let found = Belongings::of_all(maintenance)?;
        let read = format!(
            "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = {}",
            literal(&database)
        );
        let before = maintenance.value(&read)?.and_then(|comment| OwnerTag::parse(&comment));
        let mut tag = before.unwrap_or_else(|| OwnerTag { run: run.to_owned(), roles: Vec::new() });
        for name in made.into_iter().filter(|name| !found.is_foreign(name)) {
            let oid = found.oid(&name);
            match tag.roles.iter_mut().find(|role| role.name == name) {
                Some(role) => role.oid = oid,
                None => tag.roles.push(Role { name, oid }),
            }
        }
        let comment = format!("COMMENT ON DATABASE {} IS {}", identifier(&database), literal(&tag.text()));
        maintenance.run(&comment)?;
        // A non-superuser needs membership to act as a role. If the grant fails, the tests report it.
        let is_superuser = maintenance.value("SHOW is_superuser")?.as_deref() == Some("on");
        for role in tag.roles.iter().filter(|role| role.oid.is_some() && !is_superuser) {
            let _ = maintenance.run(&format!("GRANT {} TO CURRENT_USER", identifier(&role.name)));
        }
        Ok(())
    })
}

/// The roles that a statement creates, including in the bodies of its functions and blocks.
fn made_by(statement: &str) -> Vec<String> {
    texts(statement).iter().flat_map(|text| made_in(text)).collect()
}

fn made_in(text: &str) -> Vec<String> {
    let mut words: Vec<&str> = Vec::new();
    let mut at = 0;
    for token in tokenize(text) {
        let word = &text[at..at + token.len as usize];
        at += token.len as usize;
        if !matches!(token.kind, TokenKind::Whitespace | TokenKind::LineComment | TokenKind::BlockComment { .. }) {
            words.push(word);
        }
    }
    let is = |word: &str, wanted: &[&str]| wanted.iter().any(|wanted| word.eq_ignore_ascii_case(wanted));
    let makes = |three: &&[&str]| {
        is(three[0], &["create"]) && is(three[1], &["role", "user", "group"]) && !is(three[2], &["mapping"])
    };
    let name = |word: &str| match word.strip_prefix('"').and_then(|word| word.strip_suffix('"')) {
        Some(quoted) => quoted.replace("\"\"", "\""),
        None => word.to_lowercase(),
    };
    words.windows(3).filter(makes).map(|three| name(three[2])).collect()
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
        assert_eq!(made_by(statement), roles);
    }
}
