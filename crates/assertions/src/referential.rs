//! A foreign key acted out: an orphan, and what deleting or updating a referenced row does to the rows that reference it.

use pgproof_catalog::ForeignKeyAction as Action;
use pgproof_catalog::row::{Row, RowGenerator, Value};
use pgproof_catalog::{Catalog, Constraint, ConstraintKind, Relation};
use pgproof_runner::Sandbox;
use pgproof_server::{Attempt, SqlState};
use pgproof_sql::quote::identifier;

use crate::assertion::{Failure, refuted};

/// A foreign key being acted out.
pub(crate) struct Acting<'a> {
    pub(crate) relation: &'a Relation,
    pub(crate) key: &'a Constraint,
    pub(crate) catalog: &'a Catalog,
}

impl Acting<'_> {
    /// A row that references nothing is rejected by the key.
    pub(crate) fn orphan(&self, sandbox: &mut Sandbox) -> Result<(), Failure> {
        let mut generator = RowGenerator::of(sandbox)?;
        let mut draft = generator.draft(sandbox, self.relation.qualified_name(), &[])?;
        // The key of a row that existed and was deleted: every rule accepts it, and no row has it.
        let Some(references) = &self.key.references else { return Err(refuted("it references nothing")) };
        let pairs: Vec<_> = self.key.columns.iter().zip(&references.columns).collect();
        let others = || {
            let keys = self.catalog.constraints_of(self.relation).filter(|c| c.kind == ConstraintKind::ForeignKey);
            keys.filter(|key| key.name != self.key.name)
        };
        // A column shared with another key keeps its value, or the other key would reject the row first.
        let shared = |column: &String| others().any(|key| key.columns.contains(column)) && pairs.len() > 1;
        let given: Vec<(&str, Value)> = pairs
            .iter()
            .filter(|(own, _)| shared(own) && matches!(draft.value(own), Value::Text(_)))
            .map(|(own, other)| (other.as_str(), draft.value(own).clone()))
            .collect();
        let parent_name = references.qualified_name();
        let gone = sandbox.undone(|sandbox| generator.insert(sandbox, &parent_name, &given))?;
        for (own, other) in &pairs {
            draft = draft.with(own, gone.value(other).map(str::to_owned).into());
        }
        match sandbox.attempt(&draft.sql())? {
            Attempt::Refused(refusal) if refusal.is(&SqlState::FOREIGN_KEY_VIOLATION, Some(&self.key.name)) => Ok(()),
            Attempt::Refused(refusal) => {
                Err(refuted(format!("an orphan was rejected, but by another rule: {}", refusal.brief())))
            }
            Attempt::Accepted => Err(refuted(format!("an orphan was accepted: {}", draft.sql()))),
        }
    }

    /// Creates a referenced and a referencing row, changes the first, and inspects the second.
    pub(crate) fn event(&self, sandbox: &mut Sandbox, event: Event, expected: Action) -> Result<(), Failure> {
        let Some(references) = &self.key.references else { return Err(refuted("it references nothing")) };
        let mut generator = RowGenerator::of(sandbox)?;
        let parent_name = references.qualified_name();
        let parent = generator.insert(sandbox, &parent_name, &[])?;
        let pairs = self.key.columns.iter().zip(&references.columns);
        let given: Vec<(&str, Value)> =
            pairs.map(|(own, other)| (own.as_str(), parent.value(other).map(str::to_owned).into())).collect();
        let child = generator.insert(sandbox, self.relation.qualified_name(), &given)?;
        let declared = match event {
            Event::Delete => references.on_delete,
            Event::Update => references.on_update,
        };
        let statement = match event {
            Event::Delete => format!("DELETE FROM {} WHERE {}", parent.table(), parent.condition(&references.columns)),
            Event::Update => match self.update(sandbox, &mut generator, &parent)? {
                Some(statement) => statement,
                // A generated key cannot be updated, so there is nothing to test.
                None => return compare(event, declared, expected, None),
            },
        };
        match sandbox.attempt(&statement)? {
            Attempt::Refused(refusal)
                // foreign_key_violation; restrict_violation from PostgreSQL 18 on
                if refusal.is(&SqlState::FOREIGN_KEY_VIOLATION, Some(&self.key.name)) || refusal.is(&SqlState::RESTRICT_VIOLATION, Some(&self.key.name)) =>
            {
                compare(event, declared, expected, Some("was rejected"))
            }
            Attempt::Refused(refusal) => Err(refuted(format!(
                "{} of a referenced row was rejected by another rule: {}",
                event.name(),
                refusal.brief()
            ))),
            Attempt::Accepted => {
                sandbox.run(&statement)?;
                let effect = self.effect(sandbox, &child)?;
                compare(event, declared, expected, Some(effect))
            }
        }
    }

    /// An UPDATE of a column of the referenced key, if one can be changed.
    fn update(
        &self,
        sandbox: &mut Sandbox,
        generator: &mut RowGenerator,
        parent: &Row,
    ) -> Result<Option<String>, Failure> {
        let Some(references) = &self.key.references else { return Ok(None) };
        let parent_name = references.qualified_name();
        let Some(relation) = self.catalog.table(&parent_name) else { return Ok(None) };
        let column = references.columns.iter().filter_map(|name| relation.column(name)).next_back();
        let Some(column) = column.filter(|column| column.generation.is_insertable()) else { return Ok(None) };
        // The value that another row would have: every rule accepts it.
        let other = sandbox.undone(|sandbox| generator.insert(sandbox, &parent_name, &[]))?;
        let value: Value = other.value(&column.name).map(str::to_owned).into();
        let (table, column) = (parent.table(), identifier(&column.name));
        let condition = parent.condition(&references.columns);
        Ok(Some(format!("UPDATE {table} SET {column} = {} WHERE {condition}", value.sql())))
    }

    /// What happened to the referencing row.
    fn effect(&self, sandbox: &mut Sandbox, child: &Row) -> Result<&'static str, Failure> {
        let table = self.relation.qualified_name().sql();
        let others: Vec<String> = self
            .catalog
            .constraints_of(self.relation)
            .find(|c| c.kind == ConstraintKind::PrimaryKey && !c.columns.iter().any(|c| self.key.columns.contains(c)))
            .map_or_else(
                || {
                    let all = self.relation.columns.iter().map(|c| c.name.clone());
                    all.filter(|name| !self.key.columns.contains(name) && child.value(name).is_some()).collect()
                },
                |primary| primary.columns.clone(),
            );
        let condition = if others.is_empty() { "true".to_owned() } else { child.condition(&others) };
        let nulls = self.key.columns.iter().map(|c| format!("{} IS NULL", identifier(c))).collect::<Vec<_>>();
        let sql = format!(
            "SELECT CASE WHEN {} THEN 'null' WHEN {} THEN 'same' ELSE 'other' END FROM {table} WHERE {condition}",
            nulls.join(" AND "),
            child.condition(&self.key.columns)
        );
        Ok(match sandbox.value(&sql)?.as_deref() {
            None => "deletes the referencing row",
            Some("null") => "sets the referencing columns to NULL",
            Some("same") => "leaves the referencing row as it was",
            Some(_) => "changes the referencing columns",
        })
    }
}

/// What is done to the referenced row.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Event {
    /// It is deleted.
    Delete,
    /// Its key is updated.
    Update,
}

/// Compares what happened with what each action makes happen. RESTRICT and NO ACTION, and SET DEFAULT and CASCADE of
/// an update, can look the same: there the catalog decides.
fn compare(event: Event, declared: Action, expected: Action, effect: Option<&str>) -> Result<(), Failure> {
    let expected_effect = match (expected, event) {
        (Action::NoAction | Action::Restrict, _) => "was rejected",
        (Action::Cascade, Event::Delete) => "deletes the referencing row",
        (Action::SetNull, _) => "sets the referencing columns to NULL",
        (Action::Cascade, Event::Update) | (Action::SetDefault, _) => "changes the referencing columns",
    };
    let happened = effect.is_none_or(|effect| effect == expected_effect || expected == Action::SetDefault);
    if happened && declared == expected {
        return Ok(());
    }
    let effect = effect.unwrap_or("cannot be acted out");
    Err(refuted(format!("{} of a referenced row {effect} (declared {declared}), not {expected}", event.name())))
}

impl Event {
    /// What SQL calls it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Event::Delete => "DELETE",
            Event::Update => "UPDATE",
        }
    }
}
