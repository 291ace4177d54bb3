//! Which file and line of the migrations made an object: what a failed assertion points at. Read from the statements'
//! syntax trees; objects that a DO block or a function makes are not found.

use std::collections::HashMap;

use squawk_syntax::ast::{self, AstNode};
use squawk_syntax::{SourceFile, SyntaxNode};

use super::{Migration, Statement};
use crate::Origin;

/// An object that a migration makes. Names are as PostgreSQL folds them, without their schema.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Object {
    /// A table.
    Table(String),
    /// A column.
    Column(String, String),
    /// A constraint of a table.
    Constraint(String, String),
    /// An index.
    Index(String),
    /// An extension.
    Extension(String),
    /// Any other object, by its name alone: a view, a function, a trigger, a policy, a type.
    Other(String),
    /// A row of a table, by some of its values in their text form.
    Row(String, Vec<String>),
}

/// Where the objects of a schema were made.
#[derive(Debug, Default)]
pub struct Provenance {
    origins: HashMap<Object, Origin>,
    /// Table, text and place of every row of an INSERT … VALUES.
    rows: Vec<(String, String, Origin)>,
}

impl Provenance {
    /// Reads migrations. Where several statements make an object of one name, the first made it (`IF NOT EXISTS`);
    /// of a constraint or an index, the last (they are replaced by DROP and ADD).
    pub fn of(migrations: &[Migration]) -> Provenance {
        let mut provenance = Provenance::default();
        for statement in migrations.iter().flat_map(|migration| &migration.statements) {
            provenance.read(statement);
        }
        provenance
    }

    /// The objects that were made.
    pub fn objects(&self) -> impl Iterator<Item = &Object> {
        self.origins.keys()
    }

    /// Where the object was made; where it was not, the table that it belongs to.
    pub fn find(&self, object: &Object) -> Option<&Origin> {
        let table = |name: &str| self.origins.get(&Object::Table(name.to_owned()));
        match object {
            Object::Row(name, values) => {
                let of_table = || self.rows.iter().filter(|(table, ..)| table == name);
                let holds = |text: &str| values.iter().all(|value| text.contains(&format!("'{value}'")));
                let row = of_table().find(|(_, text, _)| holds(text)).or_else(|| of_table().next());
                row.map(|(.., origin)| origin).or_else(|| table(name))
            }
            Object::Column(of, _) | Object::Constraint(of, _) => self.origins.get(object).or_else(|| table(of)),
            _ => self.origins.get(object),
        }
    }

    fn read(&mut self, statement: &Statement) {
        let file = SourceFile::parse(&statement.text).tree();
        let Some(stmt) = file.stmts().next() else { return };
        let root = stmt.syntax();
        let table = table_name(root);
        for node in root.descendants() {
            let origin = || statement.origin_at(usize::from(node.text_range().start()));
            let named = |name: Option<SyntaxNode>| name.map(|name| folded(&name));
            if let Some(name) = ast::ConstraintName::cast(node.clone()) {
                if let Some(table) = &table {
                    let object = Object::Constraint(table.clone(), folded(name.syntax()));
                    self.origins.insert(object, origin());
                }
            } else if let Some(column) = ast::Column::cast(node.clone()) {
                self.column(table.as_ref(), named(column.name().map(|name| name.syntax().clone())), origin());
            } else if let Some(column) = ast::AddColumn::cast(node.clone()) {
                self.column(table.as_ref(), named(column.column_name().map(|name| name.syntax().clone())), origin());
            } else if let (Some(row), Some(table), ast::Stmt::Insert(_)) = (ast::Row::cast(node.clone()), &table, &stmt)
            {
                self.rows.push((table.clone(), row.syntax().text().to_string(), origin()));
            }
        }
        self.statement(&stmt, table, statement);
    }

    fn column(&mut self, table: Option<&String>, column: Option<String>, origin: Origin) {
        if let (Some(table), Some(column)) = (table, column) {
            self.origins.entry(Object::Column(table.clone(), column)).or_insert(origin);
        }
    }

    /// The object that the statement as a whole makes.
    fn statement(&mut self, stmt: &ast::Stmt, table: Option<String>, statement: &Statement) {
        let origin = statement.origin.clone();
        match stmt {
            ast::Stmt::CreateTable(_) | ast::Stmt::CreateTableAs(_) => {
                if let Some(table) = table {
                    self.origins.entry(Object::Table(table)).or_insert(origin);
                }
            }
            ast::Stmt::CreateIndex(index) => {
                if let Some(name) = index.index() {
                    self.origins.insert(Object::Index(folded(name.syntax())), origin);
                }
            }
            ast::Stmt::CreateExtension(extension) => {
                if let Some(name) = extension.extension() {
                    self.origins.entry(Object::Extension(folded(name.syntax()))).or_insert(origin);
                }
            }
            _ if statement.words.first().is_some_and(|word| word == "CREATE") => {
                // The first path of any other CREATE is the name of what it makes.
                let name = stmt.syntax().descendants().find(|node| ast::Path::can_cast(node.kind()));
                if let Some(name) = name {
                    self.origins.insert(Object::Other(folded(&name)), origin);
                }
            }
            _ => {}
        }
    }
}

/// The table that a CREATE TABLE, ALTER TABLE or INSERT is about.
fn table_name(root: &SyntaxNode) -> Option<String> {
    let is_table = |node: &SyntaxNode| {
        let kind = node.kind();
        ast::TableName::can_cast(kind) || ast::TableRelationName::can_cast(kind) || ast::RelationNameRef::can_cast(kind)
    };
    root.descendants().find(is_table).map(|node| folded(&node))
}

/// The last part of a possibly qualified name, folded as PostgreSQL folds identifiers.
fn folded(name: &SyntaxNode) -> String {
    let text = name.text().to_string();
    let text = text.trim().trim_start_matches("ONLY ").trim();
    match text.strip_suffix('"') {
        Some(quoted) => quoted.rsplit_once('"').map_or(quoted, |(_, last)| last).to_owned(),
        None => text.rsplit('.').next().unwrap_or(text).to_lowercase(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Source, split};

    fn provenance(sql: &str) -> Provenance {
        let source = Source { path: "1_a.sql".into(), shown: "1_a.sql".into(), text: sql.to_owned() };
        let statements = split(source, std::path::Path::new(".")).expect("statements");
        Provenance::of(&[Migration { number: 1, file: "1_a.sql".into(), statements }])
    }

    #[test]
    fn finds_objects_by_line() {
        let made = provenance(
            "CREATE TABLE IF NOT EXISTS Shop.\"Orders\" (\n  id int,\n  total int CONSTRAINT positive CHECK (total > 0)\n);\n\
             ALTER TABLE shop.\"Orders\"\n  ADD COLUMN IF NOT EXISTS day date,\n  ADD CONSTRAINT orders_pkey PRIMARY KEY (id);\n\
             CREATE INDEX by_day ON shop.\"Orders\" (day);\n\
             INSERT INTO shop.\"Orders\" VALUES\n  (1, 'a'),\n  (2, 'b');\n\
             CREATE FUNCTION shop.total() RETURNS int LANGUAGE sql AS 'SELECT 1';\n",
        );
        let orders = || "Orders".to_owned();
        for (object, line) in [
            (Object::Table(orders()), 1),
            (Object::Column(orders(), "total".into()), 3),
            (Object::Constraint(orders(), "positive".into()), 3),
            (Object::Column(orders(), "day".into()), 6),
            (Object::Constraint(orders(), "orders_pkey".into()), 7),
            (Object::Column(orders(), "unknown".into()), 1),
            (Object::Index("by_day".into()), 8),
            (Object::Row(orders(), vec!["b".into()]), 11),
            (Object::Other("total".into()), 12),
        ] {
            assert_eq!(made.find(&object).map(|origin| origin.line), Some(line), "{object:?}");
        }
        assert_eq!(made.find(&Object::Index("nowhere".into())), None);
    }
}
