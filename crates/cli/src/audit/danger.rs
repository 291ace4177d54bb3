//! Statements that reach outside the disposable database: other databases, and the server's files, programs, superusers
//! and configuration.

use pgproof_sql::{Layout, Statement, texts};

/// The location and effect of such statements, including those in rollbacks.
pub(super) fn outside(layout: &Layout) -> Vec<String> {
    let statements = layout.migrations.iter().chain(&layout.rollbacks).flat_map(|migration| &migration.statements);
    statements.filter_map(|s| Some(format!("  {}: {}", s.origin, what(s)?))).collect()
}

/// What a statement would do outside the database, including in the bodies of functions and DO blocks.
pub(super) fn what(statement: &Statement) -> Option<&'static str> {
    texts(&statement.text).iter().find_map(|text| in_text(&words(text), statement.copy_data.is_some()))
}

/// Extensions that run code on the server, or reach files or other servers.
const EXTENSIONS: &[&str] = &[
    "PLPYTHON3U",
    "PLPYTHONU",
    "PLPERLU",
    "PLTCLU",
    "PLSH",
    "FILE_FDW",
    "POSTGRES_FDW",
    "DBLINK",
    "ADMINPACK",
    "PG_CRON",
];

fn in_text(words: &[String], has_rows: bool) -> Option<&'static str> {
    let has = |word: &str| words.iter().any(|other| other == word);
    let follow =
        |wanted: &[&str]| words.windows(wanted.len()).any(|words| words.iter().zip(wanted).all(|(a, b)| a == b));
    let role = |verb: &str| ["ROLE", "USER", "GROUP"].iter().any(|kind| follow(&[verb, kind]));
    let copies = words.iter().position(|word| word == "COPY");
    // The word after FROM or TO decides whether a COPY uses the client.
    let to_client = |from: usize| {
        let target = words[from..].windows(2).find(|pair| pair[0] == "FROM" || pair[0] == "TO");
        target.is_some_and(|pair| pair[1] == "STDIN" || pair[1] == "STDOUT")
    };
    if follow(&["CREATE", "DATABASE"]) || follow(&["DROP", "DATABASE"]) || follow(&["ALTER", "DATABASE"]) {
        Some("it creates, drops or alters a database")
    } else if follow(&["ALTER", "SYSTEM"]) {
        Some("it changes the configuration of the server")
    } else if has("TABLESPACE") && (follow(&["CREATE", "TABLESPACE"]) || follow(&["DROP", "TABLESPACE"])) {
        Some("it uses the server's files")
    } else if copies.is_some() && has("PROGRAM") {
        Some("it runs a program on the server")
    } else if !has_rows && copies.is_some_and(|at| (has("FROM") || has("TO")) && !to_client(at)) {
        Some("it reads or writes a file on the server")
    } else if (role("CREATE") || role("ALTER")) && has("SUPERUSER") {
        Some("it creates a superuser")
    } else if role("DROP") || role("ALTER") && has("SET") {
        Some("it changes roles, which belong to the whole server")
    } else if follow(&["LANGUAGE", "C"])
        || follow(&["LANGUAGE", "INTERNAL"])
        || words.first().is_some_and(|word| word == "LOAD")
    {
        Some("it loads code into the server")
    } else if has("EXTENSION") && EXTENSIONS.iter().any(|name| has(name)) {
        Some("it uses an extension that reaches files, programs or other servers")
    } else if follow(&["CREATE", "SERVER"]) || follow(&["CREATE", "SUBSCRIPTION"]) {
        Some("it reaches other servers")
    } else if words.iter().any(|word| reaches(word)) {
        Some("it reaches files, programs, other sessions or other servers")
    } else {
        None
    }
}

/// Functions and roles that reach outside the database.
fn reaches(word: &str) -> bool {
    const BEGINNINGS: &[&str] =
        &["PG_READ_", "PG_LS_", "PG_STAT_FILE", "PG_EXECUTE_SERVER", "PG_WRITE_SERVER", "DBLINK_"];
    const NAMES: &[&str] = &[
        "LO_IMPORT",
        "LO_EXPORT",
        "DBLINK",
        "PG_TERMINATE_BACKEND",
        "PG_CANCEL_BACKEND",
        "PG_RELOAD_CONF",
        "PG_ROTATE_LOGFILE",
    ];
    BEGINNINGS.iter().any(|beginning| word.starts_with(beginning)) || NAMES.contains(&word)
}

/// The words of a statement outside comments, in upper case; a quoted text counts if it is one word.
fn words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut at = 0;
    for token in squawk_lexer::tokenize(text) {
        let end = at + token.len as usize;
        let spelled = text[at..end].trim_matches(['"', '\'']);
        let is_word = |text: &str| !text.is_empty() && text.chars().all(|c| c.is_alphanumeric() || c == '_');
        let kind = token.kind;
        let counts = matches!(
            kind,
            squawk_lexer::TokenKind::Ident
                | squawk_lexer::TokenKind::QuotedIdent { .. }
                | squawk_lexer::TokenKind::Literal { .. }
        );
        if counts && is_word(spelled) {
            words.push(spelled.to_uppercase());
        }
        at = end;
    }
    words
}
