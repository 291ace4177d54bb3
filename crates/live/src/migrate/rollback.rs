//! Down migrations for a database that is in use: which ones, and what each would lose. They are applied as migrations
//! are.

use std::collections::BTreeMap;
use std::sync::Arc;

use pgproof_catalog::{Difference, Objects};
use pgproof_runner::CloneDatabase;
use pgproof_runner::isolation::Template;
use pgproof_server::{DatabaseError, Session};
use pgproof_sql::{Identifier, Migration, ObjectId, ObjectKind, QualifiedName, Statement};

use super::chain::{rows_of, tables};
use super::{Chain, MigrateError};
use crate::described::described;

/// What a down migration would do.
#[derive(Debug)]
pub struct RollbackStep {
    /// The down migration.
    pub down: Migration,
    /// The file that it reverses.
    pub of: Migration,
    /// The objects that it drops, without what belongs to one of them.
    pub drops: Vec<ObjectId>,
    /// The rows that are lost, by table, as they are in the database now.
    pub lost: BTreeMap<QualifiedName, Loss>,
}

/// Rows of one table that are lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Loss {
    /// This many rows.
    Rows(u64),
    /// The values of some columns, of this many rows.
    Values(u64),
    /// Some of this many rows, by a statement that cannot be counted without running it.
    Some(u64),
}

/// The down migrations that leave a database as it was after `remaining` of the `done` files, last one first.
///
/// Fails with [`MigrateError::NoDown`] if a file has none.
pub fn steps_back(
    chain: &Chain,
    template: &Arc<Template>,
    live: &mut Session,
    done: usize,
    remaining: usize,
) -> Result<Vec<RollbackStep>, MigrateError> {
    let downs = template.context.rollbacks().map_err(MigrateError::Chain)?;
    let disposable = CloneDatabase::empty_for(template)?;
    disposable.apply(&chain.files[..done]).map_err(MigrateError::Chain)?;
    let mut reader = disposable.session().map_err(MigrateError::Expected)?;
    let owner = super::chain::owner_of(template, &mut reader).map_err(MigrateError::Expected)?;
    // Statements name tables as the role's own sessions find them.
    live.run("RESET search_path").map_err(MigrateError::Counting)?;
    let mut steps = Vec::new();
    for of in chain.files[remaining..done].iter().rev() {
        let down = downs.iter().find(|down| down.number == of.number);
        let down = down.ok_or_else(|| MigrateError::NoDown { file: of.file.clone() })?;
        let (before, rows) = look(&mut reader, &owner).map_err(MigrateError::Expected)?;
        disposable.apply(std::slice::from_ref(down)).map_err(MigrateError::Down)?;
        let (after, rows_after) = look(&mut reader, &owner).map_err(MigrateError::Expected)?;
        let removed = after.differences_from(&before).into_iter().filter_map(|difference| match difference {
            Difference::Removed(object) => Some(object),
            _ => None,
        });
        let drops: Vec<ObjectId> = removed.collect();
        let emptied: Vec<QualifiedName> = rows_after
            .into_iter()
            .filter(|(table, after)| rows.get(table) > Some(after))
            .map(|(table, _)| table)
            .collect();
        let lost = lost(live, down, &drops, &emptied).map_err(MigrateError::Counting)?;
        steps.push(RollbackStep { down: down.clone(), of: of.clone(), drops, lost });
    }
    Ok(steps)
}

/// The objects of a disposable database, and how many rows its tables have.
fn look(reader: &mut Session, owner: &Identifier) -> Result<(Objects, BTreeMap<QualifiedName, u64>), DatabaseError> {
    let objects = described(reader, "", Some(owner))?;
    let tables: Vec<QualifiedName> = tables(&objects).collect();
    let rows = rows_of(reader, &tables)?;
    Ok((objects, rows))
}

/// What is lost with these objects, and with the rows that the statements delete. `emptied` are the tables of a disposable
/// database that have fewer rows afterwards.
fn lost(
    live: &mut Session,
    down: &Migration,
    drops: &[ObjectId],
    emptied: &[QualifiedName],
) -> Result<BTreeMap<QualifiedName, Loss>, DatabaseError> {
    let tables: Vec<QualifiedName> =
        drops.iter().filter(|object| object.kind() == ObjectKind::Table).map(ObjectId::qualified_name).collect();
    let is_there = |live: &mut Session, table: &QualifiedName| -> Result<bool, DatabaseError> {
        let name = pgproof_sql::quote::literal(&table.sql());
        Ok(live.value(&format!("SELECT to_regclass({name})"))?.is_some())
    };
    let mut there = Vec::new();
    for table in tables {
        if is_there(live, &table)? {
            there.push(table);
        }
    }
    let mut lost: BTreeMap<QualifiedName, Loss> =
        rows_of(live, &there)?.into_iter().map(|(table, rows)| (table, Loss::Rows(rows))).collect();
    for column in drops.iter().filter(|object| object.kind() == ObjectKind::Column) {
        let Some(table) = column.relation() else { continue };
        let query =
            format!("SELECT count({}) FROM {}", pgproof_sql::quote::identifier(column.name().as_str()), table.sql());
        let values = live.value(&query)?.and_then(|count| count.parse().ok()).unwrap_or(0);
        let known = match lost.get(&table) {
            Some(Loss::Values(known)) => values.max(*known),
            _ => values,
        };
        lost.insert(table, Loss::Values(known));
    }
    for (query, table) in
        down.statements.iter().filter_map(|statement| Some((counting(statement)?, deletes_from(statement)?)))
    {
        let rows = live.value(&query)?.and_then(|count| count.parse().ok()).unwrap_or(0);
        lost.entry(table).or_insert(Loss::Rows(rows));
    }
    let is_known = |table: &QualifiedName| {
        lost.keys().any(|known| known == table || known.schema().is_none() && known.name() == table.name())
    };
    let unknown: Vec<QualifiedName> = emptied.iter().filter(|table| !is_known(table)).cloned().collect();
    lost.extend(rows_of(live, &unknown)?.into_iter().map(|(table, rows)| (table, Loss::Some(rows))));
    lost.retain(|_, loss| !matches!(loss, Loss::Rows(0) | Loss::Values(0) | Loss::Some(0)));
    Ok(lost)
}

/// The table whose rows a simple DELETE deletes.
fn deletes_from(statement: &Statement) -> Option<QualifiedName> {
    let skipped = ["DELETE", "FROM", "ONLY"];
    let mut rest = statement.text.trim_start();
    for word in skipped {
        let is_word = rest.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word))
            && rest[word.len()..].starts_with(char::is_whitespace);
        if is_word {
            rest = rest[word.len()..].trim_start();
        }
    }
    let end = rest.find(|c: char| c.is_whitespace() || c == ';').unwrap_or(rest.len());
    rest[..end].parse().ok()
}

/// The query that counts what a simple DELETE deletes.
fn counting(statement: &Statement) -> Option<String> {
    let text = statement.text.trim_start();
    let has = |word: &str| text.split(|c: char| !c.is_alphanumeric()).any(|found| found.eq_ignore_ascii_case(word));
    if has("USING") || has("RETURNING") || statement.kind() != "DELETE" {
        return None;
    }
    Some(format!("SELECT count(*){}", text.get("DELETE".len()..)?))
}
