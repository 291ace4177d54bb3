//! Which statement of the migrations changed which object: after each statement, the objects are read whose catalog rows
//! it touched. Rows of tables are left to [`RowHistory`](super::RowHistory).

use std::collections::{BTreeMap, BTreeSet, HashMap};

use pgproof_runner::CloneDatabase;
use pgproof_runner::migration::{MigrationError, apply_observed};
use pgproof_server::{DatabaseError, Session};
use pgproof_sql::{Identifier, Migration, ObjectId, ObjectKind, Property, Statement};

use super::without_roles;
use crate::objects::Objects;

/// What each statement changed, in order.
#[derive(Debug, Default)]
pub struct History {
    statements: Vec<Statement>,
    changes: HashMap<ObjectId, Vec<Step>>,
}

/// A change of one object.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Step {
    /// Which statement, from 0 over all files.
    statement: usize,
    what: What,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum What {
    /// It was created.
    Added,
    /// It was created under another name before.
    Renamed(ObjectId),
    /// It was dropped. The names that its properties held are kept, so that what a column lost is found.
    Removed(BTreeSet<Identifier>),
    /// A property got another value.
    Altered(Property),
}

/// What a change of a name is a change of.
const NAMES: &[Property] = &[Property::Existence, Property::Position];

/// The key of objects that belong to no relation.
const NO_RELATION: &str = "0";

impl History {
    /// Applies migrations to a database in which none has run.
    pub fn of(database: &CloneDatabase, migrations: &[Migration]) -> Result<History, MigrationError> {
        let file = migrations.first().map(|migration| migration.file.clone()).unwrap_or_default();
        let mut session = database.session_for(migrations)?;
        let mut history = History::default();
        let mut seen = Seen::default();
        seen.look(&mut session).map_err(|source| MigrationError::Session { file, source })?;
        let migrations = without_roles(migrations);
        apply_observed(&mut session, &migrations, database.transaction(), &mut |session, statement| {
            let before = seen.look(session)?;
            history.record(statement, &before);
            Ok(())
        })?;
        Ok(history)
    }

    /// The statement that last created, dropped or changed an object: in one of these properties, or in any that its
    /// behaviour depends on if none is given.
    pub fn last_change(&self, object: &ObjectId, properties: &[Property]) -> Option<(usize, &Statement)> {
        let own = self.key(object).and_then(|object| self.last_before(object, properties, usize::MAX));
        let of_columns = properties.contains(&Property::Columns) && object.kind().is_relation();
        let at = own.max(if of_columns { self.last_change_of_columns(object) } else { None })?;
        Some((at, self.statements.get(at)?))
    }

    /// What changed the names or the order of the columns of a table or view.
    fn last_change_of_columns(&self, relation: &ObjectId) -> Option<usize> {
        let name = self.key(relation)?.qualified_name();
        let columns = self.changes.keys().filter(|object| object.kind() == ObjectKind::Column);
        let of_relation = columns.filter(|column| column.relation().as_ref() == Some(&name));
        of_relation.filter_map(|column| self.last_before(column, NAMES, usize::MAX)).max()
    }

    /// The statement that last dropped something of this table which concerned the column: a constraint or an index
    /// that is not there.
    pub fn last_loss(&self, column: &ObjectId) -> Option<(usize, &Statement)> {
        let relation = self.key(column)?.relation()?;
        let lost = self.changes.iter().filter_map(|(object, steps)| match steps.last()? {
            Step { statement, what: What::Removed(names) } if names.contains(column.name()) => {
                let is_of_table = match object.relation() {
                    Some(other) => other == relation,
                    None => object.kind() == ObjectKind::Index && names.contains(relation.name()),
                };
                is_of_table.then_some(*statement)
            }
            _ => None,
        });
        let at = lost.max()?;
        Some((at, self.statements.get(at)?))
    }

    fn last_before(&self, object: &ObjectId, properties: &[Property], end: usize) -> Option<usize> {
        let concerns = |property: &Property| {
            if properties.is_empty() { matters(*property) } else { properties.contains(property) }
        };
        let steps = self.changes.get(object)?.iter().rev().filter(|step| step.statement < end);
        for step in steps {
            match &step.what {
                // Under this name, it exists since then.
                What::Renamed(_) if !properties.is_empty() && properties.iter().all(|p| NAMES.contains(p)) => {
                    return Some(step.statement);
                }
                What::Renamed(old) => {
                    return self.last_before(old, properties, step.statement).or(Some(step.statement));
                }
                What::Altered(property) if !concerns(property) => {}
                _ => return Some(step.statement),
            }
        }
        None
    }

    /// The object as it is recorded.
    fn key(&self, object: &ObjectId) -> Option<&ObjectId> {
        object.find_in(&self.changes).map(|(key, _)| key)
    }

    fn record(&mut self, statement: &Statement, changed: &[(Objects, Objects)]) {
        let at = self.statements.len();
        self.statements.push(statement.clone());
        for (before, after) in changed {
            for (object, was) in before.iter() {
                let was = &was.properties;
                let what = match after.properties(object) {
                    None => vec![What::Removed(was.values().flat_map(|value| words(value)).collect())],
                    Some(is) => {
                        let all: BTreeSet<_> = was.keys().chain(is.keys()).collect();
                        let differing = all.into_iter().filter(|property| was.get(property) != is.get(property));
                        differing.map(|property| What::Altered(*property)).collect()
                    }
                };
                for what in what {
                    self.changes.entry(object.clone()).or_default().push(Step { statement: at, what });
                }
            }
            for (object, _) in after.iter().filter(|(object, _)| !before.contains(object)) {
                let what = former_name(object, before, after).map_or(What::Added, What::Renamed);
                self.changes.entry(object.clone()).or_default().push(Step { statement: at, what });
            }
        }
    }
}

/// The objects that were read last, by relation, and the versions of the catalog rows that they were read from.
#[derive(Default)]
struct Seen {
    versions: BTreeMap<String, String>,
    objects: BTreeMap<String, Objects>,
}

impl Seen {
    /// Reads what has changed since the last look; returns it as it was and as it is, relation by relation.
    fn look(&mut self, session: &mut Session) -> Result<Vec<(Objects, Objects)>, DatabaseError> {
        let mut versions = BTreeMap::new();
        for row in session.rows(include_str!("../objects/versions.sql"))? {
            if let [Some(relation), Some(version)] = row.as_slice() {
                versions.insert(relation.clone(), version.clone());
            }
        }
        let all: BTreeSet<&String> = versions.keys().chain(self.versions.keys()).collect();
        let is_changed = |relation: &&String| versions.get(*relation) != self.versions.get(*relation);
        let changed: Vec<String> = all.into_iter().filter(is_changed).cloned().collect();
        let mut pairs = Vec::new();
        // Names are printed with their schemas if they are not on the search path, so it must not vary.
        let path = if changed.is_empty() { None } else { session.value("SHOW search_path")? };
        if path.is_some() {
            session.run("SET search_path TO public")?;
        }
        for relation in &changed {
            pairs.push(self.read(session, relation)?);
        }
        // What refers to an object that was renamed is printed with the new name, and is not touched itself.
        if pairs.iter().any(|(before, after)| renames(before, after)) {
            for relation in versions.keys().filter(|relation| !changed.contains(relation)) {
                pairs.push(self.read(session, relation)?);
            }
        }
        if let Some(path) = path {
            session
                .value(&format!("SELECT set_config('search_path', {}, false)", pgproof_sql::quote::literal(&path)))?;
        }
        self.versions = versions;
        Ok(pairs)
    }

    /// Reads the objects of a relation; returns them as they were and as they are.
    fn read(&mut self, session: &mut Session, relation: &String) -> Result<(Objects, Objects), DatabaseError> {
        let now = if relation == NO_RELATION {
            Objects::outside_relations(session)?
        } else {
            Objects::of_relation(session, relation)?
        };
        let before = self.objects.insert(relation.clone(), now.clone()).unwrap_or_default();
        Ok((before, now))
    }
}

/// Whether the statement renamed an object.
fn renames(before: &Objects, after: &Objects) -> bool {
    let added = after.iter().filter(|(object, _)| !before.contains(object));
    added.into_iter().any(|(object, _)| former_name(object, before, after).is_some())
}

/// The name of an object before the statement, if the statement renamed it or its table.
fn former_name(object: &ObjectId, before: &Objects, after: &Objects) -> Option<ObjectId> {
    let is = after.properties(object)?;
    let gone = before.iter().filter(|(old, _)| !after.contains(old) && old.kind() == object.kind());
    let mut same = gone.filter(|(old, was)| {
        let was = &was.properties;
        let alike = is.iter().filter(|(property, value)| was.get(property) == Some(value)).count();
        let belongs_to_renamed = old.name() == object.name() && old.relation().is_some();
        belongs_to_renamed || alike == is.len() && alike == was.len()
    });
    let (old, _) = same.next()?;
    same.next().is_none().then(|| old.clone())
}

/// Whether the behaviour of an object depends on a property.
fn matters(property: Property) -> bool {
    !matches!(property, Property::Comment | Property::Position | Property::StatisticsTarget)
}

/// The names in the text of a property.
fn words(text: &str) -> impl Iterator<Item = Identifier> {
    text.split(|c: char| !(c.is_alphanumeric() || c == '_' || c == '$'))
        .filter(|word| !word.is_empty())
        .map(Identifier::new)
}
