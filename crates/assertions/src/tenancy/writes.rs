//! Attacks that write, and those that read rows on the way. With WHERE, an UPDATE or DELETE also asks the policies for
//! SELECT and so hides what is open: the worst are tried without it.

use pgproof_runner::session::{identifier, literal};

use super::TenancyError;
use super::attack::{Attack, Verdict};
use super::attacker::{Attacker, Attempted, is_closed};
use super::ownership::{Owner, TenantTable};
use super::probe::Answer;
use super::seeds::Party;
use crate::catalog::{Generation, Relation};
use crate::synth::{Draft, Value};

/// The first major version that has MERGE.
const MERGE_SINCE: u16 = 15;

impl Attacker<'_> {
    /// All of them on one table.
    pub(super) fn attack_by_writing(&mut self, table: &TenantTable) -> Result<(), TenancyError> {
        let name = table.relation.sql();
        let full = table.relation.full_name();
        let own = self.own();
        let mine = self.seeds.of(Party::Own, Some(&full)).len();
        let (steal, give) = (self.assignment(table, Party::Own), self.assignment(table, Party::Other));
        let touch = touch(table);
        let draft = |party| self.seeds.drafts.get(&(party, full.clone())).cloned();
        let (Some(my_row), Some(their_row)) = (draft(Party::Own), draft(Party::Other)) else { return Ok(()) };
        macro_rules! write {
            ($attack:expr, $sql:expr) => {
                self.write(&Attempted { table, attack: $attack, by: None, context: &own, sql: &$sql })?
            };
        }
        self.add_theirs(table, &their_row)?;
        if let Some(column) = table.nullable_tenant() {
            write!(Attack::Insert, my_row.with(column, Value::Null).sql());
        }
        write!(Attack::Update, format!("UPDATE {name} SET {steal}"));
        write!(Attack::Update, format!("UPDATE {name} SET {touch}"));
        write!(Attack::Move, format!("UPDATE {name} SET {give}"));
        write!(Attack::Delete, format!("DELETE FROM {name}"));
        let theirs = self.probe.ownership.belongs(table, &self.seeds.other);
        if table.is_tenants() {
            write!(Attack::Delete, format!("DELETE FROM {name} WHERE {theirs}"));
        }
        match self.upsert(table, &my_row, &steal) {
            Some(sql) => drop(write!(Attack::Upsert, sql)),
            None => self.not_applicable(table, Attack::Upsert, "every unique key names the tenant"),
        }
        if self.probe.db.major() >= MERGE_SINCE {
            for then in [format!("UPDATE SET {steal}"), "DELETE".to_owned()] {
                write!(Attack::Merge, format!("MERGE INTO {name} USING (SELECT 1) s ON true WHEN MATCHED THEN {then}"));
            }
        } else {
            self.not_applicable(table, Attack::Merge, "MERGE came with PostgreSQL 15");
        }
        if self.is_owner() {
            let why = "who owns a table may truncate it, whatever its policies say";
            self.not_applicable(table, Attack::Truncate, why);
        } else {
            write!(Attack::Truncate, format!("TRUNCATE {name} CASCADE"));
        }
        for child in &table.children {
            let child_name = child.sql();
            for sql in [format!("UPDATE {child_name} SET {steal}"), format!("DELETE FROM {child_name}")] {
                let by = Some(child.name.as_str());
                self.write(&Attempted { table, attack: Attack::Child, by, context: &own, sql: &sql })?;
            }
        }
        let lock = format!("SELECT 1 FROM {name} FOR UPDATE");
        self.count_rows(&Attempted { table, attack: Attack::Lock, by: None, context: &own, sql: &lock }, mine)?;
        for sql in [format!("UPDATE {name} SET {touch} RETURNING 1"), format!("DELETE FROM {name} RETURNING 1")] {
            self.count_rows(&Attempted { table, attack: Attack::Returning, by: None, context: &own, sql: &sql }, mine)?;
        }
        self.copy_to(table)
    }

    /// Adds a row that is the other's, in three ways.
    fn add_theirs(&mut self, table: &TenantTable, their_row: &Draft) -> Result<(), TenancyError> {
        let own = self.own();
        let (name, values) = (table.relation.sql(), their_row.values_sql());
        let merge = format!("MERGE INTO {name} USING (SELECT 1) s ON false WHEN NOT MATCHED THEN INSERT {values}");
        self.with_room(table, Party::Other, |attacker| {
            let insert = Attempted { table, attack: Attack::Insert, by: None, context: &own, sql: &their_row.sql() };
            attacker.write(&insert)?;
            if attacker.probe.db.major() >= MERGE_SINCE {
                attacker.write(&Attempted { table, attack: Attack::Merge, by: None, context: &own, sql: &merge })?;
            }
            attacker.copy_from(table, their_row)
        })
    }

    /// An assignment that makes a row this tenant's.
    fn assignment(&self, table: &TenantTable, party: Party) -> String {
        let tenant = if party == Party::Own { &self.seeds.own } else { &self.seeds.other };
        match &table.owner {
            Owner::Column(column) => format!("{} = {}", identifier(column), literal(tenant)),
            Owner::Through { key, parent } => {
                let row = self.seeds.row(party, parent);
                let referenced = key.references.as_ref().map(|r| r.columns.as_slice()).unwrap_or_default();
                let one = |(column, referenced): (&String, &String)| {
                    let value: Value = row.and_then(|row| row.values.get(referenced).cloned()).flatten().into();
                    format!("{} = {}", identifier(column), value.sql())
                };
                key.columns.iter().zip(referenced).map(one).collect::<Vec<_>>().join(", ")
            }
            _ => touch(table),
        }
    }

    /// An upsert of a row of the tenant's own that has a key of the other's row, if a key leaves the tenant out.
    fn upsert(&self, table: &TenantTable, my_row: &Draft, steal: &str) -> Option<String> {
        let theirs =
            self.seeds.row(if is_closed(table) { Party::Nobody } else { Party::Other }, &table.relation.full_name())?;
        let tenant = match &table.owner {
            Owner::Column(column) => Some(column),
            _ => None,
        };
        let index = self.catalog.indexes_of(&table.relation).find(|index| {
            let columns: Option<Vec<&String>> = index.keys.iter().map(|key| key.column.as_ref()).collect();
            let whole = index.unique && index.predicate.is_none();
            whole && columns.is_some_and(|columns| !columns.iter().any(|column| Some(*column) == tenant))
        })?;
        let mut row = my_row.clone();
        let mut columns = Vec::new();
        for column in index.keys.iter().filter_map(|key| key.column.as_ref()) {
            row = row.with(column, theirs.values.get(column).cloned().flatten().into());
            columns.push(identifier(column));
        }
        Some(format!("{} ON CONFLICT ({}) DO UPDATE SET {steal}", row.sql(), columns.join(", ")))
    }

    /// COPY TO gives no more rows than a SELECT.
    fn copy_to(&mut self, table: &TenantTable) -> Result<(), TenancyError> {
        let own = self.own();
        let name = table.relation.sql();
        let sql = format!("COPY {name} TO STDOUT");
        let attempted = Attempted { table, attack: Attack::CopyTo, by: None, context: &own, sql: &sql };
        let prelude = self.probe.prelude(&own);
        self.db().run(&format!("SAVEPOINT copy; {prelude}"))?;
        let copied = self.db().session().copy_out(&sql);
        self.db().run("ROLLBACK TO copy; RELEASE copy")?;
        // It gives the rows of the table itself, and none of those that inherit from it.
        let of_children = self.seeds.of(Party::Own, Some(&table.relation.full_name())).into_iter();
        let of_children = of_children.filter(|seed| seed.is_in_child()).count() as u64;
        let seen = self.visible.get(&table.relation.full_name()).copied().unwrap_or(0).saturating_sub(of_children);
        let (verdict, note) = match copied {
            Ok(text) if text.lines().count() as u64 > seen => {
                (Verdict::Leaks, format!("it gives {} rows, and the tenant sees {seen}", text.lines().count()))
            }
            Ok(_) => (Verdict::Isolated, String::new()),
            Err(error) => match error.reported() {
                Some(report) => (Verdict::Refused, report.brief()),
                None => return Err(error.into()),
            },
        };
        self.note(&attempted, verdict, note);
        Ok(())
    }

    /// COPY FROM with a row of the other's.
    fn copy_from(&mut self, table: &TenantTable, their_row: &Draft) -> Result<(), TenancyError> {
        let own = self.own();
        let name = table.relation.sql();
        let (sql, line) = their_row.copy_sql();
        let attempted = Attempted { table, attack: Attack::CopyFrom, by: None, context: &own, sql: &sql };
        // A COPY that is refused before its data would leave the connection out of step, so PostgreSQL is first asked
        // what it would say (documentation, "Row Security Policies" and "COPY").
        let columns = their_row.columns();
        let may =
            columns.iter().map(|c| format!("has_column_privilege({0}, {1}, 'INSERT')", literal(&name), literal(c)));
        let may = may.chain(["true".to_owned()]).collect::<Vec<_>>().join(" AND ");
        let refused = match self.probe.ask(&own, &format!("SELECT {may}, row_security_active({})", literal(&name)))? {
            Answer::Refused(report) => Some(report.brief()),
            Answer::Rows(rows) => match rows.first().map(Vec::as_slice) {
                Some([Some(may), _]) if may == "f" => Some("42501 insufficient_privilege".to_owned()),
                Some([_, Some(active)]) if active == "t" => {
                    Some("0A000 feature_not_supported: there is no COPY FROM where row security holds".to_owned())
                }
                _ => None,
            },
        };
        if let Some(refused) = refused {
            self.note(&attempted, Verdict::Refused, refused);
            return Ok(());
        }
        let prelude = self.probe.prelude(&own);
        self.db().run(&format!("SAVEPOINT copy; {prelude}"))?;
        let answer = match self.db().session().copy_in(&sql, line.as_bytes()) {
            Ok(_) => {
                self.db().run("RESET ROLE")?;
                Answer::Rows(Vec::new())
            }
            Err(error) => match error {
                pgproof_runner::DatabaseError::Reported(report) => {
                    self.db().run("ROLLBACK TO copy")?;
                    Answer::Refused(report)
                }
                other => return Err(other.into()),
            },
        };
        let cells = super::attacker::judge(&mut self.probe, &answer, &attempted, &self.before)?;
        self.db().run("ROLLBACK TO copy; RELEASE copy")?;
        self.cells.extend(cells);
        Ok(())
    }
}

/// An assignment that changes no value, and yet writes the row.
pub(super) fn touch(table: &TenantTable) -> String {
    let writable = |relation: &Relation| {
        let column = relation.columns.iter().find(|column| column.generation == Generation::None);
        column.map_or_else(|| "none".to_owned(), |column| identifier(&column.name))
    };
    let column = writable(&table.relation);
    format!("{column} = {column}")
}
