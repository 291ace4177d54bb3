//! Fills the tables of the planning database: by the usual expressions where PostgreSQL accepts them, else from example
//! rows that the row generator finds. Tables that remain with fewer rows than they should have are listed with the
//! reason; only what `pgproof.toml` says wrongly is an error.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use pgproof_catalog::row::RowError;
use pgproof_catalog::{Constraint, Relation, RelationKind};
use pgproof_runner::Sandbox;
use pgproof_server::{DatabaseError, Session};
use pgproof_sql::{QualifiedName, with_causes};

use super::database::PlanningError;
use super::generator::Generator;
use super::orphans;
use super::partitions;
use super::plot::Plot;
use super::shortage::Shortage;

/// Opens a sandbox on the schema as the planning database had it before it was filled.
pub(super) type Open<'a> = dyn Fn() -> Result<Sandbox, PlanningError> + 'a;

/// What became of the rows that the usual expressions give.
#[derive(Debug, PartialEq, Eq)]
enum Stored {
    All,
    /// Fewer: keys dropped some.
    Some,
    /// None were kept, because this many partitions got no row.
    Unevenly(usize),
    /// None were kept: PostgreSQL rejected some, or they reference nothing.
    Nothing,
}

/// A planning database that is being filled.
pub(super) struct Filling<'a> {
    session: &'a mut Session,
    schema: &'a str,
    generator: &'a Generator<'a>,
    open: &'a Open<'a>,
    /// Opened when the first example is needed.
    sandbox: Option<Sandbox>,
    /// The tables in their order.
    tables: Vec<&'a Relation>,
    /// Why tables have too few rows, by their places.
    reasons: BTreeMap<usize, String>,
    /// Why there is not even an example.
    errors: BTreeMap<usize, Arc<RowError>>,
    /// Those that are known to have all their rows.
    full: BTreeSet<usize>,
}

impl<'a> Filling<'a> {
    pub(super) fn of(
        session: &'a mut Session,
        schema: &'a str,
        generator: &'a Generator<'a>,
        open: &'a Open<'a>,
    ) -> Filling<'a> {
        let tables = generator.order();
        Filling {
            session,
            schema,
            generator,
            open,
            sandbox: None,
            tables,
            reasons: BTreeMap::new(),
            errors: BTreeMap::new(),
            full: BTreeSet::new(),
        }
    }

    /// Fills all tables once, in order. Triggers are disabled meanwhile, including those of foreign keys: the keys are
    /// checked for all rows of a table at once.
    pub(super) fn fill(mut self) -> Result<Vec<Shortage>, PlanningError> {
        // VACUUM cannot mark a page all-visible while its commit record is still to be written.
        self.session.run("SET session_replication_role = replica; SET synchronous_commit = on")?;
        let mut problems = Vec::new();
        for place in 0..self.tables.len() {
            if self.generator.rows(self.tables[place]) == 0 || self.usual(place)? {
                self.full.insert(place);
                continue;
            }
            match self.wrong_expression(place)? {
                Some(problem) => problems.push(problem),
                None => self.like_examples(place)?,
            }
        }
        self.without_orphans()?;
        self.session.run("SET session_replication_role = origin")?;
        match problems.pop() {
            None => self.shortages(),
            Some(problem) if problems.is_empty() => Err(problem),
            Some(problem) => {
                problems.push(problem);
                Err(PlanningError::Tables { problems })
            }
        }
    }

    /// Fills a table by the usual expressions. False if it has not got all its rows.
    fn usual(&mut self, place: usize) -> Result<bool, DatabaseError> {
        let wanted = self.generator.rows(self.tables[place]);
        let stored = self.stored(place, wanted, false)?;
        let Stored::Unevenly(empty) = stored else { return Ok(stored == Stored::All) };
        // The partitions that remained empty get their share from examples.
        let partitions =
            u64::try_from(partitions::plots(self.generator.catalog, self.tables[place]).len()).unwrap_or(1);
        let kept = wanted - wanted / partitions * u64::try_from(empty).unwrap_or(0);
        self.stored(place, kept, true)?;
        Ok(false)
    }

    /// Stores this many rows by the usual expressions, if all partitions get some or `is_enough`.
    fn stored(&mut self, place: usize, wanted: u64, is_enough: bool) -> Result<Stored, DatabaseError> {
        let table = self.tables[place];
        let stored = self.generator.insert(self.session, table, wanted).and_then(|insert| {
            self.session.run(&format!("BEGIN; {insert}"))?;
            if !self.orphans(place, place)?.is_empty() {
                return Ok(Stored::Nothing);
            }
            let empty = if is_enough { 0 } else { self.empty_partitions(table)? };
            if empty > 0 {
                return Ok(Stored::Unevenly(empty));
            }
            let rows = self.rows(table)?;
            let is_full = rows >= wanted || rows >= self.room(table, wanted)?;
            Ok(if is_full { Stored::All } else { Stored::Some })
        });
        let stored = match stored {
            Ok(stored @ (Stored::All | Stored::Some)) => {
                self.session.run("COMMIT")?;
                return Ok(stored);
            }
            Ok(stored) => stored,
            Err(DatabaseError::Reported(_)) => Stored::Nothing,
            Err(error) => return Err(error),
        };
        // What is rolled back takes room.
        self.session.run("ROLLBACK")?;
        self.session.run(&format!("VACUUM {}", table.sql()))?;
        Ok(stored)
    }

    /// How many partitions have no rows, unless that is what they are for, or `pgproof.toml` says which have rows.
    fn empty_partitions(&mut self, table: &'a Relation) -> Result<usize, DatabaseError> {
        let partitions = partitions::of(self.generator.catalog, table);
        let keys = std::iter::once(&table).chain(&partitions).filter_map(|table| table.partition_key.as_deref());
        let words: Vec<&str> = keys.flat_map(|key| key.split(|c: char| !c.is_alphanumeric() && c != '_')).collect();
        if words.iter().any(|word| self.generator.configured_column(table, word).is_some()) {
            return Ok(0);
        }
        let is_meant = |partition: &&&Relation| {
            partition.kind == RelationKind::Table && partition.bound.as_deref() != Some("DEFAULT")
        };
        let mut empty = 0;
        for partition in partitions.iter().filter(is_meant) {
            empty += usize::from(self.rows(partition)? == 0);
        }
        Ok(empty)
    }

    /// What `pgproof.toml` says of a column, if it is no value of the column.
    fn wrong_expression(&mut self, place: usize) -> Result<Option<PlanningError>, DatabaseError> {
        let table = self.tables[place];
        for column in &table.columns {
            let Some(expression) = self.generator.configured_column(table, &column.name) else { continue };
            let all = format!(
                "SELECT count(({expression})::{}) FROM generate_series(1::bigint, {}) AS n",
                column.ty.name,
                self.generator.rows(table)
            );
            match self.session.run(&all) {
                Ok(()) => {}
                Err(source @ DatabaseError::Reported(_)) => {
                    let (schema, ty) = (self.schema.to_owned(), column.ty.name.clone());
                    let (table, column) = (self.shown(table).to_string(), column.name.clone());
                    let source = Box::new(source);
                    return Ok(Some(PlanningError::Expression { schema, table, column, ty, source }));
                }
                Err(error) => return Err(error),
            }
        }
        Ok(None)
    }

    /// Fills a table, or each of its partitions, from examples.
    fn like_examples(&mut self, place: usize) -> Result<(), PlanningError> {
        let table = self.tables[place];
        let wanted = self.room(table, self.generator.rows(table))?;
        let plots = partitions::plots(self.generator.catalog, table);
        let mut missing = wanted.saturating_sub(self.rows(table)?);
        let mut empty = Vec::new();
        for plot in &plots {
            if self.rows(plot)? == 0 {
                empty.push(*plot);
            }
        }
        // What one partition cannot store, others may.
        let first = if empty.is_empty() { &plots } else { &empty };
        for (round, plots) in [first, &plots].into_iter().take(plots.len()).enumerate() {
            for (number, plot) in plots.iter().enumerate() {
                let left = u64::try_from(plots.len() - number).unwrap_or(1);
                let share = if round == 0 { missing.div_ceil(left) } else { missing };
                missing -= self.like_example(place, plot, share)?.min(missing);
                if missing == 0 {
                    self.reasons.remove(&place);
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    /// Stores rows like an example in a table or partition, and returns how many.
    fn like_example(&mut self, place: usize, plot: &Relation, wanted: u64) -> Result<u64, PlanningError> {
        let (owner, generator) = (self.tables[place], self.generator);
        if self.sandbox.is_none() {
            self.sandbox = Some((self.open)()?);
        }
        let present = self.rows(plot)?;
        let Some(sandbox) = self.sandbox.as_mut() else { return Ok(0) };
        let tables = &self.tables;
        let is_filled = |parent: &Relation| tables[..place].contains(&parent) || !tables.contains(&parent);
        let plot = Plot { generator, table: plot, owner, present, is_filled: &is_filled };
        let example = match plot.example(self.session, sandbox) {
            Ok(example) => example,
            Err(RowError::Database(error)) if error.reported().is_none() => return Err(error.into()),
            Err(error) => {
                // Why the referenced table has none is said of that table.
                let is_of_parent = matches!(error, RowError::Parent { .. });
                self.reasons.insert(place, if is_of_parent { error.to_string() } else { with_causes(&error) });
                self.errors.insert(place, Arc::new(error));
                return Ok(0);
            }
        };
        let expansion = plot.expansion(self.session, sandbox, &example, wanted)?;
        let expanded = expansion.store(self.session, wanted)?;
        if expanded.made < wanted {
            let found = expanded.rejection.unwrap_or_else(|| "no other rows were found".to_owned());
            let advice = self.advice(owner);
            self.reasons.insert(place, format!("{found}; {advice}"));
        }
        Ok(expanded.made)
    }

    /// The foreign keys of a table with rows that reference nothing, among those that reference the tables up to `last`.
    fn orphans(&mut self, place: usize, last: usize) -> Result<Vec<&'a Constraint>, DatabaseError> {
        let generator = self.generator;
        let mut found = Vec::new();
        for key in generator.foreign_keys(self.tables[place]) {
            let parent = generator.parent(key);
            let is_later = parent.is_some_and(|parent| self.tables[last + 1..].contains(&parent));
            if !is_later && orphans::exist(self.session, self.tables[place], key)? {
                found.push(key);
            }
        }
        Ok(found)
    }

    /// What references nothing, which only foreign keys in a circle allow, references something else or is removed; the
    /// tables are filled again.
    fn without_orphans(&mut self) -> Result<(), PlanningError> {
        // The others were checked with their tables.
        let generator = self.generator;
        let is_late = |place: usize, table: &Relation| {
            let mut parents = generator.foreign_keys(table).filter_map(|key| generator.parent(key));
            parents.any(|parent| self.tables[place + 1..].contains(&parent))
        };
        if !self.tables.iter().enumerate().any(|(place, table)| is_late(place, table)) {
            return Ok(());
        }
        self.full.clear();
        for place in self.settled()? {
            self.like_examples(place)?;
        }
        // What was stored now may reference what was removed.
        self.settled()?;
        Ok(())
    }

    /// Leaves no row that references nothing, and returns the tables of which some were removed.
    fn settled(&mut self) -> Result<Vec<usize>, PlanningError> {
        let last = self.tables.len().saturating_sub(1);
        let (mut changed, mut reduced) = (Vec::new(), Vec::new());
        let mut adopted: Vec<(usize, &str)> = Vec::new();
        loop {
            let mut is_settled = true;
            for place in 0..self.tables.len() {
                for key in self.orphans(place, last)? {
                    is_settled = false;
                    changed.push(place);
                    // Keys that share columns may take turns.
                    if !adopted.contains(&(place, &key.name)) {
                        adopted.push((place, &key.name));
                        if orphans::adopt(self.session, self.tables[place], key)? {
                            continue;
                        }
                    }
                    orphans::remove(self.session, self.tables[place], key)?;
                    let advice = self.advice(self.tables[place]);
                    self.reasons.insert(place, format!("{} allows no more of them; {advice}", key.name));
                    reduced.push(place);
                }
            }
            if is_settled {
                break;
            }
        }
        changed.sort_unstable();
        changed.dedup();
        for place in changed {
            // What was changed or removed takes room.
            self.session.run(&format!("VACUUM FULL {}", self.tables[place].sql()))?;
        }
        reduced.sort_unstable();
        reduced.dedup();
        Ok(reduced)
    }

    /// What to do about a table that has too few rows.
    fn advice(&self, table: &Relation) -> String {
        let (schema, table) = (self.schema, self.shown(table));
        format!("if it never has more, say so in [schemas.{schema}.plans.tables.{table}]")
    }

    fn rows(&mut self, table: &Relation) -> Result<u64, DatabaseError> {
        let count = self.session.value(&format!("SELECT count(*) FROM {}", orphans::own(table)))?;
        Ok(count.and_then(|count| count.parse().ok()).unwrap_or(0))
    }

    /// How many of these rows a table has room for: of a row that it references one to one there is at most one.
    fn room(&mut self, table: &Relation, wanted: u64) -> Result<u64, DatabaseError> {
        let generator = self.generator;
        let mut room = wanted;
        for key in generator.foreign_keys(table) {
            let is_set = key.columns.iter().all(|name| table.column(name).is_some_and(|column| column.not_null));
            let is_one =
                generator.keys(table).any(|unique| unique.columns.iter().all(|name| key.columns.contains(name)));
            let earlier = self.tables.iter().take_while(|other| **other != table);
            let Some(parent) = earlier.copied().find(|other| generator.parent(key) == Some(*other)) else { continue };
            if !is_set || !is_one {
                continue;
            }
            // One that has no rows is the reason for a shortage.
            match self.rows(parent)? {
                0 => {}
                rows => room = room.min(rows),
            }
        }
        Ok(room)
    }

    fn shown(&self, table: &Relation) -> QualifiedName {
        self.generator.catalog.shown(&table.qualified_name())
    }

    fn shortages(&mut self) -> Result<Vec<Shortage>, PlanningError> {
        let mut found = Vec::new();
        for place in (0..self.tables.len()).filter(|place| !self.full.contains(place)).collect::<Vec<_>>() {
            let table = self.tables[place];
            let wanted = self.room(table, self.generator.rows(table))?;
            let rows = self.rows(table)?;
            if rows < wanted {
                let reason = self.reasons.remove(&place).unwrap_or_else(|| "no other rows were found".to_owned());
                let partitions = partitions::of(self.generator.catalog, table)
                    .into_iter()
                    .map(|partition| self.shown(partition))
                    .collect();
                let error = self.errors.remove(&place);
                found.push(Shortage { table: self.shown(table), partitions, rows, wanted, reason, error });
            }
        }
        Ok(found)
    }
}
