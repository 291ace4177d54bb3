//! Reading, judged by non-interference: whatever a tenant can read stays the same when another tenant gets a row. It
//! requires no knowledge of the purpose of a view or a policy.

use std::collections::BTreeMap;

use pgproof_server::DatabaseError;
use pgproof_sql::QualifiedName;
use pgproof_sql::{quote::identifier, quote::literal};

use super::TenancyError;
use super::attack::Attack;
use super::attacker::{Attacker, Attempted};
use super::cell::Verdict;
use super::ownership::{Ownership, TenantTable};
use super::probe::{Answer, Context};
use super::seeds::{Party, Seeds};
use pgproof_catalog::{Catalog, Relation, RelationKind};

/// A call of a function.
#[derive(Debug, Clone)]
pub(super) struct Call {
    /// The name of the function in sentences.
    pub(super) function: String,
    pub(super) sql: String,
    /// The qualified names of the tables to which it is attributed.
    pub(super) tables: Vec<QualifiedName>,
}

/// The columns of each relation that the attacker may read.
pub(super) type Readable = BTreeMap<QualifiedName, Vec<String>>;

/// What can be read.
#[derive(Debug, Clone)]
pub(super) struct Object {
    /// Its name in sentences.
    name: String,
    sql: String,
    /// A row as text, with only the columns that may be read.
    row: String,
    attack: Attack,
    /// The qualified name of the table in the matrix to which it is attributed; a view is attributed to the tables it
    /// shows.
    table: Option<QualifiedName>,
}

/// All that can be read.
#[derive(Debug, Clone)]
pub(super) struct Objects {
    all: Vec<Object>,
    materialized: Vec<String>,
    /// Calls of functions, and the tables to which each is attributed.
    pub(super) calls: Vec<Call>,
}

/// How many rows an object shows and their digest, or why it shows none.
pub(super) type Sight = Result<(u64, String), String>;

/// What is visible of each object.
pub(super) type Reading = BTreeMap<String, Sight>;

impl Objects {
    /// The tables with their descendants, and the views of a schema.
    pub(super) fn of(catalog: &Catalog, ownership: &Ownership, readable: &Readable, calls: Vec<Call>) -> Objects {
        let row = |relation: &Relation| {
            let may = readable.get(&relation.qualified_name()).map(Vec::as_slice).unwrap_or_default();
            // A role that may read no column is denied the whole row.
            if may.is_empty() || may.len() == relation.columns.len() {
                return "pgproof_row::text".to_owned();
            }
            let columns: Vec<String> = may.iter().map(|name| format!("pgproof_row.{}", identifier(name))).collect();
            format!("ROW({})::text", columns.join(", "))
        };
        let mut all = Vec::new();
        for table in &ownership.tables {
            let full = Some(table.relation.qualified_name());
            all.push(Object {
                name: table.name.clone(),
                sql: table.relation.sql(),
                row: row(&table.relation),
                attack: Attack::Select,
                table: full.clone(),
            });
            for child in &table.children {
                let name = catalog.shown(&child.qualified_name()).to_string();
                all.push(Object {
                    name,
                    sql: child.sql(),
                    row: row(child),
                    attack: Attack::Child,
                    table: full.clone(),
                });
            }
        }
        let mut materialized = Vec::new();
        for relation in &catalog.relations {
            let attack = match relation.kind {
                RelationKind::View => Attack::View,
                RelationKind::MaterializedView => Attack::MaterializedView,
                _ => continue,
            };
            if attack == Attack::MaterializedView {
                materialized.push(relation.sql());
            }
            let name = catalog.shown(&relation.qualified_name()).to_string();
            all.push(Object { name, sql: relation.sql(), row: row(relation), attack, table: None });
        }
        Objects { all, materialized, calls }
    }

    fn has(&self, attack: Attack) -> bool {
        self.all.iter().any(|object| object.attack == attack)
    }
}

impl Attacker<'_> {
    /// What is visible in a context while no tenant has a row; rows without a tenant must not be visible either.
    pub(super) fn read_without_tenants(
        &mut self,
        attack: Attack,
        context: &Context,
        objects: &Objects,
    ) -> Result<Reading, TenancyError> {
        let nothing = self.in_state(|attacker| {
            attacker.refresh(objects)?;
            Ok(attacker.read(objects, context)?)
        })?;
        let seeds = self.seeds.clone();
        let nobodys = self.in_state(|attacker| {
            Seeds::put(attacker.db(), seeds.of(Party::Nobody, None))?;
            attacker.refresh(objects)?;
            Ok(attacker.read(objects, context)?)
        })?;
        let from = self.cells.len();
        self.compare(objects, attack, context, &nothing, &nobodys);
        let found = self.cells.split_off(from);
        let leaks = found.into_iter().filter(|cell| cell.verdict == Verdict::Leaks);
        self.cells.extend(leaks.map(|cell| super::Cell { no_tenant: true, ..cell }));
        Ok(nobodys)
    }

    /// What is visible in a context.
    pub(super) fn read(&mut self, objects: &Objects, context: &Context) -> Result<Reading, DatabaseError> {
        let mut reading = self.read_these(&objects.all, context)?;
        for call in &objects.calls {
            reading.insert(call.sql.clone(), self.call(context, &call.sql)?);
        }
        Ok(reading)
    }

    /// The result of a call. If it varies between calls, only the number of rows counts.
    pub(super) fn call(&mut self, context: &Context, sql: &str) -> Result<Sight, DatabaseError> {
        let mut once = || -> Result<Result<Vec<String>, String>, DatabaseError> {
            Ok(match self.probe.ask(context, sql)? {
                Answer::Refused(report) => Err(report.brief()),
                Answer::Rows(rows) => {
                    let mut texts: Vec<String> = rows.into_iter().map(|row| format!("{row:?}")).collect();
                    texts.sort();
                    Ok(texts)
                }
            })
        };
        let (one, other) = (once()?, once()?);
        Ok(match (one, other) {
            (Ok(one), Ok(other)) if one == other => Ok((one.len() as u64, one.join("\n"))),
            (Ok(one), Ok(_)) => Ok((one.len() as u64, String::new())),
            (Err(refused), _) | (_, Err(refused)) => Err(refused),
        })
    }

    fn read_these(&mut self, objects: &[Object], context: &Context) -> Result<Reading, DatabaseError> {
        let one = |object: &Object| {
            let name = literal(&object.sql);
            let digest = format!("coalesce(sum(hashtextextended({}, 0)), 0)", object.row);
            format!("SELECT {name}, count(*), {digest} FROM {} pgproof_row", object.sql)
        };
        let all = objects.iter().map(one).collect::<Vec<_>>().join(" UNION ALL ");
        match self.probe.ask(context, &all)? {
            Answer::Rows(rows) => {
                let sight = |row: Vec<Option<String>>| {
                    let mut cells = row.into_iter().flatten();
                    let name = cells.next()?;
                    let count = cells.next()?.parse().ok()?;
                    Some((name, Ok((count, cells.next()?))))
                };
                Ok(rows.into_iter().filter_map(sight).collect())
            }
            Answer::Refused(report) => {
                if let [object] = objects {
                    return Ok(Reading::from([(object.sql.clone(), Err(report.brief()))]));
                }
                // An error hides the other results: each object is queried separately.
                let mut reading = Reading::new();
                for object in objects {
                    reading.extend(self.read_these(std::slice::from_ref(object), context)?);
                }
                Ok(reading)
            }
        }
    }

    /// Inserts the rows, table by table, and checks after each whether the attacker sees more than before.
    pub(super) fn attack_by_reading(&mut self, objects: &Objects) -> Result<(), TenancyError> {
        let own = self.own();
        let seeds = self.seeds.clone();
        self.put(Party::Own)?;
        self.refresh(objects)?;
        let first = self.read(objects, &own)?;
        let readable: Vec<Object> =
            objects.all.iter().filter(|object| matches!(first.get(&object.sql), Some(Ok(_)))).cloned().collect();
        let mut before = first.clone();
        let count = |reading: &Reading, object: &Object| match reading.get(&object.sql) {
            Some(Ok((count, _))) => *count,
            _ => 0,
        };
        let tables = || readable.iter().filter(|object| object.attack == Attack::Select);
        let seen = |object: &Object| Some((object.table.clone()?, count(&first, object)));
        self.visible = tables().filter_map(seen).collect();
        let ownership = self.probe.ownership;
        for party in [Party::Other, Party::Nobody] {
            for table in &ownership.tables {
                let rows = seeds.of(party, Some(&table.relation.qualified_name()));
                if rows.is_empty() {
                    continue;
                }
                Seeds::put(&mut self.probe.db, rows)?;
                self.refresh(objects)?;
                let after = self.read_these(&readable, &own)?;
                for object in readable.iter().filter(|object| before.get(&object.sql) != after.get(&object.sql)) {
                    self.seen(object, table, party, &before, &after);
                }
                if party == Party::Nobody {
                    for object in tables() {
                        let more = count(&after, object).saturating_sub(count(&before, object));
                        if let Some(name) = &object.table {
                            *self.visible.entry(name.clone()).or_default() += more;
                        }
                    }
                }
                before.extend(after);
            }
        }
        for table in &ownership.tables {
            self.sum_up(objects, table, &first);
        }
        Ok(())
    }

    /// An object shows something different since this party has a row in a table.
    fn seen(&mut self, object: &Object, put: &TenantTable, party: Party, before: &Reading, after: &Reading) {
        let ownership = self.probe.ownership;
        let table = object.table.as_ref().and_then(|name| ownership.table(name)).unwrap_or(put);
        let count = |reading: &Reading| match reading.get(&object.sql) {
            Some(Ok((1, _))) => "1 row".to_owned(),
            Some(Ok((count, _))) => format!("{count} rows"),
            Some(Err(refused)) => refused.clone(),
            None => "nothing".to_owned(),
        };
        let whose = if party == Party::Nobody { "no tenant's" } else { "another tenant's" };
        let note = format!(
            "{} shows {} instead of {} once there is a row of {whose} in {}",
            object.name,
            count(after),
            count(before),
            put.name
        );
        let sql = format!("SELECT * FROM {}", object.name);
        let own = self.own();
        let by = (object.attack != Attack::Select).then_some(object.name.as_str());
        let attempted = Attempted::new(table, object.attack, &own, &sql).maybe_by(by);
        self.note(&attempted, Verdict::Leaks, note);
        if let (Party::Nobody, false, Some(cell)) = (party, table.is_operator_only(), self.cells.last_mut()) {
            cell.no_tenant = true;
        }
    }

    /// The outcome of reading a table if nothing leaked, and whether the tenant sees its own rows.
    fn sum_up(&mut self, objects: &Objects, table: &TenantTable, first: &Reading) {
        let own = self.own();
        for attack in [Attack::Select, Attack::Child, Attack::View, Attack::MaterializedView] {
            if !objects.has(attack) {
                self.not_applicable(table, attack, "the schema has none");
                continue;
            }
            let full = table.relation.qualified_name();
            let of_table =
                |object: &&Object| object.attack == attack && object.table.as_ref().is_none_or(|name| *name == full);
            let theirs: Vec<&Object> = objects.all.iter().filter(of_table).collect();
            if theirs.is_empty() {
                self.not_applicable(table, attack, "the table has none");
                continue;
            }
            let sql = format!("SELECT * FROM {}", theirs[0].name);
            let attempted = Attempted::new(table, attack, &own, &sql);
            let refused = theirs.iter().find_map(|object| first.get(&object.sql)?.as_ref().err());
            let all_refused = theirs.iter().all(|object| matches!(first.get(&object.sql), Some(Err(_))));
            match (refused, first.get(&theirs[0].sql)) {
                (Some(refused), _) if all_refused => self.note(&attempted, Verdict::Refused, refused.clone()),
                (_, Some(Ok((0, _)))) if attack == Attack::Select && table.is_tenants() => {
                    self.note(&attempted, Verdict::Hides, "the tenant does not see its own row");
                }
                _ => self.note(&attempted, Verdict::Isolated, ""),
            }
        }
    }

    /// Objects that show something different from before.
    pub(super) fn compare(
        &mut self,
        objects: &Objects,
        attack: Attack,
        context: &Context,
        before: &Reading,
        after: &Reading,
    ) {
        let ownership = self.probe.ownership;
        for object in &objects.all {
            let (was, is) = (before.get(&object.sql), after.get(&object.sql));
            let table = object.table.as_ref().and_then(|name| ownership.table(name));
            // A view is attributed to the table of the tenants, or to the first table with rows of tenants.
            let Some(table) = table.or_else(|| ownership.tenants()).filter(|table| table.is_attacked()) else {
                continue;
            };
            let sql = format!("SELECT * FROM {}", object.name);
            let by = (object.attack != Attack::Select).then_some(object.name.as_str());
            let attempted = Attempted::new(table, attack, context, &sql).maybe_by(by);
            match (was, is) {
                (_, Some(Err(refused))) => self.note(&attempted, Verdict::Refused, refused.clone()),
                (was, is) if was == is => self.note(&attempted, Verdict::Isolated, ""),
                (_, Some(Ok((count, _)))) => {
                    let note = format!("{} shows {count} rows once there are some", object.name);
                    self.note(&attempted, Verdict::Leaks, note);
                }
                (_, None) => {}
            }
        }
        for call in &objects.calls {
            if let (was, Some(Ok((count, _)))) = (before.get(&call.sql), after.get(&call.sql))
                && was != after.get(&call.sql)
            {
                for table in call.tables.iter().filter_map(|name| ownership.table(name)) {
                    let attempted = Attempted::new(table, attack, context, &call.sql).by(&call.function);
                    let note = format!("{} gives something else once there are rows: {count} rows", call.function);
                    self.note(&attempted, Verdict::Leaks, note);
                }
            }
        }
    }

    /// Refreshes materialized views, as the superuser.
    pub(super) fn refresh(&mut self, objects: &Objects) -> Result<(), DatabaseError> {
        let sql: Vec<String> =
            objects.materialized.iter().map(|view| format!("REFRESH MATERIALIZED VIEW {view}")).collect();
        if sql.is_empty() { Ok(()) } else { self.db().run(&sql.join("; ")) }
    }
}
