//! What to do about a failed statement: one SQLSTATE has several causes, and the kind of statement decides which. Where it
//! decides nothing, the advice of the code alone stands.

use pgproof_sql::{Identifier, Statement};

use super::extensions::providing;
use crate::Reported;

/// Statements that put rows into tables, or change them.
const WRITES: &[&str] = &["INSERT", "UPDATE", "DELETE", "MERGE", "COPY", "WITH"];

/// Statements that create an object in a schema.
const CREATES: &[&str] = &[
    "CREATE TABLE",
    "CREATE VIEW",
    "CREATE MATERIALIZED VIEW",
    "CREATE SEQUENCE",
    "CREATE FUNCTION",
    "CREATE PROCEDURE",
    "CREATE TYPE",
    "CREATE DOMAIN",
    "CREATE AGGREGATE",
    "CREATE OPERATOR",
    "CREATE COLLATION",
];

/// What to do about this statement's error, one step per line; `None` if there is nothing to add to what PostgreSQL says.
pub fn for_statement(report: &Reported, statement: &Statement) -> Option<String> {
    let kind = statement.kind();
    let known = match report.sqlstate.as_str() {
        "0A000" => unsupported(&kind, statement),
        "58P01" if kind == "CREATE EXTENSION" => INSTALL.to_owned(),
        "58P01" => "the server does not find the file: a path in SQL is one on the server's machine, and a library must be installed there".to_owned(),
        "42501" => privilege(&kind)?,
        "42P07" | "42710" | "42723" | "42P06" => exists(&kind, &report.sqlstate),
        "42701" if kind == "CREATE TABLE" => "the statement names the column twice: remove one of them".to_owned(),
        "42701" => "the column already exists, as expected if the file is run again: write ADD COLUMN IF NOT EXISTS".to_owned(),
        "23505" => duplicate(&kind),
        "42883" | "42704" => return undefined(report, statement, &kind),
        "22P02" if report.position.is_none() => format!("{UNSET}\n{EMPTY}"),
        "23502" | "23503" | "23514" if kind == "ALTER TABLE" => {
            "rows that exist violate the constraint: correct them in an earlier step\nor add the constraint with NOT VALID, and VALIDATE CONSTRAINT once they are correct".to_owned()
        }
        "2BP01" => "other objects depend on it: drop those first, in an earlier statement\nCASCADE drops them too, whatever they are".to_owned(),
        "25001" => "the statement cannot run in a transaction: move it to a file of its own, without BEGIN".to_owned(),
        "57014" | "55P03" if kind == "CREATE INDEX" => {
            "the table is large, or in use: build the index with CREATE INDEX CONCURRENTLY, in a file of its own\nor raise the timeout: SET statement_timeout = '5min'".to_owned()
        }
        code => return super::for_sqlstate(code).map(str::to_owned),
    };
    Some(known)
}

/// An extension that is not there to be created.
const INSTALL: &str = "see which extensions the server has: SELECT * FROM pg_available_extensions
install the package that provides it (Debian: postgresql-contrib), or enable it in the console of a managed database";

/// A setting that names the tenant, in a policy or a default.
const UNSET: &str =
    "if the value comes from a setting, as that of a tenant, set it before: SET app.current_tenant_id = '…'";

/// What such a setting is, after a transaction has set it.
const EMPTY: &str = "a setting that was set before is '' and not NULL: write NULLIF(current_setting('…', true), '')::uuid in the policy";

fn unsupported(kind: &str, statement: &Statement) -> String {
    const KEY: &str =
        "a primary key or unique constraint of a partitioned table must include every column of its partition key";
    match kind {
        "CREATE EXTENSION" => INSTALL.to_owned(),
        "CREATE TABLE" if statement.has_words(&["PARTITION", "BY"]) => format!("{KEY}: add them to it"),
        "ALTER TABLE" | "CREATE INDEX" => format!(
            "if the table is partitioned: {KEY}\notherwise compare the version of the server with the documentation of {kind}"
        ),
        "INSERT" | "COPY" | "UPDATE" => "the relation cannot be written like this: write to the table itself, or give the view an INSTEAD OF trigger".to_owned(),
        _ => format!("this server does not support it: compare the version of the server with the documentation of {kind}"),
    }
}

fn privilege(kind: &str) -> Option<String> {
    const ALL: &str = "have the owner of the schema run: GRANT ALL ON SCHEMA public TO the role
on a managed database, ask its administrator; since PostgreSQL 15, public is not open to everybody";
    const OWNER: &str = "only the owner of the object may do this: run the migrations as the role that created it\nor have it run: ALTER … OWNER TO the role, or GRANT itself TO the role";
    Some(match kind {
        "CREATE EXTENSION" => {
            "for a trusted extension, have the owner of the database run: GRANT CREATE ON DATABASE … TO the role
any other needs a superuser, or the console of a managed database; once it is there, IF NOT EXISTS passes it over"
                .to_owned()
        }
        "CREATE SCHEMA" | "CREATE PUBLICATION" => {
            "have the owner of the database run: GRANT CREATE ON DATABASE … TO the role".to_owned()
        }
        "CREATE ROLE" | "CREATE USER" | "ALTER ROLE" => {
            "the role needs CREATEROLE: create roles by an administrator, before the migrations".to_owned()
        }
        "CREATE DATABASE" => "the role needs CREATEDB".to_owned(),
        "SET" => {
            "the setting is one for superusers; a superuser may run GRANT SET ON PARAMETER … TO the role (15 or newer)"
                .to_owned()
        }
        kind if CREATES.contains(&kind) => ALL.to_owned(),
        "ALTER TABLE" | "CREATE INDEX" | "CREATE POLICY" | "CREATE TRIGGER" | "COMMENT ON" | "CREATE RULE" => {
            OWNER.to_owned()
        }
        kind if kind.starts_with("ALTER") || kind.starts_with("DROP") => OWNER.to_owned(),
        "SELECT" => {
            "have the owner of the table or function run: GRANT SELECT (or EXECUTE) ON … TO the role".to_owned()
        }
        kind if WRITES.contains(&kind) => {
            "have the owner of the table run: GRANT SELECT, INSERT, UPDATE, DELETE ON … TO the role
if a policy rejected the row: set the tenant before, or run the seed as a role that row security does not apply to"
                .to_owned()
        }
        _ => return super::for_sqlstate("42501").map(str::to_owned),
    })
}

fn exists(kind: &str, code: &str) -> String {
    let how = match kind {
        "CREATE TABLE"
        | "CREATE INDEX"
        | "CREATE SEQUENCE"
        | "CREATE SCHEMA"
        | "CREATE EXTENSION"
        | "CREATE MATERIALIZED VIEW" => {
            format!("make the statement repeatable: {kind} IF NOT EXISTS")
        }
        "CREATE VIEW" | "CREATE FUNCTION" | "CREATE PROCEDURE" | "CREATE AGGREGATE" | "CREATE RULE" => {
            format!("make the statement repeatable: {}", kind.replacen("CREATE", "CREATE OR REPLACE", 1))
        }
        "CREATE TRIGGER" => {
            "make the statement repeatable: CREATE OR REPLACE TRIGGER, or DROP TRIGGER IF EXISTS before it".to_owned()
        }
        "CREATE POLICY" => "CREATE POLICY has no IF NOT EXISTS: write DROP POLICY IF EXISTS before it".to_owned(),
        "ALTER TABLE" if code == "42710" => {
            "make the statement repeatable: DROP CONSTRAINT IF EXISTS before ADD CONSTRAINT".to_owned()
        }
        "ALTER TABLE" => "make the statement repeatable: a renamed or added object has its new name already".to_owned(),
        "CREATE TYPE" | "CREATE DOMAIN" | "CREATE ROLE" | "CREATE USER" => {
            format!("{kind} has no IF NOT EXISTS: guard it in a DO block that catches duplicate_object")
        }
        _ => "write DROP … IF EXISTS before it, or guard it in a DO block".to_owned(),
    };
    format!(
        "it already exists: this migration, or a part of it, has run before; \\dt in psql shows what is there\n{how}\nor roll back just this step and run it again"
    )
}

fn duplicate(kind: &str) -> String {
    match kind {
        "CREATE INDEX" | "ALTER TABLE" => "rows that exist have the same key: find them with GROUP BY … HAVING count(*) > 1, and correct them in an earlier step".to_owned(),
        kind if kind.starts_with("CREATE") => "another session created the object at the same moment: run the file again, and let one session at a time migrate".to_owned(),
        _ => "the row already exists: check whether the seed has run before\nmake the seed repeatable: ON CONFLICT … DO UPDATE, or DO NOTHING".to_owned(),
    }
}

/// A function, type, operator class or extension that does not exist, or a setting.
fn undefined(report: &Reported, statement: &Statement, kind: &str) -> Option<String> {
    let create = |extension: &str| {
        format!(
            "the extension {extension} provides it: CREATE EXTENSION IF NOT EXISTS {} in an earlier migration",
            Identifier::new(extension).sql()
        )
    };
    if kind.ends_with("EXTENSION") {
        return Some("the extension is not in this database: CREATE EXTENSION IF NOT EXISTS … before it".to_owned());
    }
    let provided = match report.position {
        Some(position) => name_at(&statement.text, position).and_then(providing),
        // An operator class comes without a position.
        None => statement.text.split(|c: char| !c.is_alphanumeric() && c != '_').find_map(providing),
    };
    if let Some(extension) = provided {
        return Some(create(extension));
    }
    let reads = kind == "SELECT" || WRITES.contains(&kind);
    (report.sqlstate == "42704" && report.position.is_none() && reads).then(|| UNSET.to_owned())
}

/// The last part of the name that begins at character `position`, from 1.
fn name_at(text: &str, position: u32) -> Option<&str> {
    let (start, _) = text.char_indices().nth((position as usize).checked_sub(1)?)?;
    let name = text[start..].split(|c: char| !c.is_alphanumeric() && !matches!(c, '_' | '.' | '"')).next()?;
    name.rsplit('.').next()
}
