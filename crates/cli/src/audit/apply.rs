//! Applies migrations so that every error is found: statement by statement, continuing after errors, and distinguishing
//! statements that fail only because an earlier one did.

use pgproof_server::SqlState;
use std::collections::{BTreeMap, BTreeSet};

use pgproof_runner::CloneDatabase;
use pgproof_runner::isolation::Template;
use pgproof_server::{DatabaseError, Reported, Session};
use pgproof_sql::Transaction;
use pgproof_sql::{Layout, Migration, ObjectId, ObjectKind, Provenance, Statement, Style, is_valid, roles_created};

use super::danger;
use super::finding::Finding;
use super::rule::Rule;

/// The newest major version whose syntax the parser knows.
const NEWEST_KNOWN: u16 = 18;

/// The objects that failed statements would have created, by name, with the number of the finding.
type Missing = BTreeMap<String, usize>;

/// How the migrations applied.
#[derive(Debug, Default)]
pub(super) struct Applied {
    pub(super) findings: Vec<Finding>,
    /// The statements that failed: which file and which statement of it, from 0. All of a file whose COMMIT failed.
    pub(super) failed: BTreeSet<(usize, usize)>,
}

/// Applies all migrations, each in a session in its initial state, and returns a finding for each statement that fails.
pub(super) fn apply_all(
    database: &CloneDatabase,
    layout: &Layout,
    template: &Template,
) -> Result<Applied, DatabaseError> {
    let (major, few_rights) = (template.major(), template.owner().is_some());
    let Applied { mut findings, mut failed } = Applied::default();
    let mut missing = Missing::new();
    let mut session = database.migration_session()?;
    for (file, migration) in layout.migrations.iter().enumerate() {
        // Like the tool: the file in a transaction, unless it opts out or controls transactions itself.
        let own = migration.statements.iter().any(controls);
        let opted_out = layout.without_transaction.contains(&migration.number);
        // Flyway detects files that cannot run in a transaction.
        let cannot = layout.style == Style::Flyway && migration.statements.iter().any(Statement::needs_no_transaction);
        let whole = layout.style.transaction() == Transaction::File && !own && !opted_out && !cannot;
        let mut in_block = whole;
        // Where the file began the block: all of it is lost if its COMMIT fails.
        let mut block = 0;
        if whole {
            session.run("BEGIN")?;
        }
        for (number_in_file, statement) in migration.statements.iter().enumerate() {
            let error = match execute(&mut session, statement, in_block) {
                Ok(Ok(())) => {
                    let is_in_block = after(statement, in_block);
                    if is_in_block && !in_block {
                        block = number_in_file;
                    }
                    in_block = is_in_block;
                    continue;
                }
                Ok(Err(error)) => error,
                Err(error) => {
                    findings.push(lost(statement, error, session.is_closed())?);
                    failed.insert((file, number_in_file));
                    // Whatever it had begun is gone with its session.
                    session = database.migration_session()?;
                    in_block = false;
                    continue;
                }
            };
            failed.insert((file, number_in_file));
            if controls(statement) {
                // After a failed control statement no transaction block can continue.
                session.run("ROLLBACK")?;
                if in_block {
                    failed.extend((block..number_in_file).map(|lost| (file, lost)));
                }
                in_block = false;
            }
            let number = findings.len() + 1;
            let follows_from = follows(&error, statement, &missing);
            for name in made(statement) {
                missing.entry(name).or_insert(follows_from.unwrap_or(number));
            }
            let found = finding(statement, &error, follows_from, major);
            findings.push(if few_rights && error.has(&SqlState::INSUFFICIENT_PRIVILEGE) {
                lacking(found, statement, template)
            } else {
                found
            });
            if error.ends_session() || session.is_closed() {
                session = database.migration_session()?;
                in_block = false;
            }
        }
        if whole {
            if let Some(finding) = commit(&mut session, migration)? {
                findings.push(finding);
                failed.extend((0..migration.statements.len()).map(|number| (file, number)));
            }
        } else if in_block {
            let at = migration.statements.last().map(|statement| statement.origin.clone());
            let message = "the file ends inside a transaction block, so its changes are rolled back".to_owned();
            findings.push(Finding::new(Rule::Applies, at, message).advised("end it with COMMIT"));
            failed.extend((0..migration.statements.len()).map(|number| (file, number)));
        }
        // The next file begins with a session in its initial state; rejected in a transaction that is still open.
        if session.is_closed() || session.run("DISCARD ALL").is_err() {
            session = database.migration_session()?;
        }
    }
    Ok(Applied { findings, failed })
}

/// Runs a statement; inside a transaction block in a savepoint, so that the block can continue.
fn execute(
    session: &mut Session,
    statement: &Statement,
    in_block: bool,
) -> Result<Result<(), Box<Reported>>, DatabaseError> {
    let guarded = in_block && !controls(statement);
    if guarded {
        session.run("SAVEPOINT audit")?;
    }
    let limit = session.deadlines().statement;
    let done = session.within(limit, |session| match &statement.copy_data {
        Some(data) => session.copy_in(&statement.text, data.as_bytes()).map(|_| ()),
        None => session.run(&statement.text),
    });
    match done {
        Ok(()) => {
            if guarded {
                session.run("RELEASE audit")?;
            }
            Ok(Ok(()))
        }
        Err(DatabaseError::Reported(report)) => {
            if guarded && !report.ends_session() && !session.is_closed() {
                session.run("ROLLBACK TO audit; RELEASE audit")?;
            }
            Ok(Err(report))
        }
        Err(error) => Err(error),
    }
}

fn first_word(statement: &Statement) -> String {
    statement.text.split_whitespace().next().unwrap_or_default().to_uppercase()
}

/// Whether a statement controls transactions.
fn controls(statement: &Statement) -> bool {
    let words = ["COMMIT", "ROLLBACK", "END", "ABORT", "BEGIN", "START", "SAVEPOINT", "RELEASE"];
    words.contains(&first_word(statement).as_str()) || says(statement, &["PREPARE", "TRANSACTION"])
}

/// Whether a transaction block is open after a statement.
fn after(statement: &Statement, in_block: bool) -> bool {
    match first_word(statement).as_str() {
        "BEGIN" | "START" => true,
        "ROLLBACK" if statement.text.to_uppercase().split_whitespace().any(|word| word == "TO") => in_block,
        "COMMIT" | "END" | "ABORT" | "ROLLBACK" => says(statement, &["AND", "CHAIN"]),
        "PREPARE" => in_block && !says(statement, &["PREPARE", "TRANSACTION"]),
        _ => in_block,
    }
}

/// Whether these words follow one another in a statement.
fn says(statement: &Statement, wanted: &[&str]) -> bool {
    let text = statement.text.to_uppercase();
    let words: Vec<&str> = text.split_whitespace().collect();
    words.windows(wanted.len()).any(|words| words == wanted)
}

/// Commits the transaction of a file, which may violate deferred constraints.
fn commit(session: &mut Session, migration: &Migration) -> Result<Option<Finding>, DatabaseError> {
    match session.run("COMMIT") {
        Ok(()) => Ok(None),
        Err(DatabaseError::Reported(report)) => {
            let at = migration.statements.last().map(|statement| statement.origin.clone());
            let (condition, said) = (report.condition(), &report.message);
            let message = format!("COMMIT at the end of the file failed with {condition}: {said}");
            Ok(Some(Finding::new(Rule::Applies, at, message)))
        }
        Err(error) => Err(error),
    }
}

/// The finding that this error follows from: the statement refers to a missing object that a failed statement would
/// have created.
fn follows(report: &Reported, statement: &Statement, missing: &Missing) -> Option<usize> {
    // undefined_table, _column, _object, _function, _schema; other errors have their own cause.
    let undefined = [
        SqlState::UNDEFINED_TABLE,
        SqlState::UNDEFINED_COLUMN,
        SqlState::UNDEFINED_OBJECT,
        SqlState::UNDEFINED_FUNCTION,
        SqlState::INVALID_SCHEMA_NAME,
    ]
    .iter()
    .any(|state| report.has(state));
    let word =
        |text: &str| text.split(|c: char| !c.is_alphanumeric() && c != '_').map(str::to_lowercase).collect::<Vec<_>>();
    let cause = match report.position {
        // The server reports the position of the missing name; in `a.b` either may be missing.
        Some(position) => {
            let from: String = statement.text.chars().skip(position as usize - 1).collect();
            let name =
                from.split(|c: char| !c.is_alphanumeric() && !matches!(c, '_' | '.' | '"')).next().unwrap_or_default();
            word(name).into_iter().find_map(|name| missing.get(&name).copied())
        }
        None => word(&statement.text).into_iter().filter_map(|word| missing.get(&word).copied()).min(),
    };
    cause.filter(|_| undefined)
}

/// The names of the objects that a statement creates, folded as by PostgreSQL.
fn made(statement: &Statement) -> Vec<String> {
    let migration = Migration { number: 0, file: statement.origin.file.clone(), statements: vec![statement.clone()] };
    let provenance = Provenance::of(&[migration]);
    let creates = statement.kind().starts_with("CREATE");
    // Columns of a table that does not exist either are reported with it.
    let counts = |object: &&ObjectId| match object.kind() {
        ObjectKind::Column => !creates,
        ObjectKind::Constraint | ObjectKind::DomainConstraint => false,
        _ => true,
    };
    provenance.objects().filter(counts).map(|object| object.name().as_str().to_lowercase()).collect()
}

fn finding(statement: &Statement, report: &Reported, follows_from: Option<usize>, major: u16) -> Finding {
    let at =
        report.position.map_or_else(|| statement.origin.clone(), |position| statement.origin_at_position(position));
    let mut message = format!("{} failed with {}: {}", statement.kind(), report.condition(), report.message);
    for (label, text) in [("detail", &report.detail), ("hint", &report.hint)] {
        if let Some(text) = text {
            message.push_str(&format!("\n{label}: {text}"));
        }
    }
    // syntax_error, and unknown options.
    let unknown = [SqlState::SYNTAX_ERROR, SqlState::INVALID_PARAMETER_VALUE].iter().any(|state| report.has(state));
    let newer = unknown && major < NEWEST_KNOWN && is_valid(&statement.text);
    let alone = report.has(&SqlState::ACTIVE_SQL_TRANSACTION);
    let advice = if alone {
        Some(
            "the tool runs each file in a transaction: move the statement to a file of its own that opts out of that"
                .to_owned(),
        )
    } else if newer {
        Some(format!("the syntax is valid in a newer PostgreSQL than {major}: try it on {NEWEST_KNOWN}"))
    } else {
        pgproof_server::advice::for_statement(report, statement)
    };
    Finding { advice, follows_from, ..Finding::new(Rule::Applies, Some(at), message) }
}

/// The finding for a statement that was ended from outside, or after which the session was gone. If the server is gone, the
/// next session says so.
fn lost(statement: &Statement, error: DatabaseError, is_closed: bool) -> Result<Finding, DatabaseError> {
    let kind = statement.kind();
    let (rule, message) = match error {
        DatabaseError::Deadline { limit } => {
            let took = humantime::format_duration(limit);
            (Rule::Deadline, format!("{kind} did not end within {took}, so it was ended"))
        }
        DatabaseError::Connection(_) if is_closed => {
            (Rule::Applies, format!("{kind} ended the session, so the rest of its transaction is lost"))
        }
        error => return Err(error),
    };
    Ok(Finding::new(rule, Some(statement.origin.clone()), message).advised(rule.help()))
}

/// The finding for a statement that needs more than to own the database.
fn lacking(found: Finding, statement: &Statement, template: &Template) -> Finding {
    let outside =
        "run it on an expendable server with --allow-outside, or do without it: managed services refuse it too";
    let advice = if statement.kind() == "CREATE EXTENSION" {
        "name it with --extension, and a superuser creates it beforehand; managed services create those on their own list"
            .to_owned()
    } else {
        // What PostgreSQL's message does not say.
        let creates_role = !roles_created(&statement.text).is_empty();
        match danger::what(statement) {
            Some(what) => format!("{what}, for which owning the database is not enough; {outside}"),
            None if creates_role && template.major() < 16 && template.handle().run.is_some() => {
                "before PostgreSQL 16, a role that may create roles could reach programs and files of an external server; \
                 create the roles in a file for --prelude"
                    .to_owned()
            }
            None => format!("owning the database is not enough for it; {outside}"),
        }
    };
    Finding { rule: Rule::Privileges, advice: Some(advice), ..found }
}
