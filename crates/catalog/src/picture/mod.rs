//! A picture of everything that a migration can make: each object with its attributes, as PostgreSQL prints them. Two
//! pictures are compared object by object, whatever the OIDs and the order in which things were made.

mod difference;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use pgproof_runner::Sandbox;
use pgproof_runner::isolation::SchemaState;
use pgproof_server::{DatabaseError, Session};
use sha2::{Digest, Sha256};

pub use difference::Difference;

/// What an object is called: its kind and name, as sentences have them.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ObjectName {
    /// Its kind, in PostgreSQL's words.
    pub kind: String,
    /// Its name, with the schema unless that is `public`.
    pub name: String,
}

impl std::fmt::Display for ObjectName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.kind, self.name)
    }
}

/// An object and its attributes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PicturedObject {
    /// The object without which this one is not there, as a sentence has it.
    pub parent: Option<String>,
    /// Its attributes, by name; one that it does not have is left out.
    pub attributes: BTreeMap<String, String>,
}

/// Everything in a database, roles and databases themselves left out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Picture {
    /// The objects, by name.
    pub objects: BTreeMap<ObjectName, PicturedObject>,
}

/// The attribute that says where a column stands among the others.
pub(super) const POSITION: &str = "position";

impl Picture {
    /// Takes the picture, with two queries however many objects there are.
    pub fn take(session: &mut Session) -> Result<Picture, DatabaseError> {
        let mut picture = Picture::default();
        for sql in [include_str!("relations.sql"), include_str!("others.sql")] {
            for row in session.rows(&format!("SELECT * FROM ({sql}) AS said WHERE value IS NOT NULL"))? {
                let mut cells = row.into_iter();
                let mut next = || cells.next().flatten();
                let (Some(kind), Some(name)) = (next(), next()) else { continue };
                let (parent, attribute, value) = (next(), next(), next());
                let object = picture.objects.entry(ObjectName { kind, name }).or_default();
                object.parent = parent.or(object.parent.take());
                if let (Some(attribute), Some(value)) = (attribute, value) {
                    object.attributes.insert(attribute, value);
                }
            }
        }
        Ok(picture)
    }

    /// The picture of the migrated schema, taken once a process.
    pub fn of(sandbox: &mut Sandbox) -> Result<Arc<Picture>, DatabaseError> {
        static TAKEN: Mutex<BTreeMap<String, Arc<Picture>>> = Mutex::new(BTreeMap::new());
        if sandbox.state() == SchemaState::Altered {
            return Ok(Arc::new(Picture::take(sandbox.session())?));
        }
        let key = sandbox.template().key().to_owned();
        let mut taken = TAKEN.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(picture) = taken.get(&key) {
            return Ok(Arc::clone(picture));
        }
        let picture = Arc::new(Picture::take(sandbox.session())?);
        taken.insert(key, Arc::clone(&picture));
        Ok(picture)
    }

    /// A digest of the picture: equal for equal schemas. Where columns stand does not count.
    pub fn fingerprint(&self) -> String {
        let mut digest = Sha256::new();
        for (name, object) in &self.objects {
            digest.update(format!("{name}\n"));
            for (attribute, value) in object.attributes.iter().filter(|(attribute, _)| *attribute != POSITION) {
                digest.update(format!("{attribute}\0{value}\0"));
            }
        }
        let bytes = digest.finalize();
        bytes.iter().take(8).fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
    }

    /// What is other here than in `before`, an object at a time.
    pub fn differences_from(&self, before: &Picture) -> Vec<Difference> {
        difference::between(before, self)
    }
}
