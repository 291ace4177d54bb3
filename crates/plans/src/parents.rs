//! The rows that generated rows can reference: the keys of the parents that are there, evenly spread. Foreign keys that
//! share columns are chosen together. Which columns a row leaves empty is decided elsewhere.

use pgproof_catalog::{Constraint, Relation};
use pgproof_server::{DatabaseError, Session};
use pgproof_sql::quote::{identifier, literal};

use super::generator::Generator;

/// Foreign keys of a table that share columns, directly or through others.
pub(super) struct Family<'a> {
    keys: Vec<&'a Constraint>,
    /// Their columns.
    pub(super) columns: Vec<String>,
}

/// The foreign keys of a table to other tables, without those that `pgproof.toml` gives values for.
pub(super) fn families<'a>(generator: &'a Generator<'_>, table: &'a Relation, owner: &Relation) -> Vec<Family<'a>> {
    let mut families: Vec<Family<'a>> = Vec::new();
    for key in generator.foreign_keys(table) {
        let is_own = generator.parent(key).is_none_or(|parent| parent == table || parent == owner);
        if is_own || key.columns.iter().any(|column| generator.configured_column(owner, column).is_some()) {
            continue;
        }
        let shares = |family: &Family<'_>| family.columns.iter().any(|column| key.columns.contains(column));
        let (sharing, mut rest): (Vec<_>, Vec<_>) = families.into_iter().partition(shares);
        let mut family = Family { keys: vec![key], columns: key.columns.clone() };
        for other in sharing {
            family.keys.extend(other.keys);
            family.columns.extend(other.columns);
        }
        family.columns.sort();
        family.columns.dedup();
        rest.push(family);
        families = rest;
    }
    families
}

impl Family<'_> {
    /// Whether one of these conditions holds for a key.
    pub(super) fn any(&self, is: impl Fn(&Constraint) -> bool) -> bool {
        self.keys.iter().any(|key| is(key))
    }

    /// At most `count` combinations of keys that are there, in the order of `columns`. `given` are columns whose value
    /// is decided.
    pub(super) fn rows(
        &self,
        session: &mut Session,
        given: &[(String, String)],
        count: usize,
    ) -> Result<Vec<Vec<Option<String>>>, DatabaseError> {
        // The first key that has a column gives it; the others must agree.
        let mut sources: Vec<(&String, String)> = Vec::new();
        let (mut tables, mut conditions) = (Vec::new(), Vec::new());
        for (place, key) in self.keys.iter().enumerate() {
            let Some(references) = &key.references else { continue };
            tables.push(format!("{} AS pgproof_p{place}", references.qualified_name().sql()));
            for (column, referenced) in key.columns.iter().zip(&references.columns) {
                let source = format!("pgproof_p{place}.{}", identifier(referenced));
                match sources.iter().find(|(known, _)| *known == column) {
                    Some((_, known)) => conditions.push(format!("{known} = {source}")),
                    None => sources.push((column, source)),
                }
            }
        }
        for (column, value) in given {
            let source = sources.iter().find(|(known, _)| *known == column).map(|(_, source)| source);
            conditions.extend(source.map(|source| format!("{source}::text = {}", literal(value))));
        }
        let of = |column: &String| sources.iter().find(|(known, _)| *known == column).map(|(_, source)| source.clone());
        let values: Vec<String> = self.columns.iter().filter_map(of).collect();
        conditions.extend(values.iter().map(|value| format!("{value} IS NOT NULL")));
        let texts: Vec<_> =
            values.iter().enumerate().map(|(place, value)| format!("{value}::text AS pgproof_v{place}")).collect();
        let names: Vec<_> = (0..values.len()).map(|place| format!("pgproof_v{place}")).collect();
        // From each of as many parts as rows are wanted, the first.
        session.rows(&format!(
            "SELECT {names} FROM (SELECT {texts}, row_number() OVER (ORDER BY {order}) - 1 AS pgproof_i, \
             count(*) OVER () AS pgproof_all FROM {tables} WHERE {conditions}) AS pgproof_found \
             WHERE pgproof_i = 0 OR pgproof_i * {count} / pgproof_all <> (pgproof_i - 1) * {count} / pgproof_all \
             ORDER BY pgproof_i LIMIT {count}",
            names = names.join(", "),
            texts = texts.join(", "),
            order = values.join(", "),
            tables = tables.join(", "),
            conditions = conditions.join(" AND "),
        ))
    }
}
