//! Where the migrations made what an assertion refutes: the last statement that changed it, if the migrations can be
//! applied once more, else the statement whose text creates it. Only failures ask.

use std::sync::Arc;

use pgproof_catalog::History;
use pgproof_runner::isolation::{SchemaContext, SchemaState, Template};
use pgproof_runner::{CloneDatabase, Sandbox};
use pgproof_sql::{ObjectId, ObjectKind, Origin, Property, Provenance, QualifiedName, Statement, Target};

use crate::pin::Pin;

/// Where the target of a refutation was made. `pins` are those of the assertion.
pub(crate) fn origin(sandbox: &Sandbox, target: &Target, pins: &[Pin]) -> Option<Origin> {
    let context = sandbox.context();
    match target {
        Target::Object(object) if sandbox.state() == SchemaState::AsMigrated => {
            changed(sandbox.template(), object, pins).or_else(|| context.made_at(target))
        }
        _ => context.made_at(target),
    }
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

/// The history of the schema's migrations, recorded once a process; none if they cannot be applied again.
fn history(template: &Arc<Template>) -> Option<Arc<Option<History>>> {
    let context: &Arc<SchemaContext> = &template.context;
    let record = || {
        let migrations = context.migrations().ok().filter(|migrations| !migrations.is_empty())?;
        let database = CloneDatabase::empty_for(template).ok()?;
        History::of(&database, &migrations).ok()
    };
    context.cache().get(|| Ok::<_, std::convert::Infallible>(record())).ok()
}
