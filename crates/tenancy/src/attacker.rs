//! Carries out the attacks of one session, in order, and collects the outcomes. Each kind of attack has its own file.

use pgproof_server::SqlState;
use pgproof_sql::QualifiedName;
use std::collections::BTreeMap;

use pgproof_runner::Sandbox;
use pgproof_server::DatabaseError;

use super::TenancyError;
use super::attack::Attack;
use super::cell::{Cell, Verdict};
use super::ownership::TenantTable;
use super::probe::{Actor, Answer, Context, Others, Probe};
use super::reads::Objects;
use super::seeds::{Party, Seeds, without_triggers};
use pgproof_catalog::{Catalog, Timing};

/// A statement that is an attack unless it is stopped.
pub(super) struct Attempted<'a> {
    pub(super) table: &'a TenantTable,
    pub(super) attack: Attack,
    /// The key, sequence or function it uses.
    pub(super) by: Option<&'a str>,
    pub(super) context: &'a Context,
    pub(super) sql: &'a str,
    /// Whether it concerns rows without a tenant.
    pub(super) no_tenant: bool,
}

/// Attacks and their outcomes so far.
pub(super) struct Attacker<'a> {
    pub(super) probe: Probe<'a>,
    pub(super) catalog: &'a Catalog,
    pub(super) seeds: Seeds,
    pub(super) cells: Vec<Cell>,
    /// By table, how many rows the attacker sees that are its own or have no tenant.
    pub(super) visible: BTreeMap<QualifiedName, u64>,
    /// The rows that do not belong to the attacker, before any attack.
    pub(super) before: Others,
}

impl<'a> Attacker<'a> {
    /// Carries out all attacks. `db` has its own session.
    pub(super) fn run(probe: Probe<'a>, catalog: &'a Catalog, seeds: Seeds) -> Result<Vec<Cell>, TenancyError> {
        let cells = seeds.found.clone();
        let mut attacker = Attacker { probe, catalog, seeds, cells, visible: BTreeMap::new(), before: Others::new() };
        attacker.put_shared()?;
        let calls = attacker.calls()?;
        let readable = attacker.probe.readable()?;
        let objects = Objects::of(catalog, attacker.probe.ownership, &readable, calls);
        // Once set, a setting never returns to the state of never having been set: this attack comes first.
        let unset = attacker.read_without_tenants(Attack::Unset, &Context::Unset, &objects)?;
        attacker.in_state(|attacker| {
            for party in [Party::Own, Party::Other, Party::Nobody] {
                attacker.put(party)?;
            }
            attacker.refresh(&objects)?;
            attacker.attack_in_context(Attack::Unset, &Context::Unset, &objects, &unset)
        })?;
        let contexts = attacker.contexts();
        let mut empty = Vec::new();
        for (attack, context) in &contexts {
            empty.push(attacker.read_without_tenants(*attack, context, &objects)?);
        }
        attacker.attack_by_reading(&objects)?;
        for ((attack, context), before) in contexts.iter().zip(&empty) {
            attacker.attack_in_context(*attack, context, &objects, before)?;
        }
        let own = attacker.seeds.own.clone();
        attacker.probe.prepare_others(Some(&own))?;
        attacker.before = attacker.probe.others()?;
        let ownership = attacker.probe.ownership;
        for table in ownership.tables.iter().filter(|table| table.is_attacked()) {
            attacker.attack_by_writing(table)?;
            attacker.attack_by_reference(table)?;
            attacker.attack_by_switching(table)?;
        }
        attacker.attack_by_calling(&objects)?;
        Ok(attacker.cells)
    }

    /// The attacking tenant's context.
    pub(super) fn own(&self) -> Context {
        Context::Set(self.seeds.own.clone())
    }

    /// Inserts the rows of a party, except shared rows, which already exist.
    pub(super) fn put(&mut self, party: Party) -> Result<(), DatabaseError> {
        let ownership = self.probe.ownership;
        let rows = self.seeds.rows.iter().filter(|seed| seed.party == party && ownership.is_attacked(&seed.table));
        Seeds::put(&mut self.probe.db, rows)
    }

    /// Inserts the rows that are shared, or whose access is undecided.
    fn put_shared(&mut self) -> Result<(), DatabaseError> {
        let ownership = self.probe.ownership;
        let rows = self.seeds.rows.iter().filter(|seed| !ownership.is_attacked(&seed.table));
        Seeds::put(&mut self.probe.db, rows)
    }

    /// Runs something in a state that is rolled back.
    pub(super) fn in_state<T>(
        &mut self,
        act: impl FnOnce(&mut Self) -> Result<T, TenancyError>,
    ) -> Result<T, TenancyError> {
        self.probe.db.run("SAVEPOINT state")?;
        let result = act(self)?;
        self.probe.db.run("ROLLBACK TO state; RELEASE state")?;
        Ok(result)
    }

    /// Runs something while a table has room for a new row of a tenant: if a key leaves no room, the tenant's existing
    /// rows are deleted.
    pub(super) fn with_room<T>(
        &mut self,
        table: &TenantTable,
        party: Party,
        act: impl FnOnce(&mut Self) -> Result<T, TenancyError>,
    ) -> Result<T, TenancyError> {
        if !self.seeds.full.contains(&table.relation.qualified_name()) {
            return act(self);
        }
        let (name, theirs) = (table.relation.sql(), self.probe.ownership.belongs(table, self.seeds.tenant(party)));
        self.in_state(|attacker| {
            attacker.db().run(&without_triggers(&format!("DELETE FROM {name} WHERE {theirs}")))?;
            let prepared = !attacker.before.is_empty();
            let without = if prepared { attacker.probe.others()? } else { Others::new() };
            let before = std::mem::replace(&mut attacker.before, without);
            let result = act(attacker);
            attacker.before = before;
            result
        })
    }

    /// Tries a statement that writes, and judges it by its effect on the rows that do not belong to the attacker.
    pub(super) fn write(&mut self, attempted: &Attempted<'_>) -> Result<(), DatabaseError> {
        let (before, catalog) = (std::mem::take(&mut self.before), self.catalog);
        let cells = self
            .probe
            .act(attempted.context, attempted.sql, |probe, answer| judge(probe, catalog, answer, attempted, &before));
        self.before = before;
        self.cells.extend(cells?);
        Ok(())
    }

    /// Tries a statement that reads, and judges it by the number of rows it returns.
    pub(super) fn count_rows(&mut self, attempted: &Attempted<'_>, at_most: usize) -> Result<(), DatabaseError> {
        let (verdict, note) = match self.probe.ask(attempted.context, attempted.sql)? {
            Answer::Refused(report) => (Verdict::Refused, report.brief()),
            Answer::Rows(rows) if rows.len() > at_most => {
                (Verdict::Leaks, format!("it gives {} rows, and the tenant has {at_most}", rows.len()))
            }
            Answer::Rows(_) => (Verdict::Isolated, String::new()),
        };
        self.note(attempted, verdict, note);
        Ok(())
    }

    /// Records the outcome of an attack.
    pub(super) fn note(&mut self, attempted: &Attempted<'_>, verdict: Verdict, note: impl Into<String>) {
        let statement = told(&self.probe, attempted);
        self.cells.push(cell(attempted, verdict, note, statement));
    }

    /// Records why an attack does not apply.
    pub(super) fn not_applicable(&mut self, table: &TenantTable, attack: Attack, why: &str) {
        let own = self.own();
        let attempted = Attempted::new(table, attack, &own, "");
        self.cells.push(cell(&attempted, Verdict::NotApplicable, why, String::new()));
    }

    /// Whether the attacker owns the tables.
    pub(super) fn is_owner(&self) -> bool {
        self.probe.actor == Actor::Owner
    }

    /// The sandbox.
    pub(super) fn db(&mut self) -> &mut Sandbox {
        &mut self.probe.db
    }
}

impl<'a> Attempted<'a> {
    /// A statement on a table, in a context.
    pub(super) fn new(table: &'a TenantTable, attack: Attack, context: &'a Context, sql: &'a str) -> Attempted<'a> {
        Attempted { table, attack, by: None, context, sql, no_tenant: false }
    }

    /// It uses this key, sequence or function.
    pub(super) fn by(self, by: &'a str) -> Attempted<'a> {
        self.maybe_by(Some(by))
    }

    /// It uses this key, sequence or function, if there is one.
    pub(super) fn maybe_by(self, by: Option<&'a str>) -> Attempted<'a> {
        Attempted { by, ..self }
    }

    /// It concerns rows without a tenant.
    pub(super) fn of_no_tenant(self) -> Attempted<'a> {
        Attempted { no_tenant: true, ..self }
    }

    /// Whether a trigger may change the inserted row: then a constraint may have rejected the changed row.
    fn by_trigger(&self, catalog: &Catalog) -> bool {
        catalog.triggers_of(&self.table.relation).any(|trigger| trigger.timing == Timing::Before)
    }
}

fn cell(attempted: &Attempted<'_>, verdict: Verdict, note: impl Into<String>, statement: String) -> Cell {
    Cell {
        table: attempted.table.name.clone(),
        no_tenant: attempted.no_tenant,
        attack: attempted.attack,
        verdict,
        by: attempted.by.map(str::to_owned),
        note: note.into(),
        statement,
    }
}

/// The statement in a form that users can run.
fn told(probe: &Probe<'_>, attempted: &Attempted<'_>) -> String {
    let relation = &attempted.table.relation;
    let sql = attempted.sql.replace(&relation.sql(), &attempted.table.name);
    let prelude = probe.prelude(attempted.context).replace("SET LOCAL", "SET").replace('"', "");
    format!("{prelude}{sql}")
}

/// Judges a statement that has just run, by comparing the rows that do not belong to the attacker with those before.
pub(super) fn judge(
    probe: &mut Probe<'_>,
    catalog: &Catalog,
    answer: &Answer,
    attempted: &Attempted<'_>,
    before: &Others,
) -> Result<Vec<Cell>, DatabaseError> {
    let statement = told(probe, attempted);
    if let Answer::Refused(report) = answer {
        // Policies are checked before constraints: a row rejected by a constraint has passed the policies.
        let adds = ["INSERT", "MERGE", "COPY"].iter().any(|verb| attempted.sql.starts_with(verb));
        // Partition routing is a constraint too, but an error about it names no constraint.
        let foreign = attempted.attack == Attack::Child && report.has(&SqlState::CHECK_VIOLATION);
        let by_constraint = report.sqlstate.starts_with("23") && report.constraint.is_some() || foreign;
        let all = adds && !attempted.by_trigger(catalog) || attempted.attack == Attack::Move;
        if by_constraint && all && attempted.attack != Attack::Upsert {
            let note = format!("policies let it through, and only a constraint stopped it: {}", report.brief());
            return Ok(vec![cell(attempted, Verdict::Leaks, note, statement)]);
        }
        return Ok(vec![cell(attempted, Verdict::Refused, report.brief(), statement)]);
    }
    let after = probe.others()?;
    let changed = |which: fn(&(String, String)) -> &String| {
        let differs = |name: &&QualifiedName| before.get(*name).map(which) != after.get(*name).map(which);
        after.keys().filter(differs).cloned().collect::<Vec<_>>()
    };
    let (theirs, nobodys) = (changed(|digests| &digests.0), changed(|digests| &digests.1));
    let shown = |names: &[QualifiedName]| {
        let short =
            |name: &QualifiedName| probe.ownership.table(name).map_or(name.to_string(), |table| table.name.clone());
        names.iter().map(short).collect::<Vec<_>>().join(", ")
    };
    let mut cells = Vec::new();
    if !theirs.is_empty() {
        let note = format!("it is carried out, and rows in {} that are not the tenant's have changed", shown(&theirs));
        cells.push(cell(attempted, Verdict::Leaks, note, statement.clone()));
    }
    if !nobodys.is_empty() {
        let note = format!("it is carried out, and rows in {} that are no tenant's have changed", shown(&nobodys));
        cells.push(Cell { no_tenant: true, ..cell(attempted, Verdict::Leaks, note, statement.clone()) });
    }
    if cells.is_empty() {
        cells.push(cell(attempted, Verdict::Isolated, "", statement));
    }
    Ok(cells)
}
