//! Where the migrations made what an assertion refutes: the last statement that changed it, if the migrations can be
//! applied once more, else the statement whose text creates it. Only failures ask.

use std::sync::Arc;

use pgproof_catalog::{History, RowHistory};
use pgproof_runner::isolation::{SchemaContext, SchemaState, Template};
use pgproof_runner::migration::MigrationError;
use pgproof_runner::{CloneDatabase, Sandbox};
use pgproof_sql::{Migration, ObjectId, ObjectKind, Origin, Property, Provenance, QualifiedName, Statement, Target};

use crate::pin::Pin;

/// Where the target of a refutation was made. `pins` are those of the assertion.
pub(crate) fn origin(sandbox: &Sandbox, target: &Target, pins: &[Pin]) -> Option<Origin> {
    let context = sandbox.context();
    match target {
        Target::Object(object) if sandbox.state() == SchemaState::AsMigrated => {
            changed(sandbox.template(), object, pins).or_else(|| context.made_at(target))
        }
        Target::Properties(object, properties) if sandbox.state() == SchemaState::AsMigrated => {
            changed_in(sandbox.template(), object, properties).or_else(|| context.made_at(target))
        }
        Target::Row(table, values) if sandbox.state() == SchemaState::AsMigrated => {
            row_changed(sandbox.template(), table, values).or_else(|| context.made_at(target))
        }
        _ => context.made_at(target),
    }
}

/// Where the migrations of a template last changed this object, in one of these properties if any are given; where they
/// cannot be applied again, the statement whose text creates it.
pub fn place_of(template: &Arc<Template>, object: &ObjectId, properties: &[Property]) -> Option<Origin> {
    changed_in(template, object, properties)
        .or_else(|| changed_in(template, object, &[]))
        .or_else(|| template.context.made_at(&Target::Object(object.clone())))
}

/// The place of the last statement that changed one of these properties.
fn changed_in(template: &Arc<Template>, object: &ObjectId, properties: &[Property]) -> Option<Origin> {
    let history = history(template)?;
    let (_, statement) = history.as_ref().as_ref()?.last_change(object, properties)?;
    Some(Provenance::within(statement, object))
}

/// The place of the last statement that changed the row; if none did, the last one that changed a row of the table.
fn row_changed(template: &Arc<Template>, table: &QualifiedName, values: &[(String, String)]) -> Option<Origin> {
    let history = row_history(template)?;
    let history = history.as_ref().as_ref()?;
    let statement = history.last_change(table, values).or_else(|| history.last_change(table, &[]))?;
    Some(Provenance::row_within(statement, table, values))
}

/// The place of the last statement that changed the object in what the assertion pins.
fn changed(template: &Arc<Template>, object: &ObjectId, pins: &[Pin]) -> Option<Origin> {
    let history = history(template)?;
    let history = history.as_ref().as_ref()?;
    let own: Vec<Property> = pins.iter().filter(|pin| object.may_be(&pin.object)).map(|pin| pin.property).collect();
    let mut found: Vec<(usize, &Statement, &ObjectId)> = Vec::new();
    found.extend(history.last_change(object, &own).map(|(at, statement)| (at, statement, object)));
    // A unique key is a constraint or an index.
    let index = index_of(object);
    if let Some(index) = index.as_ref().filter(|_| found.is_empty()) {
        found.extend(history.last_change(index, &own).map(|(at, statement)| (at, statement, index)));
    }
    // The constraint that a column should have is pinned where there is one, and lost where there is none.
    for pin in pins.iter().filter(|pin| !object.may_be(&pin.object) && pin.property != Property::Rows) {
        let change = history.last_change(&pin.object, &[pin.property]);
        found.extend(change.map(|(at, statement)| (at, statement, &pin.object)));
    }
    if object.kind() == ObjectKind::Column && own.iter().all(|property| *property == Property::Existence) {
        found.extend(history.last_loss(object).map(|(at, statement)| (at, statement, object)));
    }
    let (_, statement, object) = found.into_iter().max_by_key(|(at, ..)| *at)?;
    Some(Provenance::within(statement, object))
}

/// The index with the name of a constraint.
fn index_of(object: &ObjectId) -> Option<ObjectId> {
    let table = object.relation().filter(|_| object.kind() == ObjectKind::Constraint)?;
    let index = ObjectId::index(QualifiedName::unqualified(object.name().clone()));
    Some(match table.schema() {
        Some(schema) => index.in_schema(schema.as_str()),
        None => index,
    })
}

/// The history of the schema's objects, recorded once a process; none if the migrations cannot be applied again.
fn history(template: &Arc<Template>) -> Option<Arc<Option<History>>> {
    recorded(template, History::of)
}

/// The history of its rows.
fn row_history(template: &Arc<Template>) -> Option<Arc<Option<RowHistory>>> {
    recorded(template, RowHistory::of)
}

fn recorded<T: Send + Sync + 'static>(
    template: &Arc<Template>,
    of: fn(&CloneDatabase, &[Migration]) -> Result<T, MigrationError>,
) -> Option<Arc<Option<T>>> {
    // Beside a database that is in use, none is made.
    if template.in_use().is_some() {
        return None;
    }
    let context: &Arc<SchemaContext> = &template.context;
    let record = || {
        let migrations = context.migrations().ok().filter(|migrations| !migrations.is_empty())?;
        let database = CloneDatabase::empty_for(template).ok()?;
        of(&database, &migrations).ok()
    };
    context.cache().get(|| Ok::<_, std::convert::Infallible>(record())).ok()
}
