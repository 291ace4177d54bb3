//! Plans as if tables had other numbers of rows, without the rows: the statistics of the planning database, sizes
//! scaled with the number of rows, and files extended sparsely, because the planner asks the files for their size
//! (`src/backend/optimizer/util/plancat.c`, `estimate_rel_size`). For EXPLAIN only: the files hold no data.

use std::collections::BTreeMap;
use std::sync::Arc;

use pgproof_runner::Sandbox;
use pgproof_runner::{isolation::IsolationError, isolation::Template};
use pgproof_server::{DatabaseError, Session};
use pgproof_sql::quote::literal;

/// Blocks in a file of a relation, with PostgreSQL's default block size of 8 kB: a larger relation has several files.
const BLOCKS_IN_A_SEGMENT: u64 = 131_072;
const BLOCK: u64 = 8192;

/// The largest `relpages` of a relation, which is a signed number of 32 bits.
const MOST_PAGES: u64 = 1 << 31;

/// Numbers of rows by table.
pub type Scale = BTreeMap<String, u64>;

/// Why a query cannot be planned at another scale.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ScaleError {
    /// No database is available to scale.
    #[error(transparent)]
    Isolation(#[from] IsolationError),
    /// A table does not exist, or has no rows to scale from.
    #[error("table {table} has no rows in the planning database to scale from")]
    NoRows {
        /// The table.
        table: String,
    },
    /// A table or one of its indexes would be larger than PostgreSQL's files.
    #[error("table {table} cannot have {rows} rows: it or one of its indexes would be larger than {} TiB", (MOST_PAGES * BLOCK) >> 40)]
    TooLarge {
        /// The table.
        table: String,
        /// How many rows it was to have.
        rows: u64,
    },
    /// The session failed, or lacks the privilege: a superuser is required, which an external server may not provide.
    #[error(transparent)]
    Database(#[from] DatabaseError),
}

/// The planning database with all files empty and its statistics unchanged, ready to be set to any size.
pub struct Scaled {
    sandbox: Sandbox,
    sizes: Vec<Size>,
    references: Vec<Reference>,
}

/// A column that references another table and whose number of distinct values grows with its rows, according to its
/// statistics. It has at most as many as the other table has rows.
#[derive(Debug, Clone)]
struct Reference {
    /// The row of pg_statistic, as a condition.
    statistic: String,
    table: String,
    parent: String,
    /// Distinct values per row.
    share: f64,
}

/// The size of a table or index in the planning database.
#[derive(Debug, Clone)]
struct Size {
    oid: String,
    /// The table itself, or the table of the index.
    table: String,
    is_table: bool,
    pages: u64,
    tuples: f64,
    /// Its first file. Known once the files have been emptied.
    path: String,
    /// The current number of pages in its files.
    now: u64,
    /// The current reported number of rows.
    tuples_now: f64,
}

/// The template for scaling: the planning database of a schema.
pub fn scaled_template(template: &Arc<Template>) -> Result<Scaled, ScaleError> {
    let mut sizes = Vec::new();
    let mut references = Vec::new();
    let sandbox = Sandbox::alone(template, |session| -> Result<(), ScaleError> {
        sizes = read_sizes(session)?;
        references = read_references(session)?;
        let tables = "SELECT string_agg(oid::regclass::text, ', ') FROM pg_class WHERE relkind IN ('r', 'p') \
                      AND relnamespace::regnamespace::text !~ '^pg_' AND relnamespace::regnamespace::text <> 'information_schema'";
        // TRUNCATE gives each relation new, empty files and leaves pg_statistic unchanged.
        if let Some(tables) = session.value(tables)? {
            session.run(&format!("TRUNCATE {tables}"))?;
        }
        let oids: Vec<_> = sizes.iter().map(|size| size.oid.clone()).collect();
        let paths = session.rows(&format!(
            "SELECT current_setting('data_directory') || '/' || pg_relation_filepath(oid::regclass) \
             FROM unnest('{{{}}}'::oid[]) WITH ORDINALITY AS o (oid, place) ORDER BY place",
            oids.join(",")
        ))?;
        for (size, path) in sizes.iter_mut().zip(paths) {
            size.path = path.into_iter().next().flatten().unwrap_or_default();
        }
        Ok(())
    })?;
    Ok(Scaled { sandbox, sizes, references })
}

impl Scaled {
    /// Sets these tables, and their indexes, to the sizes they would have with this many rows, and the other tables to
    /// those of the planning database. The sandbox then plans accordingly.
    pub fn plan_as_if(&mut self, scale: &Scale) -> Result<&mut Sandbox, ScaleError> {
        let mut named = Scale::new();
        for (table, rows) in scale {
            // As PostgreSQL prints the name: qualified only if the search path does not find it.
            let sql = format!("SELECT to_regclass({})::text", literal(table));
            named.insert(self.sandbox.value(&sql)?.unwrap_or_else(|| table.clone()), *rows);
        }
        let scale = &named;
        for table in scale.keys() {
            let known = |size: &&Size| size.is_table && size.table == *table && size.tuples >= 1.0;
            if !self.sizes.iter().any(|size| known(&size)) {
                return Err(ScaleError::NoRows { table: table.clone() });
            }
        }
        let factors: Vec<f64> = self.sizes.iter().map(|size| self.factor(&size.table, scale)).collect();
        for (size, factor) in self.sizes.iter().zip(&factors) {
            if scaled_pages(size, *factor) >= MOST_PAGES {
                let rows = scale.get(&size.table).copied().unwrap_or_default();
                return Err(ScaleError::TooLarge { table: size.table.clone(), rows });
            }
        }
        let mut script = Vec::new();
        let mut values = Vec::new();
        for (size, factor) in self.sizes.iter_mut().zip(factors) {
            let pages = scaled_pages(size, factor);
            let tuples = size.tuples * factor;
            if pages != size.now || (tuples - size.tuples_now).abs() > f64::EPSILON {
                script.extend(resize(&size.path, size.now, pages));
                values.push(format!("({}::oid, {pages}, {tuples}::real)", size.oid));
                (size.now, size.tuples_now) = (pages, tuples);
            }
        }
        if !values.is_empty() {
            self.sandbox.run(&format!(
                "UPDATE pg_class c SET relpages = v.pages, reltuples = v.tuples, \
                 relallvisible = CASE WHEN c.relkind = 'r' THEN v.pages ELSE 0 END \
                 FROM (VALUES {}) AS v (oid, pages, tuples) WHERE c.oid = v.oid",
                values.join(", ")
            ))?;
            // The server's operating system user owns the files; COPY writes the script to the standard input of the
            // shell.
            let lines: Vec<_> = script.iter().map(|line| literal(line)).collect();
            let sql = format!("COPY (SELECT unnest(ARRAY[{}]::text[])) TO PROGRAM 'sh'", lines.join(", "));
            self.sandbox.run(&sql)?;
            self.bound_references(scale)?;
        }
        Ok(&mut self.sandbox)
    }

    fn bound_references(&mut self, scale: &Scale) -> Result<(), DatabaseError> {
        for reference in &self.references {
            let rows = |table: &str| self.rows(table).unwrap_or(0.0) * self.factor(table, scale);
            let parents = rows(&reference.parent);
            let values = if reference.share * rows(&reference.table) > parents { parents } else { -reference.share };
            let sql = format!("UPDATE pg_statistic SET stadistinct = {values} WHERE {}", reference.statistic);
            self.sandbox.run(&sql)?;
        }
        Ok(())
    }

    /// How many rows a table has in the planning database.
    pub fn rows(&self, table: &str) -> Option<f64> {
        self.sizes.iter().find(|size| size.is_table && size.table == table).map(|size| size.tuples)
    }

    #[expect(clippy::cast_precision_loss, reason = "numbers of rows are far below 2^53")]
    fn factor(&self, table: &str, scale: &Scale) -> f64 {
        match (scale.get(table), self.rows(table)) {
            (Some(rows), Some(base)) if base >= 1.0 => *rows as f64 / base,
            _ => 1.0,
        }
    }
}

#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "numbers of pages are positive and far below 2^53"
)]
fn scaled_pages(size: &Size, factor: f64) -> u64 {
    ((size.pages as f64 * factor).ceil() as u64).max(1)
}

fn read_sizes(session: &mut Session) -> Result<Vec<Size>, DatabaseError> {
    let rows = session.rows(
        "SELECT c.oid, t.oid::regclass, c.oid = t.oid, c.relpages, c.reltuples FROM pg_class c \
         LEFT JOIN pg_index i ON i.indexrelid = c.oid JOIN pg_class t ON t.oid = coalesce(i.indrelid, c.oid) \
         WHERE c.relkind IN ('r', 'i') AND t.relkind = 'r' AND c.relnamespace::regnamespace::text !~ '^pg_' \
           AND c.relnamespace::regnamespace::text <> 'information_schema' AND c.reltuples >= 0 ORDER BY c.oid",
    )?;
    let size = |row: Vec<Option<String>>| {
        let [Some(oid), Some(table), Some(is_table), Some(pages), Some(tuples)] = <[_; 5]>::try_from(row).ok()? else {
            return None;
        };
        let (pages, tuples) = (pages.parse().ok()?, tuples.parse().ok()?);
        Some(Size {
            oid,
            table,
            is_table: is_table == "t",
            pages,
            tuples,
            path: String::new(),
            now: 0,
            tuples_now: -1.0,
        })
    };
    Ok(rows.into_iter().filter_map(size).collect())
}

fn read_references(session: &mut Session) -> Result<Vec<Reference>, DatabaseError> {
    let rows = session.rows(
        "SELECT format('starelid = %s AND staattnum = %s AND NOT stainherit', s.starelid, s.staattnum), t.oid::regclass, p.oid::regclass, -s.stadistinct \
         FROM pg_constraint k JOIN pg_class t ON t.oid = k.conrelid JOIN pg_class p ON p.oid = k.confrelid \
         JOIN pg_statistic s ON s.starelid = k.conrelid AND s.staattnum = k.conkey[1] AND NOT s.stainherit \
         WHERE k.contype = 'f' AND cardinality(k.conkey) = 1 AND s.stadistinct < 0 AND p.relkind = 'r' ORDER BY k.oid",
    )?;
    let reference = |row: Vec<Option<String>>| {
        let [Some(statistic), Some(table), Some(parent), Some(share)] = <[_; 4]>::try_from(row).ok()? else {
            return None;
        };
        Some(Reference { statistic, table, parent, share: share.parse().ok()? })
    };
    Ok(rows.into_iter().filter_map(reference).collect())
}

/// Shell commands that change a relation's files from one number of pages to another, without writing any: `dd` moves
/// the end of a file.
fn resize(path: &str, before: u64, pages: u64) -> Vec<String> {
    let quoted = |path: &str| format!("'{}'", path.replace('\'', "'\"'\"'"));
    let name = |segment: u64| if segment == 0 { path.to_owned() } else { format!("{path}.{segment}") };
    let (full, full_before) = (pages / BLOCKS_IN_A_SEGMENT, before / BLOCKS_IN_A_SEGMENT);
    // Segments that were full and remain full need no change.
    let first = full.min(full_before);
    let mut lines: Vec<String> = (first..=full)
        .map(|segment| {
            let blocks = if segment < full { BLOCKS_IN_A_SEGMENT } else { pages % BLOCKS_IN_A_SEGMENT };
            format!("dd if=/dev/null of={} bs={BLOCK} count=0 seek={blocks} 2>/dev/null", quoted(&name(segment)))
        })
        .collect();
    // Leftover segments of a previous, larger size would count too.
    if full_before > full {
        let names: Vec<_> = (full + 1..=full_before).map(|segment| quoted(&name(segment))).collect();
        lines.push(format!("rm -f {}", names.join(" ")));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    use crate::{Mode, WorkloadQuery};

    /// Ten groups of a parent's children, with an index that pays off only in a large table.
    fn family() -> Arc<Template> {
        let make = "CREATE TABLE parent (id int PRIMARY KEY);
            CREATE TABLE child (id int PRIMARY KEY, parent int NOT NULL REFERENCES parent, part int NOT NULL, filler text);
            INSERT INTO parent SELECT n FROM generate_series(1, 1000) n;
            INSERT INTO child SELECT n, n % 1000 + 1, n % 300, repeat('x', 100) FROM generate_series(1, 3000) n;
            CREATE INDEX by_parent ON child (parent); CREATE INDEX by_part ON child (part);";
        Template::scratch()
            .and_then(|template| {
                template.derived("scale", |session, _| -> Result<String, DatabaseError> {
                    session.run(make)?;
                    session.run("VACUUM (ANALYZE) parent, child")?;
                    Ok(String::new())
                })
            })
            .unwrap_or_else(|error| panic!("{}", pgproof_sql::with_causes(&error)))
    }

    fn plan(scaled: &mut Scaled, sql: &str, rows: u64) -> String {
        let sandbox = scaled.plan_as_if(&Scale::from([("child".to_owned(), rows)])).expect("a size");
        WorkloadQuery::unnamed(sql.to_owned()).explain(sandbox, Mode::Custom, None).expect("a plan").plan.render()
    }

    #[test]
    fn a_plan_is_that_of_the_size_that_is_asked_for() {
        let mut scaled = scaled_template(&family()).expect("a database");
        let sql = "SELECT * FROM child WHERE id = 7";
        assert!(plan(&mut scaled, sql, 1).starts_with("Seq Scan"));
        assert!(plan(&mut scaled, sql, 300_000_000).starts_with("Index Scan using child_pkey"));
        assert!(plan(&mut scaled, sql, 1).starts_with("Seq Scan"));
    }

    #[test]
    fn a_reference_has_no_more_values_than_its_parent_has_rows() {
        let mut scaled = scaled_template(&family()).expect("a database");
        // With 3,000 values per parent a bitmap is right; scaled from the share of the small table it would be three
        // rows.
        let sql = "SELECT * FROM child WHERE parent = 7";
        assert!(
            plan(&mut scaled, sql, 3_000_000).starts_with("Bitmap Heap Scan"),
            "{}",
            plan(&mut scaled, sql, 3_000_000)
        );
    }

    #[test]
    fn a_table_without_rows_cannot_be_scaled() {
        let mut scaled = scaled_template(&family()).expect("a database");
        let error = scaled.plan_as_if(&Scale::from([("nobody".to_owned(), 5)])).err().expect("no such table");
        assert_eq!(error.to_string(), "table nobody has no rows in the planning database to scale from");
    }

    #[test]
    fn a_table_has_no_more_rows_than_its_files_hold() {
        let mut scaled = scaled_template(&family()).expect("a database");
        let error = scaled.plan_as_if(&Scale::from([("child".to_owned(), u64::MAX)])).err().expect("too large");
        assert!(matches!(error, ScaleError::TooLarge { .. }), "{error}");
        assert_eq!(
            error.to_string(),
            "table child cannot have 18446744073709551615 rows: it or one of its indexes would be larger than 16 TiB"
        );
        plan(&mut scaled, "SELECT 1", 1_000_000_000);
    }

    #[test]
    fn all_segments_but_the_last_are_full() {
        let lines = resize("/d/1", 3, BLOCKS_IN_A_SEGMENT * 2 + 5);
        assert_eq!(lines[0], "dd if=/dev/null of='/d/1' bs=8192 count=0 seek=131072 2>/dev/null");
        assert_eq!(lines[2], "dd if=/dev/null of='/d/1.2' bs=8192 count=0 seek=5 2>/dev/null");
        assert_eq!(lines.len(), 3);
    }

    #[test]
    fn a_smaller_relation_has_no_segments_left_over() {
        let lines = resize("/d/1", BLOCKS_IN_A_SEGMENT * 2 + 5, 7);
        assert_eq!(lines[1], "rm -f '/d/1.1' '/d/1.2'");
        assert_eq!(lines.len(), 2);
    }
}
