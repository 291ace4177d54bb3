//! Which statement of the migrations changed which row: after each statement, the rows of each table are read whose row
//! versions it touched. Objects are left to [`History`](super::History).

mod seen;

use std::collections::BTreeMap;

use pgproof_runner::CloneDatabase;
use pgproof_runner::migration::{MigrationError, apply_observed};
use pgproof_sql::{Migration, QualifiedName, Statement};

use self::seen::{Change, Seen};
use super::without_roles;

/// Which rows each statement changed, in order.
#[derive(Debug, Default)]
pub struct RowHistory {
    statements: Vec<Statement>,
    tables: Vec<Table>,
}

/// What happened to the rows of one table.
#[derive(Debug, Default)]
struct Table {
    /// Its name; and, of a partition, that of the partitioned table.
    names: Vec<QualifiedName>,
    /// The numbers of its columns, by name.
    columns: BTreeMap<String, i16>,
    /// Statements, from 0 over all files.
    changes: Vec<(usize, Change)>,
}

impl RowHistory {
    /// Applies migrations to a database in which none has run.
    pub fn of(database: &CloneDatabase, migrations: &[Migration]) -> Result<RowHistory, MigrationError> {
        let file = migrations.first().map(|migration| migration.file.clone()).unwrap_or_default();
        let mut session = database.session_for(migrations)?;
        let mut statements = Vec::new();
        let mut seen = Seen::default();
        let migrations = without_roles(migrations);
        apply_observed(&mut session, &migrations, database.transaction(), &mut |session, statement| {
            seen.look(session, statements.len())?;
            statements.push(statement.clone());
            Ok(())
        })?;
        let tables = seen.into_tables(&mut session).map_err(|source| MigrationError::Session { file, source })?;
        Ok(RowHistory { statements, tables })
    }

    /// The statement that last inserted, changed or deleted a row of this table with these values, by column, as they
    /// are printed by [`printed_alike`](crate::printed_alike); without values, any row.
    pub fn last_change(&self, table: &QualifiedName, values: &[(String, String)]) -> Option<&Statement> {
        let is_it = |name: &&QualifiedName| {
            name.name() == table.name() && table.schema().is_none_or(|schema| Some(schema) == name.schema())
        };
        let tables = self.tables.iter().filter(|table| table.names.iter().any(|name| is_it(&name)));
        let at = tables.filter_map(|table| table.last_change(values)).max()?;
        self.statements.get(at)
    }
}

impl Table {
    fn last_change(&self, values: &[(String, String)]) -> Option<usize> {
        // A column that was dropped since identifies nothing.
        let wanted: Vec<(i16, &String)> =
            values.iter().filter_map(|(column, value)| Some((*self.columns.get(column)?, value))).collect();
        let mut changes = self.changes.iter().rev();
        changes.find(|(_, change)| change.concerns(&wanted)).map(|(at, _)| *at)
    }
}
