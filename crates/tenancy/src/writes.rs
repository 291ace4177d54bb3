//! Attacks that write, and those that read rows as part of writing. With WHERE, an UPDATE or DELETE also applies the
//! policies for SELECT, which hides gaps: the worst attacks are tried without it.

use pgproof_sql::{quote::identifier, quote::literal};

use super::TenancyError;
use super::attack::Attack;
use super::attacker::{Attacker, Attempted};
use super::cell::Verdict;
use super::ownership::{Owner, TenantTable};
use super::probe::Answer;
use super::seeds::Party;
use pgproof_catalog::{Catalog, Column, Generation};
use pgproof_catalog::{row::Draft, row::Value};

/// The first major version with MERGE.
const MERGE_SINCE: u16 = 15;

impl Attacker<'_> {
    /// All of them on one table.
    pub(super) fn attack_by_writing(&mut self, table: &TenantTable) -> Result<(), TenancyError> {
        let full = table.relation.qualified_name();
        let draft = |party| self.seeds.drafts.get(&(party, full.clone())).cloned();
        let (Some(my_row), Some(their_row)) = (draft(Party::Own), draft(Party::Other)) else { return Ok(()) };
        self.add_theirs(table, &their_row)?;
        self.change(table, &my_row)?;
        self.upsert(table, &my_row)?;
        self.publish(table, &my_row)?;
        self.truncate(table)?;
        self.under(table, &their_row)?;
        self.read_on_the_way(table, &my_row)
    }

    /// Changes, steals, gives away and deletes rows without WHERE. An assignment that reads no column applies only the
    /// policies for UPDATE.
    fn change(&mut self, table: &TenantTable, my_row: &Draft) -> Result<(), TenancyError> {
        let own = self.own();
        let name = table.relation.sql();
        let (steal, give) = (self.assignment(table, Party::Own), self.assignment(table, Party::Other));
        let mut changes = vec![touch(self.catalog, table, my_row)];
        if table.is_tenants() {
            // If WITH CHECK requires visible rows, theft also changes the references.
            let references = self.own_references(table);
            changes.push(steal.clone());
            changes.extend((!references.is_empty()).then(|| format!("{steal}, {references}")));
        }
        for change in &changes {
            let sql = format!("UPDATE {name} SET {change}");
            self.write(&Attempted::new(table, Attack::Update, &own, &sql))?;
        }
        self.write(&Attempted::new(table, Attack::Delete, &own, &format!("DELETE FROM {name}")))?;
        if table.is_tenants() {
            self.write(&Attempted::new(table, Attack::Move, &own, &format!("UPDATE {name} SET {give}")))?;
            let theirs = self.probe.ownership.belongs(table, &self.seeds.other);
            self.write(&Attempted::new(table, Attack::Delete, &own, &format!("DELETE FROM {name} WHERE {theirs}")))?;
        } else {
            self.not_applicable(table, Attack::Move, "its rows are no tenant's");
        }
        if self.probe.db.major() < MERGE_SINCE {
            self.not_applicable(table, Attack::Merge, "MERGE came with PostgreSQL 15");
            return Ok(());
        }
        let updates = changes.iter().map(|change| format!("UPDATE SET {change}"));
        for then in updates.chain(["DELETE".to_owned()]) {
            let sql = format!("MERGE INTO {name} USING (SELECT 1) s ON true WHEN MATCHED THEN {then}");
            self.write(&Attempted::new(table, Attack::Merge, &own, &sql))?;
        }
        Ok(())
    }

    /// Inserts a row that belongs to the other tenant, in three ways.
    fn add_theirs(&mut self, table: &TenantTable, their_row: &Draft) -> Result<(), TenancyError> {
        let own = self.own();
        let (name, values, insert) = (table.relation.sql(), their_row.values_sql(), their_row.sql());
        let merge = format!("MERGE INTO {name} USING (SELECT 1) s ON false WHEN NOT MATCHED THEN INSERT {values}");
        self.with_room(table, Party::Other, |attacker| {
            attacker.write(&Attempted::new(table, Attack::Insert, &own, &insert))?;
            if attacker.probe.db.major() >= MERGE_SINCE {
                attacker.write(&Attempted::new(table, Attack::Merge, &own, &merge))?;
            }
            attacker.copy_from(table, their_row)
        })
    }

    /// Creates rows without a tenant: new rows, and its own rows changed.
    fn publish(&mut self, table: &TenantTable, my_row: &Draft) -> Result<(), TenancyError> {
        let Some(column) = table.nullable_tenant() else { return Ok(()) };
        let own = self.own();
        let (name, row) = (table.relation.sql(), my_row.with(column, Value::Null));
        let move_away = format!("UPDATE {name} SET {} = NULL", identifier(column));
        self.write(&Attempted::new(table, Attack::Insert, &own, &row.sql()).of_no_tenant())?;
        self.write(&Attempted::new(table, Attack::Move, &own, &move_away).of_no_tenant())?;
        if self.probe.db.major() >= MERGE_SINCE {
            let insert = row.values_sql();
            let sql = format!("MERGE INTO {name} USING (SELECT 1) s ON false WHEN NOT MATCHED THEN INSERT {insert}");
            self.write(&Attempted::new(table, Attack::Merge, &own, &sql).of_no_tenant())?;
        }
        Ok(())
    }

    fn truncate(&mut self, table: &TenantTable) -> Result<(), TenancyError> {
        if self.is_owner() {
            let why = "who owns a table may truncate it, whatever its policies say";
            self.not_applicable(table, Attack::Truncate, why);
            return Ok(());
        }
        let (own, sql) = (self.own(), format!("TRUNCATE {} CASCADE", table.relation.sql()));
        self.write(&Attempted::new(table, Attack::Truncate, &own, &sql))?;
        Ok(())
    }

    /// Accesses the descendants of a table by name: the parent's policies do not apply to them.
    fn under(&mut self, table: &TenantTable, their_row: &Draft) -> Result<(), TenancyError> {
        let own = self.own();
        let steal = self.assignment(table, Party::Own);
        for child in &table.children {
            let name = child.sql();
            let statements = [
                format!("INSERT INTO {name} {}", their_row.values_sql()),
                format!("UPDATE {name} SET {steal}"),
                format!("DELETE FROM {name}"),
            ];
            for sql in &statements {
                self.write(&Attempted::new(table, Attack::Child, &own, sql).by(&child.name))?;
            }
        }
        Ok(())
    }

    /// Reads rows that a statement locks, changes or deletes.
    fn read_on_the_way(&mut self, table: &TenantTable, my_row: &Draft) -> Result<(), TenancyError> {
        let own = self.own();
        let name = table.relation.sql();
        let mine = self.seeds.of(Party::Own, Some(&table.relation.qualified_name())).len();
        let touch = touch(self.catalog, table, my_row);
        let lock = format!("SELECT 1 FROM {name} FOR UPDATE");
        self.count_rows(&Attempted::new(table, Attack::Lock, &own, &lock), mine)?;
        for sql in [format!("UPDATE {name} SET {touch} RETURNING *"), format!("DELETE FROM {name} RETURNING *")] {
            self.count_rows(&Attempted::new(table, Attack::Returning, &own, &sql), mine)?;
        }
        self.copy_to(table)
    }

    /// Assignments that make a row reference the rows that the attacker's own row references.
    fn own_references(&self, table: &TenantTable) -> String {
        let Some(mine) = self.seeds.row(Party::Own, &table.relation.qualified_name()) else { return String::new() };
        let tenant = match &table.owner {
            Owner::Column(column) => vec![column.clone()],
            Owner::Through { key, .. } => key.columns.clone(),
            _ => Vec::new(),
        };
        let keys = super::seeds::foreign_keys(self.catalog, table).flat_map(|key| key.columns.clone());
        let columns: std::collections::BTreeSet<String> = keys.filter(|column| !tenant.contains(column)).collect();
        let one = |column: &String| {
            let value: Value = mine.value(column).into();
            format!("{} = {}", identifier(column), value.sql())
        };
        columns.iter().map(one).collect::<Vec<_>>().join(", ")
    }

    /// An assignment that makes this tenant the owner of a row.
    fn assignment(&self, table: &TenantTable, party: Party) -> String {
        let tenant = self.seeds.tenant(party);
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
            _ => "false".to_owned(),
        }
    }

    /// Upserts a row of the attacker with a key of the other tenant's row, if a key does not include the tenant.
    fn upsert(&mut self, table: &TenantTable, my_row: &Draft) -> Result<(), TenancyError> {
        let party = if table.is_operator_only() { Party::Nobody } else { Party::Other };
        let theirs = self.seeds.row(party, &table.relation.qualified_name()).cloned();
        let tenant = match &table.owner {
            Owner::Column(column) => Some(column),
            _ => None,
        };
        let index = self.catalog.indexes_of(&table.relation).find(|index| {
            let columns: Option<Vec<&String>> = index.keys.iter().map(|key| key.column.as_ref()).collect();
            let whole = index.unique && index.predicate.is_none();
            whole && columns.is_some_and(|columns| !columns.iter().any(|column| Some(*column) == tenant))
        });
        let (Some(theirs), Some(index)) = (theirs, index) else {
            self.not_applicable(table, Attack::Upsert, "every unique key names the tenant");
            return Ok(());
        };
        let mut row = my_row.clone().overriding();
        let mut columns = Vec::new();
        for column in index.keys.iter().filter_map(|key| key.column.as_ref()) {
            row = row.with(column, theirs.value(column).into());
            columns.push(identifier(column));
        }
        let touch = touch(self.catalog, table, my_row);
        let change = if table.is_tenants() { self.assignment(table, Party::Own) } else { touch };
        let (own, columns) = (self.own(), columns.join(", "));
        let sql = format!("{} ON CONFLICT ({columns}) DO UPDATE SET {change}", row.sql());
        self.write(&Attempted::new(table, Attack::Upsert, &own, &sql))?;
        Ok(())
    }

    /// COPY TO returns no more rows than a SELECT.
    fn copy_to(&mut self, table: &TenantTable) -> Result<(), TenancyError> {
        let own = self.own();
        let name = table.relation.sql();
        let sql = format!("COPY {name} TO STDOUT");
        let attempted = Attempted::new(table, Attack::CopyTo, &own, &sql);
        let prelude = self.probe.prelude(&own);
        self.db().run(&format!("SAVEPOINT copy; {prelude}"))?;
        let copied = self.db().session().copy_out(&sql);
        self.db().run("ROLLBACK TO copy; RELEASE copy")?;
        // It returns the rows of the table itself, without those of inheriting tables.
        let of_children = self.seeds.of(Party::Own, Some(&table.relation.qualified_name())).into_iter();
        let of_children = of_children.filter(|seed| seed.is_in_child()).count() as u64;
        let seen = self.visible.get(&table.relation.qualified_name()).copied().unwrap_or(0).saturating_sub(of_children);
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

    /// COPY FROM with a row of the other tenant.
    fn copy_from(&mut self, table: &TenantTable, their_row: &Draft) -> Result<(), TenancyError> {
        let own = self.own();
        let name = table.relation.sql();
        let (sql, line) = their_row.copy_sql();
        let attempted = Attempted::new(table, Attack::CopyFrom, &own, &sql);
        // A COPY rejected before its data would leave the connection out of step, so PostgreSQL is first asked whether
        // it would reject it (documentation, "Row Security Policies" and "COPY").
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
                pgproof_server::DatabaseError::Reported(report) => {
                    self.db().run("ROLLBACK TO copy")?;
                    Answer::Refused(report)
                }
                other => return Err(other.into()),
            },
        };
        let cells = super::attacker::judge(&mut self.probe, self.catalog, &answer, &attempted, &self.before)?;
        self.db().run("ROLLBACK TO copy; RELEASE copy")?;
        self.cells.extend(cells);
        Ok(())
    }
}

/// An assignment that reads no column and leaves the row valid: a constant for a column that is in no key, reference or
/// CHECK, if there is one.
pub(super) fn touch(catalog: &Catalog, table: &TenantTable, row: &Draft) -> String {
    let relation = &table.relation;
    let constrained: Vec<&String> =
        catalog.constraints_of(relation).flat_map(|constraint| &constraint.columns).collect();
    let keys = catalog.indexes_of(relation).filter(|index| index.unique).flat_map(|index| &index.keys);
    let keyed: Vec<&str> = keys.map(pgproof_catalog::IndexKey::name).collect();
    let tenant = |column: &Column| table.names_tenant(&column.name);
    let writable = || relation.columns.iter().filter(|column| column.generation == Generation::None && !tenant(column));
    let free = |column: &&Column| !constrained.contains(&&column.name) && !keyed.contains(&column.name.as_str());
    let Some(column) = writable().find(free).or_else(|| writable().next_back()) else { return "none = 1".to_owned() };
    let value = match row.value(&column.name) {
        Value::Text(text) => literal(text),
        _ => "DEFAULT".to_owned(),
    };
    format!("{} = {value}", identifier(&column.name))
}
