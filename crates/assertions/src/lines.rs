//! Lines of the expectation tables that most suites keep in their fixtures: columns, foreign keys, indexes. Each line
//! generates its assertions.

use pgproof_runner::Sandbox;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::assertion::Assertion;
use crate::expectation::expected;
use crate::foreign_key::Action;
use crate::index::index;
use crate::table::table;

/// A column: `table,column,type,not_null,default`.
#[derive(Debug, Clone, Deserialize)]
pub struct ColumnLine {
    /// The table.
    pub table: String,
    /// The column.
    pub column: String,
    /// Its type, as PostgreSQL prints it.
    #[serde(rename = "type")]
    pub ty: String,
    /// Whether it rejects NULL.
    pub not_null: bool,
    /// Its default, as PostgreSQL prints it.
    pub default: Option<String>,
}

impl ColumnLine {
    /// Its type, whether it accepts NULL, and the value of a row that omits it.
    pub fn assertions(&self) -> Vec<Box<dyn Assertion>> {
        let this = || table(&self.table).column(&self.column);
        let null = if self.not_null { this().is_not_null() } else { this().is_nullable() };
        let default: Box<dyn Assertion> = match &self.default {
            Some(expression) => Box::new(this().defaults_to(expression)),
            None => Box::new(this().has_no_default()),
        };
        vec![Box::new(this().has_type(&self.ty)), Box::new(null), default]
    }
}

/// A foreign key of one column: `table,column,references,referenced_column,on_delete,constraint`.
#[derive(Debug, Clone, Deserialize)]
pub struct ForeignKeyLine {
    /// The table.
    pub table: String,
    /// The column.
    pub column: String,
    /// The table it references.
    pub references: String,
    /// The column it references.
    pub referenced_column: String,
    /// The action when a referenced row is deleted.
    pub on_delete: Action,
    /// Its name.
    pub constraint: String,
}

impl ForeignKeyLine {
    /// Its target, and the action on delete.
    pub fn assertion(&self) -> impl Assertion + use<> {
        table(&self.table)
            .foreign_key([&self.column])
            .references(&self.references, [&self.referenced_column])
            .on_delete(self.on_delete)
            .named(&self.constraint)
    }
}

/// An index: `index,table,method,unique,keys,include,predicate`; keys and included columns are separated by semicolons.
#[derive(Debug, Clone, Deserialize)]
pub struct IndexLine {
    /// Its name.
    pub index: String,
    /// The table.
    pub table: String,
    /// The access method.
    pub method: String,
    /// Whether it rejects duplicates.
    pub unique: bool,
    /// Its key columns and expressions, in order.
    pub keys: String,
    /// The columns in INCLUDE.
    pub include: String,
    /// The condition of a partial index, as PostgreSQL prints it.
    pub predicate: Option<String>,
}

impl IndexLine {
    /// Its whole definition.
    pub fn assertion(&self) -> impl Assertion + use<> {
        let list = |text: &str| text.split(';').filter(|part| !part.is_empty()).map(str::to_owned).collect::<Vec<_>>();
        let mut is =
            index(&self.index).on(&self.table, list(&self.keys)).method(&self.method).including(list(&self.include));
        if self.unique {
            is = is.unique();
        }
        if let Some(predicate) = &self.predicate {
            is = is.only_where(predicate);
        }
        is
    }
}

/// The lines of a file that satisfy a condition; an empty selection is an error in the suite.
#[track_caller]
pub fn picked<T: DeserializeOwned>(db: &Sandbox, file: &str, pick: impl Fn(&T) -> bool) -> Vec<T> {
    let rows: Vec<T> = expected(db, file).into_iter().filter(pick).collect();
    assert!(!rows.is_empty(), "{file} has no line for this test");
    rows
}
