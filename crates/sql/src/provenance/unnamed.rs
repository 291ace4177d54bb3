//! The names that PostgreSQL gives to constraints without one (`ChooseConstraintName` and `ChooseIndexName` in its
//! source): table, columns and a label. Names that it had to shorten or number are not found.

use squawk_syntax::ast::{self, AstNode};
use squawk_syntax::{SyntaxKind, SyntaxNode};

use super::names::{identifiers, simple};
use crate::name::{Identifier, QualifiedName};

/// The longest name (documentation, "Lexical Structure").
const LONGEST: usize = 63;

/// The name of the constraint in this node, if it is one and has none of its own.
pub(super) fn name(node: &SyntaxNode, table: &QualifiedName) -> Option<Identifier> {
    let label = match node.kind() {
        SyntaxKind::CHECK_CONSTRAINT => "check",
        SyntaxKind::REFERENCES_CONSTRAINT | SyntaxKind::FOREIGN_KEY_CONSTRAINT => "fkey",
        SyntaxKind::UNIQUE_CONSTRAINT => "key",
        SyntaxKind::PRIMARY_KEY_CONSTRAINT => "pkey",
        SyntaxKind::EXCLUDE_CONSTRAINT => "excl",
        _ => return None,
    };
    if node.children().any(|child| ast::ConstraintNameClause::can_cast(child.kind())) {
        return None;
    }
    let columns = if label == "pkey" { Vec::new() } else { columns(node, label) };
    let parts = [table.name().as_str()].into_iter().chain(columns.iter().map(Identifier::as_str)).chain([label]);
    let name = parts.collect::<Vec<_>>().join("_");
    (name.len() <= LONGEST).then(|| Identifier::new(name))
}

/// The columns in the name: that of a column's constraint, those of a key, the only one of a CHECK.
fn columns(node: &SyntaxNode, label: &str) -> Vec<Identifier> {
    let of_column = node.ancestors().find_map(|parent| {
        ast::Column::cast(parent.clone())
            .and_then(|column| column.name().map(|name| name.syntax().clone()))
            .or_else(|| ast::AddColumn::cast(parent)?.column_name().map(|name| name.syntax().clone()))
    });
    if let Some(column) = of_column {
        return simple(&column).into_iter().collect();
    }
    let text = node.text().to_string();
    if label == "check" {
        // All columns of the table are its candidates, and whether a word is one is not known here.
        return Vec::new();
    }
    let list = text.find('(').and_then(|open| text[open + 1..].split(')').next()).unwrap_or_default();
    identifiers(list)
}
