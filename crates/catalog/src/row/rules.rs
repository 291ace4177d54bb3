//! The rules that a row must not break: the CHECKs of its table, and the bounds of a partition. A rule knows the texts
//! that hint at values it accepts: its definition, and the bodies of the functions that it calls.

use pgproof_runner::Sandbox;
use pgproof_server::DatabaseError;
use pgproof_sql::QualifiedName;
use pgproof_sql::quote::literal;

use super::expression::{columns_in, words};
use crate::{Catalog, Constraint, ConstraintKind, Relation, RelationKind};

/// How deep functions that call functions are followed.
const DEEPEST: usize = 3;

/// How many partitions are considered for a row of a partitioned table.
const MOST_PARTITIONS: usize = 256;

/// A condition on a row: false rejects it.
#[derive(Debug, Clone)]
pub(super) struct Rule {
    pub(super) name: String,
    /// Whether it is a CHECK; otherwise the bounds of a partition, or a unique key.
    pub(super) is_check: bool,
    /// As messages show it.
    pub(super) definition: String,
    /// The condition, over the columns of the table.
    pub(super) expression: String,
    /// The columns that decide.
    pub(super) columns: Vec<String>,
    /// Where literals are looked for.
    pub(super) texts: Vec<String>,
}

impl Rule {
    /// The rule of a CHECK, read as one of `table`: that of a partition is named by the columns of its parent.
    pub(super) fn of_check(catalog: &Catalog, table: &Relation, check: &Constraint) -> Rule {
        let expression = check.expression.clone().unwrap_or_else(|| "true".to_owned());
        let columns = columns_in(table, &expression);
        let mut texts = vec![check.definition.clone()];
        let generated = columns.iter().filter_map(|name| table.column(name)?.generated_as.clone());
        texts.extend(generated);
        texts.extend(texts.clone().iter().flat_map(|text| bodies(catalog, text)));
        Rule {
            name: check.name.clone(),
            is_check: true,
            definition: check.definition.clone(),
            expression,
            columns,
            texts,
        }
    }
}

/// The CHECKs of a table.
pub(super) fn checks_of(catalog: &Catalog, table: &Relation) -> Vec<Rule> {
    let checks = catalog.constraints_of(table).filter(|c| c.kind == ConstraintKind::Check);
    checks.map(|check| Rule::of_check(catalog, table, check)).collect()
}

/// The bodies of the functions that a text names, and of those that they name.
pub(super) fn bodies(catalog: &Catalog, text: &str) -> Vec<String> {
    let (mut found, mut last) = (Vec::<String>::new(), vec![text.to_owned()]);
    for _ in 0..DEEPEST {
        let named: Vec<String> = last.iter().flat_map(|text| words(text)).collect();
        let functions = catalog.functions.iter().filter(|f| !f.source.is_empty() && named.contains(&f.name));
        last = functions.map(|f| f.source.clone()).filter(|source| !found.contains(source)).collect();
        found.extend(last.iter().cloned());
        if last.is_empty() {
            break;
        }
    }
    found
}

/// That one of the partitions takes the row. PostgreSQL gives the bounds of a partition of every kind, those of its
/// ancestors, and what a default partition leaves to others, as one condition. `None` if the table is not partitioned;
/// false if it has no partition.
pub(super) fn partition_rule(
    sandbox: &mut Sandbox,
    catalog: &Catalog,
    table: &Relation,
) -> Result<Option<Rule>, DatabaseError> {
    if !table.is_partition && table.kind != RelationKind::PartitionedTable {
        return Ok(None);
    }
    let leaves = sandbox.rows(&format!(
        "SELECT n.nspname, c.relname, coalesce(pg_get_partition_constraintdef(c.oid), 'true') FROM pg_partition_tree({}) p \
         JOIN pg_class c ON c.oid = p.relid JOIN pg_namespace n ON n.oid = c.relnamespace WHERE p.isleaf AND c.relkind = 'r' \
         ORDER BY pg_get_expr(c.relpartbound, c.oid) = 'DEFAULT', 1, 2 LIMIT {MOST_PARTITIONS}",
        literal(&table.sql())
    ))?;
    let (mut each, mut texts) = (Vec::new(), Vec::new());
    for leaf in leaves {
        let [Some(schema), Some(name), Some(bounds)] = <[_; 3]>::try_from(leaf).unwrap_or_default() else { continue };
        let mut all = vec![bounds];
        if let Some(leaf) = catalog.table(&QualifiedName::in_schema(&schema, &name)).filter(|leaf| *leaf != table) {
            all.extend(checks_of(catalog, leaf).into_iter().map(|rule| rule.expression));
        }
        texts.extend(all.iter().cloned());
        let all: Vec<_> = all.iter().map(|condition| format!("(({condition}) IS NOT FALSE)")).collect();
        each.push(format!("({})", all.join(" AND ")));
    }
    let expression = if each.is_empty() { "false".to_owned() } else { each.join(" OR ") };
    // One partition alone has conjuncts, which a search can use one by one.
    let expression = if let [_] = each.as_slice() { expression.replace(" IS NOT FALSE)", ")") } else { expression };
    let columns = columns_in(table, &expression);
    let definition = match (&table.bound, each.is_empty()) {
        (_, true) => "the table has no partition".to_owned(),
        (Some(bound), _) => bound.clone(),
        (None, _) => format!("PARTITION BY {}", table.partition_key.as_deref().unwrap_or_default()),
    };
    Ok(Some(Rule {
        name: "the bounds of its partitions".to_owned(),
        is_check: false,
        definition,
        expression,
        columns,
        texts,
    }))
}
