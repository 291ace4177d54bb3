//! Statements that could leave the disposable database: another database, the server's files, its programs, its
//! superusers, its configuration.

use pgproof_runner::migration::{Layout, Statement};

/// Where such statements stand and what they would do; rollbacks too.
pub(super) fn outside(layout: &Layout) -> Vec<String> {
    let statements = layout.migrations.iter().chain(&layout.rollbacks).flat_map(|migration| &migration.statements);
    statements.filter_map(|s| Some(format!("  {}: {}", s.origin, what(s)?))).collect()
}

/// What a statement would do outside the database.
fn what(statement: &Statement) -> Option<&'static str> {
    let words = words(&statement.text);
    let has = |word: &str| words.iter().any(|other| other == word);
    let begins =
        |wanted: &[&str]| words.len() >= wanted.len() && words.iter().zip(wanted).all(|(word, other)| word == other);
    if begins(&["CREATE", "DATABASE"])
        || begins(&["DROP", "DATABASE"])
        || begins(&["ALTER", "DATABASE"]) && has("RENAME")
    {
        Some("it makes, drops or renames a database")
    } else if begins(&["ALTER", "SYSTEM"]) {
        Some("it configures the server")
    } else if begins(&["CREATE", "TABLESPACE"]) || begins(&["LOAD"]) {
        Some("it uses the server's files")
    } else if begins(&["COPY"]) && has("PROGRAM") {
        Some("it runs a program on the server")
    } else if begins(&["COPY"]) && statement.copy_data.is_none() && !has("STDIN") && !has("STDOUT") {
        Some("it reads or writes a file of the server's")
    } else if ["ROLE", "USER", "GROUP"].iter().any(|kind| begins(&["CREATE", kind]) || begins(&["ALTER", kind]))
        && has("SUPERUSER")
    {
        Some("it makes a superuser")
    } else if begins(&["CREATE"]) && has("FUNCTION") && has("LANGUAGE") && (has("C") || has("INTERNAL")) {
        Some("it loads code into the server")
    } else if ["PG_READ_FILE", "PG_LS_DIR", "LO_IMPORT", "LO_EXPORT", "DBLINK", "DBLINK_CONNECT", "PG_READ_BINARY_FILE"]
        .iter()
        .any(|word| has(word))
    {
        Some("it reaches files or other servers")
    } else {
        None
    }
}

/// The words of a statement outside quotes and comments, in upper case.
fn words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut at = 0;
    for token in squawk_lexer::tokenize(text) {
        let end = at + token.len as usize;
        if token.kind == squawk_lexer::TokenKind::Ident {
            words.push(text[at..end].to_uppercase());
        }
        at = end;
    }
    words
}
