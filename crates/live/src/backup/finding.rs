//! What a restored database lacks of what the manifest says: each finding names the object and what is missing.

use std::collections::BTreeMap;
use std::fmt;

use pgproof_catalog::Difference;
use pgproof_sql::{ObjectId, ObjectKind, QualifiedName};

use super::{Contents, Manifest};
use crate::restated;

/// How many findings are worth reading: more are counted.
pub const MOST_REPORTED: usize = 20;

/// What a dump did not bring back.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Finding {
    /// The file has another size than when it was written.
    Size {
        /// Its size in bytes.
        is: u64,
        /// What it was.
        was: u64,
    },
    /// Most tables of the manifest are not in it.
    OtherDatabase {
        /// The database of the manifest.
        database: String,
        /// How many of its tables the dump has.
        found: usize,
        /// How many tables it has.
        of: usize,
    },
    /// An object differs.
    Object(Difference),
    /// A table has another number of rows.
    Rows {
        /// The table.
        table: QualifiedName,
        /// How many it has.
        is: u64,
        /// How many it had.
        was: u64,
    },
    /// A table has as many rows, but not the same.
    Values {
        /// The table.
        table: QualifiedName,
        /// How many it has.
        rows: u64,
    },
    /// A sequence goes on elsewhere.
    Sequence {
        /// The sequence.
        sequence: QualifiedName,
        /// The number that it gives next.
        is: i64,
        /// The number that it would have given next.
        was: i64,
    },
    /// Large objects are missing.
    LargeObjects {
        /// How many there are.
        is: u64,
        /// How many there were.
        was: u64,
    },
    /// `pg_restore` failed.
    PgRestore {
        /// Its last lines.
        said: Vec<String>,
    },
}

/// What a restored database lacks. What belongs to a missing table is not listed by itself.
pub(super) fn of(
    manifest: &Manifest,
    size: u64,
    found: &Contents,
    sequences: &BTreeMap<QualifiedName, i64>,
) -> Vec<Finding> {
    let expected = &manifest.contents;
    let mut findings = Vec::new();
    if size != manifest.size {
        findings.push(Finding::Size { is: size, was: manifest.size });
    }
    let here = expected.tables.keys().filter(|table| found.tables.contains_key(table)).count();
    if here * 2 < expected.tables.len() {
        let (database, of) = (manifest.database.clone(), expected.tables.len());
        findings.push(Finding::OtherDatabase { database, found: here, of });
    }
    let differences = found.objects.differences_from(&expected.objects);
    let counts = |difference: &Difference| !difference.is_order() && !restated::is_same(difference);
    findings.extend(differences.into_iter().filter(counts).map(Finding::Object));
    for (table, was) in &expected.tables {
        let Some(is) = found.tables.get(table) else { continue };
        if is.rows != was.rows {
            findings.push(Finding::Rows { table: table.clone(), is: is.rows, was: was.rows });
        } else if is.digest != was.digest {
            findings.push(Finding::Values { table: table.clone(), rows: is.rows });
        }
    }
    for (sequence, was) in &manifest.sequences {
        let Some(is) = sequences.get(sequence).filter(|is| !was.contains(**is)) else { continue };
        findings.push(Finding::Sequence { sequence: sequence.clone(), is: *is, was: was.before });
    }
    if found.large_objects != expected.large_objects {
        findings.push(Finding::LargeObjects { is: found.large_objects, was: expected.large_objects });
    }
    findings
}

impl Finding {
    /// The object that it is about, if it is about one.
    pub fn object(&self) -> Option<ObjectId> {
        match self {
            Finding::Object(difference) => Some(difference.object().clone()),
            Finding::Rows { table, .. } | Finding::Values { table, .. } => Some(ObjectId::table(table)),
            Finding::Sequence { sequence, .. } => Some(ObjectId::new(ObjectKind::Sequence, sequence)),
            _ => None,
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let object = self.object().map(|object| object.to_string()).unwrap_or_default();
        match self {
            Finding::Size { is, was } if is < was => write!(
                f,
                "the dump is truncated, or is another file: it has {is} bytes, and had {was} when it was written"
            ),
            Finding::Size { is, was } => {
                write!(f, "the dump is another file: it has {is} bytes, and had {was} when it was written")
            }
            Finding::OtherDatabase { database, found, of } => {
                write!(f, "this is no dump of the whole database {database}: it has {found} of its {of} tables")
            }
            Finding::Object(Difference::Added(_)) => write!(f, "{object}: is restored, but was not there"),
            Finding::Object(Difference::Removed(_)) => write!(f, "{object}: is missing"),
            Finding::Object(difference) => {
                let (is, was) = difference.values();
                write!(f, "{object}: {} is {is}, was {was}", difference.what())
            }
            Finding::Rows { is, was, .. } if is < was => {
                write!(f, "{object}: {} missing: it had {was}, and {} restored", plural(was - is), are(*is))
            }
            Finding::Rows { is, was, .. } => write!(f, "{object}: {is} rows are restored, but it had {was}"),
            Finding::Values { rows, .. } => {
                write!(f, "{object}: its {rows} rows have other values than it had")
            }
            Finding::Sequence { is, was, .. } => write!(f, "{object}: gives {is} next, expected {was}"),
            Finding::LargeObjects { is, was } => write!(f, "{is} large objects are restored, but there were {was}"),
            Finding::PgRestore { said } => {
                write!(f, "pg_restore failed; it said:")?;
                said.iter().try_for_each(|line| write!(f, "\n  {line}"))
            }
        }
    }
}

/// "1 row is", "2 rows are".
fn plural(count: u64) -> String {
    if count == 1 { "1 row is".to_owned() } else { format!("{count} rows are") }
}

/// "0 are", "1 is".
fn are(count: u64) -> String {
    if count == 1 { "1 is".to_owned() } else { format!("{count} are") }
}
