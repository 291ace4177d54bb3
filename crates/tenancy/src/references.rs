//! Attacks through keys: a foreign key that references the other tenant's row, a cascade that reaches it, and what
//! violations and sequences reveal about it. PostgreSQL checks keys without applying policies.

use pgproof_server::{Attempt, DatabaseError, SqlState};
use pgproof_sql::QualifiedName;
use pgproof_sql::{quote::identifier, quote::literal};

use super::TenancyError;
use super::attack::Attack;
use super::attacker::{Attacker, Attempted};
use super::cell::Verdict;
use super::ownership::{Owner, TenantTable};
use super::probe::{Answer, Context};
use super::seeds::{Party, Seed, foreign_keys};
use pgproof_catalog::{Constraint, ForeignKeyAction, Generation, Index};
use pgproof_catalog::{row::Draft, row::RowGenerator, row::Value, row::columns_of_keys};

impl Attacker<'_> {
    /// All of them on one table.
    pub(super) fn attack_by_reference(&mut self, table: &TenantTable) -> Result<(), TenancyError> {
        self.with_room(table, Party::Own, |attacker| {
            attacker.references(table)?;
            attacker.unique_keys(table)?;
            attacker.sequences(table)
        })
    }

    /// Foreign keys to rows of the other tenant, their cascades, and what their violations reveal.
    fn references(&mut self, table: &TenantTable) -> Result<(), TenancyError> {
        let ownership = self.probe.ownership;
        let through = |key: &Constraint| matches!(&table.owner, Owner::Through { key: own, .. } if **own == *key);
        let tenants = |key: &&Constraint| {
            let parent = key.references.as_ref().and_then(|r| ownership.table(&r.qualified_name()));
            parent.is_some_and(TenantTable::is_tenants) && !through(key)
        };
        let keys: Vec<Constraint> = foreign_keys(self.catalog, table).filter(tenants).cloned().collect();
        let drafts = (self.draft(Party::Own, table), self.draft(Party::Other, table));
        let ((Some(my_row), Some(their_row)), false) = (drafts, keys.is_empty() || table.is_operator_only()) else {
            for attack in [Attack::Reference, Attack::Cascade, Attack::Oracle] {
                self.not_applicable(table, attack, "no other key of it references a row of a tenant's");
            }
            return Ok(());
        };
        let own = self.own();
        let mut generator = RowGenerator::of(&mut self.probe.db)?;
        generator.skip(2000);
        for key in keys {
            let Some(references) = &key.references else { continue };
            let parent = references.qualified_name();
            let Some(theirs) = self.seeds.row(Party::Other, &parent).cloned() else { continue };
            let by = Some(key.name.as_str());
            let pointing = pointed(table, &my_row, &key, |column| theirs.value(column).into());
            let nowhere = pointed(table, &my_row, &key, |column| {
                let parent = ownership.table(&parent).and_then(|parent| parent.relation.column(column));
                parent.and_then(|column| generator.another(column)).unwrap_or(Value::Null)
            });
            // Some keys are checked only at the end of a transaction.
            let now = |draft: &Draft| format!("{}; SET CONSTRAINTS ALL IMMEDIATE", draft.sql());
            let answers = (self.probe.ask(&own, &now(&pointing))?, self.probe.ask(&own, &now(&nowhere))?);
            let sql = pointing.sql();
            let attempted = |attack| Attempted::new(table, attack, &own, &sql).maybe_by(by);
            let (pointed_at, oracle) = match answers {
                (Answer::Rows(_), _) => {
                    let note =
                        format!("a row of the tenant's own now points at another tenant's in {}", references.table);
                    ((Verdict::Leaks, note), (Verdict::NotApplicable, "the other's row can be pointed at".to_owned()))
                }
                (Answer::Refused(there), Answer::Refused(not_there)) if there.sqlstate != not_there.sqlstate => {
                    let note = format!(
                        "another tenant's row was rejected with {}, and a row that is not there with {}",
                        there.condition(),
                        not_there.condition()
                    );
                    ((Verdict::Refused, there.brief()), (Verdict::Leaks, note))
                }
                (Answer::Refused(there), _) => ((Verdict::Refused, there.brief()), (Verdict::Isolated, String::new())),
            };
            self.note(&attempted(Attack::Reference), pointed_at.0, pointed_at.1);
            self.note(&attempted(Attack::Oracle), oracle.0, oracle.1);
            self.point_own_rows(table, &key, &theirs)?;
            self.cascade(table, &key, &their_row)?;
        }
        Ok(())
    }

    /// Makes the attacker's rows reference the other tenant's row.
    fn point_own_rows(&mut self, table: &TenantTable, key: &Constraint, theirs: &Seed) -> Result<(), TenancyError> {
        let referenced = key.references.as_ref().map(|r| r.columns.as_slice()).unwrap_or_default();
        let own_column = |column: &String| table.names_tenant(column);
        let pairs = key.columns.iter().zip(referenced).filter(|(column, _)| !own_column(column));
        let one = |(column, referenced): (&String, &String)| {
            let value: Value = theirs.value(referenced).into();
            format!("{} = {}", identifier(column), value.sql())
        };
        let set = pairs.map(one).collect::<Vec<_>>().join(", ");
        let sql = format!("UPDATE {} SET {set} RETURNING 1", table.relation.sql());
        let own = self.own();
        let attempted = Attempted::new(table, Attack::Reference, &own, &sql).by(&key.name);
        let (verdict, note) = match self.probe.ask(&own, &format!("{sql}; SET CONSTRAINTS ALL IMMEDIATE"))? {
            Answer::Refused(report) => (Verdict::Refused, report.brief()),
            Answer::Rows(rows) if rows.is_empty() => (Verdict::Isolated, String::new()),
            Answer::Rows(_) => (Verdict::Leaks, "rows of the tenant's own now point at another tenant's".to_owned()),
        };
        self.note(&attempted, verdict, note);
        Ok(())
    }

    /// The other tenant's row references one of the attacker's, if the other tenant can set this, and the attacker
    /// deletes it.
    fn cascade(&mut self, table: &TenantTable, key: &Constraint, their_row: &Draft) -> Result<(), TenancyError> {
        let Some(references) = &key.references else { return Ok(()) };
        let parent = references.qualified_name();
        let (Some(mine), Some(parent)) = (self.seeds.row(Party::Own, &parent), self.probe.ownership.table(&parent))
        else {
            return Ok(());
        };
        let pointing = pointed(table, their_row, key, |column| mine.value(column).into());
        let mut delete = format!("DELETE FROM {} WHERE {}", parent.relation.sql(), at(mine, &references.columns));
        let by_key = matches!(references.on_delete, ForeignKeyAction::NoAction | ForeignKeyAction::Restrict);
        if by_key {
            // If only another key leads further, the row gets one.
            let mut generator = RowGenerator::of(&mut self.probe.db)?;
            generator.skip(3000);
            let column = references.columns.last().and_then(|column| parent.relation.column(column));
            let value = column.and_then(|column| generator.another(column)).unwrap_or(Value::Default);
            let name = column.map(|column| identifier(&column.name)).unwrap_or_default();
            let (table, row) = (parent.relation.sql(), at(mine, &references.columns));
            delete = format!("UPDATE {table} SET {name} = {} WHERE {row}", value.sql());
        }
        let (own, other) = (self.own(), Context::Set(self.seeds.other.clone()));
        let insert = pointing.sql();
        let by = Some(key.name.as_str());
        let attempted = Attempted::new(table, Attack::Cascade, &own, &delete).maybe_by(by);
        let reaches = |action| !matches!(action, ForeignKeyAction::NoAction | ForeignKeyAction::Restrict);
        if !reaches(references.on_delete) && !reaches(references.on_update) {
            self.note(&attempted, Verdict::NotApplicable, "neither a delete nor another key reaches further");
            return Ok(());
        }
        let prelude = self.probe.prelude(&own);
        let outcome = self.probe.act(&other, &insert, |probe, answer| {
            if let Answer::Refused(report) = answer {
                return Ok((Verdict::Isolated, format!("the other tenant cannot make such a row: {}", report.brief())));
            }
            let before = probe.others()?;
            match probe.db.run(&format!("SAVEPOINT cascade; {prelude}{delete}; RESET ROLE")) {
                Err(DatabaseError::Reported(report)) => {
                    probe.db.run("ROLLBACK TO cascade")?;
                    Ok((Verdict::Refused, report.brief()))
                }
                Err(error) => Err(error),
                Ok(()) if probe.others()? == before => Ok((Verdict::Isolated, String::new())),
                Ok(()) => Ok((Verdict::Leaks, format!("it changes a row that another tenant made with {insert}"))),
            }
        })?;
        self.note(&attempted, outcome.0, outcome.1);
        Ok(())
    }

    /// A row of the attacker with a key of the other tenant's row.
    fn unique_keys(&mut self, table: &TenantTable) -> Result<(), TenancyError> {
        let party = if table.is_operator_only() { Party::Nobody } else { Party::Other };
        let full = table.relation.qualified_name();
        let theirs = self.seeds.row(party, &full).cloned();
        let indexes: Vec<Index> =
            self.catalog.indexes_of(&table.relation).filter(|index| index.unique).cloned().collect();
        let (Some(my_row), Some(theirs)) = (self.draft(Party::Own, table), theirs) else { return Ok(()) };
        if indexes.is_empty() {
            self.not_applicable(table, Attack::Unique, "it has no unique key");
        }
        let own = self.own();
        for index in indexes {
            let mut row = my_row.clone().overriding();
            for column in index_columns(table, &index) {
                let names_tenant = table.names_tenant(&column);
                if !names_tenant {
                    row = row.with(&column, theirs.value(&column).into());
                }
            }
            let sql = row.sql();
            let by = Some(index.name.as_str());
            let attempted = Attempted::new(table, Attack::Unique, &own, &sql).maybe_by(by);
            // The superuser's insert shows which index a duplicate violates; the index of a partition has a different
            // name.
            let control = match self.db().attempt(&format!("{sql}; SET CONSTRAINTS ALL IMMEDIATE"))? {
                Attempt::Refused(report) if report.has(&SqlState::UNIQUE_VIOLATION) => report.constraint.clone(),
                _ => None,
            };
            let Some(collides) = control else {
                let holds_tenant =
                    index.keys.iter().any(|key| key.column.as_deref().is_some_and(|column| table.names_tenant(column)));
                if holds_tenant {
                    self.note(&attempted, Verdict::Isolated, "");
                } else {
                    self.note(&attempted, Verdict::NotApplicable, "no collision could be made");
                }
                continue;
            };
            let (verdict, note) = match self.probe.ask(&own, &format!("{sql}; SET CONSTRAINTS ALL IMMEDIATE"))? {
                Answer::Refused(report) if report.is(&SqlState::UNIQUE_VIOLATION, Some(&collides)) => {
                    (Verdict::Leaks, format!("{} tells that another tenant has this key", report.brief()))
                }
                Answer::Refused(report) => (Verdict::Refused, report.brief()),
                Answer::Rows(_) => (Verdict::Isolated, String::new()),
            };
            self.note(&attempted, verdict, note);
        }
        Ok(())
    }

    /// What the sequences of a table reveal, and whether they can be reset.
    fn sequences(&mut self, table: &TenantTable) -> Result<(), TenancyError> {
        let numbered = |column: &&pgproof_catalog::Column| {
            let serial = column.default.as_ref().is_some_and(|default| default.starts_with("nextval("));
            serial || matches!(column.generation, Generation::IdentityAlways | Generation::IdentityByDefault)
        };
        let columns: Vec<String> = table.relation.columns.iter().filter(numbered).map(|c| c.name.clone()).collect();
        if columns.is_empty() {
            self.not_applicable(table, Attack::Sequence, "no column of it takes its values from a sequence");
            return Ok(());
        }
        let own = self.own();
        let name = table.relation.sql();
        for column in columns {
            let owned = format!("SELECT pg_get_serial_sequence({}, {})", literal(&name), literal(&column));
            let default = table.relation.column(&column).and_then(|column| column.default.clone()).unwrap_or_default();
            let named = default.split('\'').nth(1).map(str::to_owned);
            let Some(sequence) = self.db().value(&owned)?.or(named) else { continue };
            let last = self.db().value(&format!("SELECT last_value FROM {sequence}"))?.unwrap_or_default();
            let short = QualifiedName::from(&sequence).name().as_str().to_owned();
            // Whoever owns a sequence may do with it as he likes; what his own rows tell is tried all the same.
            let direct = if self.is_owner() { 0 } else { 2 };
            for (by, sql, found) in [
                (
                    format!("setval({short})"),
                    format!("SELECT setval({}, {last})", literal(&sequence)),
                    "it sets the numbers back for all tenants",
                ),
                (
                    short.clone(),
                    format!("SELECT last_value FROM {sequence}"),
                    "it tells how many rows all tenants have made",
                ),
            ]
            .into_iter()
            .take(direct)
            {
                let attempted = Attempted::new(table, Attack::Sequence, &own, &sql).by(&by);
                match self.probe.ask(&own, &sql)? {
                    Answer::Rows(_) => self.note(&attempted, Verdict::Leaks, found),
                    Answer::Refused(report) => self.note(&attempted, Verdict::Refused, report.brief()),
                }
            }
            let Some(my_row) = self.draft(Party::Own, table) else { continue };
            let sql = format!("{} RETURNING {}", my_row.sql(), identifier(&column));
            let attempted = Attempted::new(table, Attack::Sequence, &own, &sql).by(&short);
            match self.probe.ask(&own, &sql)? {
                Answer::Rows(_) => {
                    let note = "its own numbers tell how many rows the other tenants made in between";
                    self.note(&attempted, Verdict::Leaks, note);
                }
                Answer::Refused(report) => self.note(&attempted, Verdict::Refused, report.brief()),
            }
        }
        Ok(())
    }

    fn draft(&self, party: Party, table: &TenantTable) -> Option<Draft> {
        self.seeds.drafts.get(&(party, table.relation.qualified_name())).cloned()
    }
}

/// A row whose foreign key has different values; the column that names the tenant stays the same.
fn pointed(table: &TenantTable, row: &Draft, key: &Constraint, mut value: impl FnMut(&str) -> Value) -> Draft {
    let referenced = key.references.as_ref().map(|r| r.columns.as_slice()).unwrap_or_default();
    let mut row = row.clone();
    for (column, referenced) in key.columns.iter().zip(referenced) {
        if !table.names_tenant(column) {
            row = row.with(column, value(referenced));
        }
    }
    row
}

/// The condition that matches this row.
fn at(row: &Seed, columns: &[String]) -> String {
    let equal = |column: &String| match row.value(column) {
        Some(text) => format!("{} = {}", identifier(column), literal(&text)),
        None => format!("{} IS NULL", identifier(column)),
    };
    columns.iter().map(equal).collect::<Vec<_>>().join(" AND ")
}

/// The columns of an index, including those in its expressions.
fn index_columns(table: &TenantTable, index: &Index) -> Vec<String> {
    let written = |name: &String| table.relation.column(name).is_some_and(|column| column.generated_as.is_none());
    columns_of_keys(index).into_iter().filter(written).collect()
}
