//! Stores the rows that are made of an example: many in a statement as long as PostgreSQL stores most of them, then one
//! by one, past those that it rejects. What the rows are like is decided elsewhere.

use pgproof_server::{DatabaseError, Session};
use pgproof_sql::quote::{identifier, literal};

use super::candidates::{Candidates, Order};

/// How many rows that are there are reckoned with when values are chosen.
pub(super) const MOST_PRESENT: u64 = 5_000;
/// How many rows may be rejected in a row before others are tried.
const MOST_MISSES: u64 = 1_000;

/// The rows that can be made of an example.
pub(super) struct Expansion {
    pub(super) table: String,
    pub(super) candidates: Candidates,
    /// The digits of each key of more than one.
    pub(super) keys: Vec<Vec<usize>>,
    /// What deferrable keys demand: nothing checks them while triggers rest.
    pub(super) unused: Vec<String>,
    /// How many rows the table has.
    pub(super) present: u64,
}

/// How far an expansion came.
#[derive(Debug, Default)]
pub(super) struct Expanded {
    pub(super) made: u64,
    /// The last rejection.
    pub(super) rejection: Option<String>,
}

impl Expansion {
    /// Stores up to `wanted` rows.
    pub(super) fn store(&self, session: &mut Session, wanted: u64) -> Result<Expanded, DatabaseError> {
        let mut expanded = Expanded::default();
        let mut orders = vec![Order::Together];
        if !self.keys.is_empty() {
            orders.push(Order::Scattered);
        }
        orders.extend(self.keys.iter().map(|key| Order::Counting(key)));
        for is_usual in [true, false] {
            for order in &orders {
                self.pass(session, *order, is_usual, wanted, &mut expanded)?;
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
        order: Order<'_>,
        is_usual: bool,
        wanted: u64,
        expanded: &mut Expanded,
    ) -> Result<(), DatabaseError> {
        let last = self.candidates.last(order, wanted);
        let mut next = 0;
        while self.unused.is_empty() && next < last && expanded.made < wanted {
            let missing = wanted - expanded.made;
            let end = last.min(next + missing);
            let rows = self.candidates.rows(order, is_usual, next, end);
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
        let rows = self.candidates.rows(order, is_usual, next, last);
        match session.value(&self.one_by_one(&rows, wanted - expanded.made)) {
            Ok(answer) => {
                let answer: serde_json::Value = serde_json::from_str(&answer.unwrap_or_default()).unwrap_or_default();
                expanded.made += answer["made"].as_u64().unwrap_or(0);
                let text = |name: &str| answer[name].as_str().filter(|text| !text.is_empty());
                if let (Some(state), Some(message)) = (text("state"), text("message")) {
                    expanded.rejection = Some(rejection(state, message));
                }
            }
            Err(DatabaseError::Reported(report)) => {
                expanded.rejection = Some(rejection(&report.sqlstate, &report.message));
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

fn rejection(state: &str, message: &str) -> String {
    format!("the last row that was tried was rejected with {state} ({message})")
}
