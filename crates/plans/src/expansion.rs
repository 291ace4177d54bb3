//! Many rows from one example, set-based: columns of keys and references take other values, the rest is as in the
//! example or, where no rule connects columns, varies as usual. What set-based INSERTs cannot store is tried row by row.

use pgproof_catalog::row::{Example, unused_key};
use pgproof_catalog::{Column, ConstraintKind, Generation, Index, Relation};
use pgproof_runner::Sandbox;
use pgproof_server::{DatabaseError, Session};
use pgproof_sql::quote::{identifier, literal};

use super::candidates::{Candidates, Digit, Source};
use super::generator::Generator;
use super::parents::families;

/// How many values a column of a key has beside twice those that are needed: some will be there already.
const SPARE: usize = 64;
/// How many rows that are there are reckoned with when values are chosen.
const MOST_PRESENT: u64 = 5_000;
/// How many rows may be rejected in a row before others are tried.
const MOST_MISSES: u64 = 1_000;

/// The rows that can be made of an example.
pub(super) struct Expansion {
    table: String,
    candidates: Candidates,
    /// The digits of each key of more than one.
    keys: Vec<Vec<usize>>,
    /// What deferrable keys demand: nothing checks them while triggers rest.
    unused: Vec<String>,
    /// How many rows the table has.
    present: u64,
}

/// How far an expansion came.
#[derive(Debug, Default)]
pub(super) struct Expanded {
    pub(super) made: u64,
    /// The last rejection.
    pub(super) rejection: Option<String>,
}

/// A table, or the partition of one, and what is known of it.
pub(super) struct Plot<'a> {
    pub(super) generator: &'a Generator<'a>,
    /// Where the rows are stored.
    pub(super) table: &'a Relation,
    /// The table itself: what is configured, is configured for it.
    pub(super) owner: &'a Relation,
    pub(super) present: u64,
    /// Tables that have got their rows.
    pub(super) is_filled: &'a dyn Fn(&Relation) -> bool,
}

impl Plot<'_> {
    /// What can be varied of an example so that `wanted` rows come of it.
    pub(super) fn expansion(
        &self,
        session: &mut Session,
        sandbox: &mut Sandbox,
        example: &Example,
        wanted: u64,
    ) -> Result<Expansion, DatabaseError> {
        let (generator, table, owner) = (self.generator, self.table, self.owner);
        let catalog = generator.catalog;
        let constraint = |index: &Index| catalog.constraints_of(table).find(|c| c.name == index.name);
        let is_exclusion = |index: &Index| constraint(index).is_some_and(|c| c.kind == ConstraintKind::Exclusion);
        let keys: Vec<&Index> = catalog.indexes_of(table).filter(|index| index.unique || is_exclusion(index)).collect();
        let columns_of = |index: &Index| pgproof_catalog::row::columns_of_keys(index);
        let is_keyed = |column: &str| keys.iter().any(|index| columns_of(index).iter().any(|name| name == column));
        let count = usize::try_from(wanted * 2 + self.present.min(MOST_PRESENT) * 2).unwrap_or(usize::MAX) + SPARE;
        let connected = example.connected();

        let mut digits: Vec<Digit> = Vec::new();
        let mut without: Vec<String> = Vec::new();
        for family in families(generator, table, owner) {
            let is_empty = |column: &String| example.value(column).is_none();
            let may_vary = |column: &String| !(is_empty(column) && connected.contains(column));
            if !family.columns.iter().all(may_vary) {
                continue;
            }
            let generated = family.columns.iter().filter(|column| is_generated(table, column));
            let given: Vec<(String, String)> =
                generated.filter_map(|column| Some((column.clone(), example.value(column)?.to_owned()))).collect();
            let rows = family.rows(session, &given, count)?;
            let accepted = example.accepted(sandbox, &family.columns, rows.clone())?;
            let is_later = family.any(|key| generator.parent(key).is_some_and(|parent| !(self.is_filled)(parent)));
            if rows.is_empty() && is_later {
                without.extend(family.columns.iter().cloned());
                continue;
            }
            let is_keyed = family.columns.iter().any(|column| is_keyed(column));
            let rows = if accepted.is_empty() { rows } else { accepted };
            digits.push(Digit { columns: family.columns.clone(), rows, is_keyed });
        }
        let mut columns = Vec::new();
        for column in table.columns.iter().filter(|column| column.generation != Generation::Generated) {
            let place = |digits: &[Digit]| {
                digits.iter().enumerate().find_map(|(digit, of)| {
                    let field = of.columns.iter().position(|name| *name == column.name)?;
                    Some(Source::Digit { digit, field })
                })
            };
            let source = if let Some(configured) = generator.configured_column(owner, &column.name) {
                Source::Expression { usual: configured.clone(), constant: None }
            } else if let Some(source) = place(&digits) {
                source
            } else if let Some(like) = self.like(column).filter(|_| example.value(&column.name).is_some()) {
                Source::Like(like)
            } else if without.contains(&column.name) {
                Source::Expression { usual: generator.expression(owner, column, "n", &[]), constant: None }
            } else if is_keyed(&column.name) && example.value(&column.name).is_some() {
                let values = example.alternatives(sandbox, column, count)?;
                let rows = values.into_iter().map(|value| vec![Some(value)]).collect();
                digits.push(Digit { columns: vec![column.name.clone()], rows, is_keyed: true });
                Source::Digit { digit: digits.len() - 1, field: 0 }
            } else {
                let own = example.value(&column.name).map(str::to_owned);
                self.free(session, column, own, connected.contains(&column.name))?
            };
            columns.push((column.name.clone(), column.ty.name.clone(), source));
        }
        let digits_of = |index: &Index| -> Vec<usize> {
            let named = columns_of(index);
            let is_of = |digit: &Digit| digit.columns.iter().any(|column| named.contains(column));
            digits.iter().enumerate().filter(|(_, digit)| is_of(digit)).map(|(place, _)| place).collect()
        };
        let deferrable = |index: &&&Index| constraint(index).is_some_and(|c| c.deferrable);
        Ok(Expansion {
            table: table.sql(),
            keys: keys.iter().map(|index| digits_of(index)).filter(|digits| digits.len() > 1).collect(),
            unused: keys.iter().filter(deferrable).map(|index| unused_key(table, index, constraint(index))).collect(),
            candidates: Candidates { alias: identifier(&table.name), columns, digits },
            present: self.present,
        })
    }

    /// The column of the same row that a reference to the own table has the value of.
    fn like(&self, column: &Column) -> Option<String> {
        let own = |parent: &Relation| parent == self.table || parent == self.owner;
        self.generator.foreign_keys(self.table).find_map(|key| {
            self.generator.parent(key).filter(|parent| own(parent))?;
            let place = key.columns.iter().position(|name| *name == column.name)?;
            let referenced = key.references.as_ref()?.columns.get(place)?;
            (*referenced != column.name && !is_generated(self.table, referenced)).then(|| referenced.clone())
        })
    }

    /// A column that is no part of a key.
    fn free(
        &self,
        session: &mut Session,
        column: &Column,
        own: Option<String>,
        is_connected: bool,
    ) -> Result<Source, DatabaseError> {
        if !is_connected {
            match self.generator.checked(session, self.owner, column) {
                Ok(usual) if usual.is_accepted => {
                    return Ok(Source::Expression { usual: usual.sql, constant: Some(own) });
                }
                Ok(_) => {}
                Err(DatabaseError::Reported(_)) => session.run("ROLLBACK")?,
                Err(error) => return Err(error),
            }
        }
        Ok(Source::Constant(own))
    }
}

fn is_generated(table: &Relation, column: &str) -> bool {
    table.column(column).is_some_and(|column| column.generation == Generation::Generated)
}

impl Expansion {
    /// Stores up to `wanted` rows.
    pub(super) fn store(&self, session: &mut Session, wanted: u64) -> Result<Expanded, DatabaseError> {
        let mut expanded = Expanded::default();
        let orders = std::iter::once(None).chain(self.keys.iter().map(Some));
        let orders: Vec<Option<&Vec<usize>>> = orders.collect();
        for is_usual in [true, false] {
            for order in &orders {
                let strides = self.candidates.strides(order.map(Vec::as_slice));
                let last = self.candidates.last(order.map(Vec::as_slice), wanted);
                self.pass(session, &strides, is_usual, last, wanted, &mut expanded)?;
                if expanded.made >= wanted {
                    return Ok(expanded);
                }
            }
        }
        Ok(expanded)
    }

    /// Stores rows of one order of candidates: many at once as long as most of them are stored, then one by one.
    fn pass(
        &self,
        session: &mut Session,
        strides: &[u64],
        is_usual: bool,
        last: u64,
        wanted: u64,
        expanded: &mut Expanded,
    ) -> Result<(), DatabaseError> {
        let mut next = 0;
        while self.unused.is_empty() && next < last && expanded.made < wanted {
            let missing = wanted - expanded.made;
            let end = last.min(next + missing);
            let rows = self.candidates.rows(strides, is_usual, next, end);
            match session.value(&self.many(&rows)) {
                Ok(count) => {
                    let count = count.and_then(|count| count.parse().ok()).unwrap_or(0);
                    expanded.made += count;
                    next = end;
                    if count * 2 < missing {
                        break;
                    }
                }
                Err(DatabaseError::Reported(_)) => break,
                Err(error) => return Err(error),
            }
        }
        if next >= last || expanded.made >= wanted {
            return Ok(());
        }
        let rows = self.candidates.rows(strides, is_usual, next, last);
        match session.value(&self.one_by_one(&rows, wanted - expanded.made)) {
            Ok(answer) => {
                let answer: serde_json::Value = serde_json::from_str(&answer.unwrap_or_default()).unwrap_or_default();
                expanded.made += answer["made"].as_u64().unwrap_or(0);
                let text = |name: &str| answer[name].as_str().filter(|text| !text.is_empty());
                if let (Some(state), Some(message)) = (text("state"), text("message")) {
                    expanded.rejection = Some(format!("{state}: {message}"));
                }
            }
            Err(DatabaseError::Reported(report)) => {
                expanded.rejection = Some(format!("{}: {}", report.sqlstate, report.message));
            }
            Err(error) => return Err(error),
        }
        Ok(())
    }

    fn names(&self) -> String {
        self.candidates.columns.iter().map(|(name, ..)| identifier(name)).collect::<Vec<_>>().join(", ")
    }

    /// The statement that stores all of these rows, but those whose keys are taken, and counts them.
    fn many(&self, rows: &str) -> String {
        let values = self.candidates.values("pgproof_c");
        format!(
            "WITH pgproof_made AS (INSERT INTO {} ({}) OVERRIDING SYSTEM VALUE SELECT {values} FROM ({rows}) AS pgproof_c \
             ORDER BY pgproof_n ON CONFLICT DO NOTHING RETURNING 1) SELECT count(*) FROM pgproof_made",
            self.table,
            self.names()
        )
    }

    /// The statements that store rows one by one until there are enough of them, and say how many were stored and why
    /// the last rejected one was.
    fn one_by_one(&self, rows: &str, missing: u64) -> String {
        let unused = if self.unused.is_empty() { "true".to_owned() } else { self.unused.join(" AND ") };
        let body = format!(
            "DECLARE
                pgproof_c record;
                pgproof_made bigint := 0;
                pgproof_missed bigint := 0;
                pgproof_stored bigint;
                pgproof_state text := '';
                pgproof_message text := '';
            BEGIN
                FOR pgproof_c IN {rows} ORDER BY pgproof_n LOOP
                    BEGIN
                        INSERT INTO {table} ({names}) OVERRIDING SYSTEM VALUE
                            SELECT * FROM (SELECT {values}) AS {alias} ({names}) WHERE {unused};
                        GET DIAGNOSTICS pgproof_stored = ROW_COUNT;
                    EXCEPTION WHEN OTHERS THEN
                        pgproof_stored := 0;
                        GET STACKED DIAGNOSTICS pgproof_state = RETURNED_SQLSTATE, pgproof_message = MESSAGE_TEXT;
                    END;
                    pgproof_made := pgproof_made + pgproof_stored;
                    pgproof_missed := CASE WHEN pgproof_stored = 0 THEN pgproof_missed + 1 ELSE 0 END;
                    EXIT WHEN pgproof_made >= {missing} OR pgproof_missed >= {misses};
                END LOOP;
                PERFORM set_config('pgproof.made', json_build_object('made', pgproof_made, 'state', pgproof_state,
                    'message', pgproof_message)::text, false);
            END",
            table = self.table,
            names = self.names(),
            values = self.candidates.values("pgproof_c"),
            alias = self.candidates.alias,
            misses = MOST_MISSES + 2 * self.present.min(MOST_PRESENT),
        );
        format!("DO {}; SELECT current_setting('pgproof.made')", literal(&body))
    }
}
