//! Rows for planning, thousands at a time: each column gets an expression over `n`, the number of the row. Values are
//! distributed evenly or with skew, and are the same on every machine: arithmetic on integers and halves, no random().

use pgproof_server::{DatabaseError, Session, session::Row};
use pgproof_sql::QualifiedName;
use pgproof_sql::{quote::identifier, quote::literal};

use super::config::{PlannedTable, Plans};
use pgproof_catalog::row::Rows;
use pgproof_catalog::{Catalog, Column, Constraint, ConstraintKind, Generation, Relation, RelationKind};
use pgproof_catalog::{row::integer_range, row::sample, row::type_parts, row::values_for};

/// The number of distinct values of a non-key column. Below a tenth of the usual number of rows, ANALYZE considers it
/// constant as the table grows.
pub(super) const VARIETY: u64 = 200;

/// The expression of a column for whose type there is none.
const NO_VALUE: &str = "NULL";

/// The expression of a column, and whether the CHECKs on the column alone, and its domain, accept its values.
pub(super) struct Checked {
    pub(super) sql: String,
    pub(super) is_accepted: bool,
}

/// Builds INSERTs for the tables of a catalog.
pub(super) struct Generator<'a> {
    pub(super) catalog: &'a Catalog,
    pub(super) plans: &'a Plans,
    /// What `pgproof.toml` says of generated rows; `plans` comes first.
    pub(super) given: &'a Rows,
}

impl Generator<'_> {
    /// The tables, referenced ones first; circular references are ordered by name. A partition gets its rows through
    /// its parent.
    pub(super) fn order(&self) -> Vec<&Relation> {
        let mut ordered: Vec<&Relation> = Vec::new();
        let mut rest: Vec<&Relation> = self.catalog.tables().filter(|table| !table.is_partition).collect();
        while !rest.is_empty() {
            let is_ready = |table: &&Relation| {
                self.foreign_keys(table).all(|key| {
                    let parent = self.parent(key);
                    parent.is_none_or(|p| p == *table || ordered.contains(&p) || !rest.contains(&p))
                })
            };
            let next = rest.iter().position(is_ready).unwrap_or(0);
            ordered.push(rest.remove(next));
        }
        ordered
    }

    /// How many rows a table gets.
    pub(super) fn rows(&self, table: &Relation) -> u64 {
        self.configured(table).and_then(|table| table.rows).unwrap_or(self.plans.rows)
    }

    /// The statement that stores this many rows in a table.
    pub(super) fn insert(&self, session: &mut Session, table: &Relation, rows: u64) -> Result<String, DatabaseError> {
        let mut columns = Vec::new();
        let mut values = Vec::new();
        for column in table.columns.iter().filter(|column| column.generation != Generation::Generated) {
            columns.push(identifier(&column.name));
            let expression = self.checked(session, table, column)?.sql;
            values.push(format!("({expression})::{}", column.ty.name));
        }
        let (table_name, names) = (table.sql(), columns.join(", "));
        let values: Vec<_> = values.iter().zip(&columns).map(|(value, name)| format!("{value} AS {name}")).collect();
        let mut source =
            format!("SELECT n AS pgproof_n, {} FROM generate_series(1::bigint, {rows}) AS n", values.join(", "));
        // ON CONFLICT rejects deferrable keys: of rows with the same key, the first is chosen beforehand.
        let deferrable: Vec<&Constraint> = self.keys(table).filter(|key| key.deferrable).collect();
        if !deferrable.is_empty() {
            for key in self.keys(table) {
                let key = key.columns.iter().map(|column| identifier(column)).collect::<Vec<_>>().join(", ");
                source = format!("SELECT DISTINCT ON ({key}) * FROM ({source}) AS r ORDER BY {key}, pgproof_n");
            }
        }
        let conflict = if deferrable.is_empty() { " ON CONFLICT DO NOTHING" } else { "" };
        Ok(format!(
            "INSERT INTO {table_name} ({names}) OVERRIDING SYSTEM VALUE \
             SELECT {names} FROM ({source}) AS r ORDER BY pgproof_n{conflict}"
        ))
    }

    /// The primary and unique keys of a table.
    pub(super) fn keys<'b>(&'b self, table: &'b Relation) -> impl Iterator<Item = &'b Constraint> {
        let is_key = |c: &&Constraint| matches!(c.kind, ConstraintKind::PrimaryKey | ConstraintKind::Unique);
        self.catalog.constraints_of(table).filter(is_key)
    }

    fn configured(&self, table: &Relation) -> Option<&PlannedTable> {
        let is_it = |name: &QualifiedName| self.catalog.table(name) == Some(table);
        self.plans.tables.iter().find(|(name, _)| is_it(name)).map(|(_, planned)| planned)
    }

    /// The expression that is configured for a column.
    pub(super) fn configured_column(&self, table: &Relation, column: &str) -> Option<&String> {
        let planned = self.configured(table).and_then(|table| table.columns.get(column));
        let given =
            || self.given.columns(self.catalog, table).find(|(name, _)| **name == *column).map(|(_, given)| given);
        planned.or_else(given)
    }

    /// The foreign keys of a table. One that references a partitioned table has a companion for each partition, which
    /// says less.
    pub(super) fn foreign_keys<'b>(&'b self, table: &'b Relation) -> impl Iterator<Item = &'b Constraint> {
        let all = || self.catalog.constraints_of(table).filter(|c| c.kind == ConstraintKind::ForeignKey);
        let is_companion = move |key: &&Constraint| {
            let root = self.parent(key).filter(|parent| parent.is_partition);
            let of_family = |other: &Constraint| {
                self.parent(other).is_some_and(|parent| parent.kind == RelationKind::PartitionedTable)
            };
            root.is_some() && all().any(|other| other.columns == key.columns && other != *key && of_family(other))
        };
        all().filter(move |key| !is_companion(key))
    }

    pub(super) fn parent(&self, key: &Constraint) -> Option<&Relation> {
        let references = key.references.as_ref()?;
        self.catalog.table(&references.qualified_name())
    }

    /// The expression of a column; if a CHECK rejects its values, one over values that the CHECK accepts.
    pub(super) fn checked(
        &self,
        session: &mut Session,
        table: &Relation,
        column: &Column,
    ) -> Result<Checked, DatabaseError> {
        let checked = |sql: String, is_accepted: bool| Ok(Checked { sql, is_accepted });
        if let Some(configured) = self.configured_column(table, &column.name) {
            return checked(configured.clone(), true);
        }
        let expression = self.expression(table, column, "n", &[]);
        let checks: Vec<&Constraint> = self
            .catalog
            .constraints_of(table)
            .filter(|c| c.kind == ConstraintKind::Check && c.columns == [column.name.clone()])
            .collect();
        let conditions: Vec<_> =
            checks.iter().map(|c| format!("({}) IS NOT FALSE", c.expression.as_deref().unwrap_or("true"))).collect();
        let is_unknown = expression == NO_VALUE && column.not_null;
        if conditions.is_empty() && column.ty.domain.is_none() && !is_unknown {
            return checked(expression, true);
        }
        let conditions = if conditions.is_empty() { vec!["true".to_owned()] } else { conditions };
        let (name, condition) = (identifier(&column.name), conditions.join(" AND "));
        let ty = &column.ty.name;
        let all = format!(
            "SELECT bool_and({condition}), count({name}) FROM generate_series(1::bigint, 200) AS n, LATERAL (SELECT ({expression})::{ty} AS {name}) AS r"
        );
        // An error is an answer, too: a domain does not accept the values.
        let answer = tolerant(session, &all)?.and_then(|rows| rows.into_iter().next()?.into_iter().next()?);
        if answer.as_deref() == Some("t") && !is_unknown {
            return checked(expression, true);
        }
        let definitions: Vec<_> = checks.iter().map(|check| check.definition.as_str()).collect();
        session.run("BEGIN")?;
        let values = values_for(session, self.catalog, column, &definitions);
        session.run("COMMIT")?;
        let values: Vec<_> = values?.iter().map(|value| literal(value)).collect();
        let accepted = format!(
            "SELECT v FROM unnest(ARRAY[{}]::text[]) WITH ORDINALITY AS c (v, place), LATERAL (SELECT v::{ty} AS {name}) AS r \
             WHERE {condition} ORDER BY place",
            values.join(", ")
        );
        let accepted = tolerant(session, &accepted)?.unwrap_or_default();
        let accepted: Vec<_> = accepted.into_iter().filter_map(|row| row.into_iter().next()?).collect();
        if accepted.is_empty() {
            return checked(expression, false);
        }
        checked(nullable(column, pick(&accepted, &seed(table, &column.name), "n")), true)
    }

    /// The value of a column in row `n`. A foreign key has the value of its parent in the row that `n` references;
    /// `path` are the columns of which this one is the value, so that a circle ends.
    pub(super) fn expression(
        &self,
        table: &Relation,
        column: &Column,
        n: &str,
        path: &[(&Relation, &Column)],
    ) -> String {
        let keys = self.foreign_keys(table).filter(|key| key.columns.contains(&column.name));
        if let Some(key) = keys.max_by_key(|key| key.columns.len())
            && let Some(expression) = self.reference(table, column, key, n, path)
        {
            return expression;
        }
        if let Some(configured) = self.configured_column(table, &column.name) {
            return format!("(SELECT {configured} FROM (SELECT ({n})::bigint AS n) AS pgproof_row)");
        }
        let is_key = self.distinguishing(table).contains(&column.name);
        let seed = seed(table, &column.name);
        let expression = by_type(column, &seed, n, is_key);
        if is_key { expression } else { nullable(column, expression) }
    }

    fn reference(
        &self,
        table: &Relation,
        column: &Column,
        key: &Constraint,
        n: &str,
        path: &[(&Relation, &Column)],
    ) -> Option<String> {
        let references = key.references.as_ref()?;
        let parent = self.parent(key)?;
        let at = key.columns.iter().position(|name| *name == column.name)?;
        let referenced = parent.column(references.columns.get(at)?)?;
        if path.contains(&(table, column)) {
            return None;
        }
        let path: Vec<_> = path.iter().copied().chain([(table, column)]).collect();
        if parent == table {
            // A row references itself or nothing.
            let own = || self.expression(table, referenced, n, &path);
            return Some(if column.not_null { own() } else { "NULL".to_owned() });
        }
        let rows = self.rows(parent).max(1);
        let unique = self
            .catalog
            .indexes_of(table)
            .any(|index| index.unique && index.keys.len() == 1 && index.keys[0].name() == column.name);
        // One to one, or many to one with skew: a few parents have many children.
        let number = if unique {
            format!("(({n}) - 1) % {rows} + 1")
        } else {
            let u = uniform(&seed(table, &key.name), n);
            format!("floor({rows} * {u} * {u})::bigint + 1")
        };
        Some(nullable(column, self.expression(parent, referenced, &number, &path)))
    }

    /// The columns that make rows distinct: for each unique key, one that is not a foreign key.
    fn distinguishing(&self, table: &Relation) -> Vec<String> {
        let referencing = |name: &str| self.foreign_keys(table).any(|key| key.columns.iter().any(|c| c == name));
        let listed = |name: &str| {
            self.catalog
                .constraints_of(table)
                .any(|c| c.kind == ConstraintKind::Check && c.columns.iter().any(|k| k == name))
        };
        let configured = |name: &str| self.configured_column(table, name).is_some();
        let mut found: Vec<String> = Vec::new();
        for index in self.catalog.indexes_of(table).filter(|index| index.unique) {
            let names: Vec<_> = index.keys.iter().map(|key| key.name().to_owned()).collect();
            if names.iter().any(|name| found.contains(name)) {
                continue;
            }
            // The last column of a key is usually the counter or the date.
            let free = names
                .iter()
                .rev()
                .find(|n| table.column(n).is_some() && !referencing(n) && !listed(n) && !configured(n));
            found.extend(free.cloned());
        }
        found
    }
}

/// The rows of a query, or `None` if PostgreSQL rejects it.
fn tolerant(session: &mut Session, sql: &str) -> Result<Option<Vec<Row>>, DatabaseError> {
    match session.rows(sql) {
        Ok(rows) => Ok(Some(rows)),
        Err(DatabaseError::Reported(_)) => Ok(None),
        Err(error) => Err(error),
    }
}

/// A different multiplier for each column, so that columns are not correlated.
fn seed(table: &Relation, name: &str) -> String {
    let hash = table
        .qualified_name()
        .to_string()
        .bytes()
        .chain(name.bytes())
        .fold(2_166_136_261_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(16_777_619));
    (hash | 0x4000_0001).to_string()
}

/// A number in [0, 1) for every `n`, evenly distributed.
fn uniform(seed: &str, n: &str) -> String {
    format!("(((({n}) * {seed}::bigint) % 4294967296)::float8 / 4294967296)")
}

/// One of the values for every `n`, with the first ones more frequent.
fn pick(values: &[String], seed: &str, n: &str) -> String {
    let u = uniform(seed, n);
    let texts: Vec<_> = values.iter().map(|value| literal(value)).collect();
    format!("(ARRAY[{}])[floor({} * {u} * {u})::int + 1]", texts.join(", "), values.len())
}

fn nullable(column: &Column, expression: String) -> String {
    if column.not_null { expression } else { format!("CASE WHEN n % 8 <> 0 THEN {expression} END") }
}

/// A value by type: different for every `n` if it is a key, else one of at most [`VARIETY`].
fn by_type(column: &Column, seed: &str, n: &str, is_key: bool) -> String {
    let (base, modifiers) = type_parts(&column.ty.base);
    // The name is embedded in texts, where a quote in it would end them.
    let name = column.name.replace(['\'', '"', '\\'], "_");
    let u = uniform(seed, n);
    let one_of = |count: u64| format!("floor({count} * {u} * {u})::bigint");
    if let Some(labels) = column.ty.labels.as_ref().filter(|_| column.ty.kind == 'e') {
        return pick(labels, seed, n);
    }
    if integer_range(&base).is_some() {
        let most = if base == "smallint" { 30_000 } else { 2_000_000_000 };
        return if is_key { format!("({n}) % {most}") } else { one_of(100) };
    }
    match base.as_str() {
        "text" | "character varying" | "citext" | "public.citext" => {
            let limit = modifiers.first().and_then(|limit| u64::try_from(*limit).ok()).unwrap_or(64);
            let number = if is_key { format!("({n})") } else { one_of(VARIETY) };
            format!("right('{name}_' || {number}, {limit})")
        }
        // Keys of this kind are random in practice: their order is unrelated to the age of the row.
        "uuid" if is_key => format!("md5('{seed}.' || ({n}))::uuid"),
        "uuid" => format!("md5('{seed}.' || {})::uuid", one_of(VARIETY)),
        "numeric" | "real" | "double precision" | "money" => {
            let whole = match modifiers.as_slice() {
                [precision, scale] => (precision - scale).clamp(0, 4),
                _ => 4,
            };
            let most = 10_u64.pow(u32::try_from(whole).unwrap_or(0));
            if is_key { format!("({n})::numeric") } else { format!("trunc(({most} * {u} * {u})::numeric, 2)") }
        }
        "boolean" => format!("{u} < 0.7"),
        "date" => format!("DATE '2024-01-01' + (({n}) % 3000)::int"),
        "timestamp without time zone" | "timestamp with time zone" => {
            format!("TIMESTAMP '2024-01-01 00:00:00' + ({n}) * INTERVAL '97 seconds'")
        }
        "interval" => format!("({}) * INTERVAL '1 second'", one_of(5000)),
        "json" | "jsonb" => format!(
            "jsonb_build_object('kind', {}, 'score', {}, 'number', ({n}), 'tags', jsonb_build_array('t' || ({n}) % 17))",
            pick(&["a", "b", "c", "d"].map(str::to_owned), seed, n),
            one_of(100)
        ),
        "text[]" => format!("ARRAY['{name}_' || {}, '{name}_' || ({n}) % 7]", one_of(20)),
        _ => {
            let count = if is_key { VARIETY } else { 10 };
            let values: Vec<_> = (1..=count).filter_map(|number| sample(&column.ty, number, &name)).collect();
            if values.is_empty() { NO_VALUE.to_owned() } else { pick(&values, seed, n) }
        }
    }
}
