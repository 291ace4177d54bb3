//! Determines which statement of the migrations most likely caused a change.

use pgproof_sql::{Migration, ObjectKind, Origin, Statement};

use super::Change;

/// The location of the last statement that can cause such a change and that names the object or its table.
pub(super) fn blame(migrations: &[Migration], change: &Change) -> Option<Origin> {
    let (object, ..) = change.identity();
    let verbs: Vec<String> = match change {
        Change::Rows { .. } => ["INSERT", "UPDATE", "DELETE", "COPY", "MERGE", "TRUNCATE"].map(str::to_owned).into(),
        Change::Recreated(_) => vec!["DROP TABLE".to_owned()],
        Change::SetBack { .. } => ["ALTER SEQUENCE", "SELECT", "TRUNCATE"].map(str::to_owned).into(),
        Change::Object(_) => match object.kind() {
            ObjectKind::Column | ObjectKind::Constraint | ObjectKind::Table => {
                vec!["ALTER TABLE".to_owned(), "CREATE TABLE".to_owned()]
            }
            ObjectKind::Enum | ObjectKind::CompositeType | ObjectKind::RangeType => {
                vec!["CREATE TYPE".to_owned(), "ALTER TYPE".to_owned()]
            }
            kind => {
                let kind = kind.name().to_uppercase();
                vec![format!("CREATE {kind}"), format!("ALTER {kind}")]
            }
        },
    };
    let relation = object.relation();
    let names: Vec<&str> = [Some(object.name().as_str()), relation.as_ref().map(|relation| relation.name().as_str())]
        .into_iter()
        .flatten()
        .collect();
    let statements: Vec<&Statement> = migrations.iter().flat_map(|migration| &migration.statements).collect();
    let names_one = |text: &str| {
        let words: Vec<&str> = text.split(|c: char| !c.is_alphanumeric() && c != '_').collect();
        names.iter().any(|name| words.contains(name))
    };
    let last = |verb: &str| {
        let is_it = |statement: &&&Statement| statement.kind().starts_with(verb) && names_one(&statement.text);
        statements.iter().rev().find(is_it).map(|statement| statement.origin.clone())
    };
    verbs.iter().find_map(|verb| last(verb)).or_else(|| last("COMMENT")).or_else(|| last("DO"))
}
