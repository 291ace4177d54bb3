//! Snapshots of plans, in insta's file format, so that its tools also work on them. A plan that differs from the
//! accepted one refutes its query and leaves a pending file beside it for review; accepted files are never written
//! here.

use pgproof_catalog::Catalog;
use pgproof_sql::{ObjectId, ObjectKind, Property};
use std::path::{Path, PathBuf};

use pgproof_runner::Sandbox;

use super::snapshot_text::SnapshotText;
use super::words::meaning;
use super::workload::WorkloadQuery;
use pgproof_assertions::pin::Pin;
use pgproof_assertions::snapshot::pending::{pending_file, remove, writes_pending};
use pgproof_assertions::{
    assertion::Assertion, assertion::Failure, assertion::Subject, assertion::failing, assertion::refuted,
};

/// Why snapshots cannot be compared.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SnapshotError {
    /// A file or directory cannot be read or written.
    #[error("cannot {action} {}", .path.display())]
    File {
        /// What was tried.
        action: &'static str,
        /// The path.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
}

/// What keeps rows away from a table that the query reads, if one has none.
fn shortage(query: &WorkloadQuery, sandbox: &mut Sandbox, role: Option<&str>) -> Result<Option<Failure>, Failure> {
    for mode in query.modes() {
        let plan = query.explain(sandbox, *mode, role).map_err(failing)?.plan;
        if let Some(short) = super::shortage::note(sandbox, &plan) {
            return Ok(Some(short));
        }
    }
    Ok(None)
}

/// The text of a query's snapshot, and a line about its costs, which is kept beside it but never compared.
pub fn rendered(
    query: &WorkloadQuery,
    sandbox: &mut Sandbox,
    role: Option<&str>,
) -> Result<(String, String), pgproof_server::DatabaseError> {
    let mut text = String::new();
    if !query.title.is_empty() {
        text.push_str(&format!("-- {}\n", query.title));
    }
    for (number, parameter) in query.parameters.iter().enumerate() {
        text.push_str(&format!("-- ${} {} = {}\n", number + 1, parameter.ty, parameter.example));
    }
    text.push_str(&format!("{}\n", query.sql));
    let mut costs = Vec::new();
    for mode in query.modes() {
        let explained = query.explain(sandbox, *mode, role)?;
        // What it returns is asked for when the plan differs.
        drop(super::shortage::note(sandbox, &explained.plan));
        text.push_str(&format!("\n{mode}\n  {}\n", explained.plan.render().replace('\n', "\n  ")));
        costs.push(format!("{mode} costs {:.2}", explained.cost));
        let mut read: Vec<_> = explained
            .plan
            .all()
            .into_iter()
            .filter(|node| node.kind.contains("Seq Scan"))
            .filter_map(|node| node.relation.clone())
            .collect();
        read.sort();
        read.dedup();
        for table in read {
            let rows = format!(
                "SELECT reltuples::bigint FROM pg_class WHERE oid = to_regclass({})",
                pgproof_sql::quote::literal(&table)
            );
            costs.extend(sandbox.value(&rows)?.map(|rows| format!("{table} has {rows} rows")));
        }
    }
    costs.dedup();
    costs.push(format!("PostgreSQL {}", sandbox.major()));
    Ok((text.trim_end().to_owned(), costs.join("; ")))
}

/// The plan of a query is the accepted one.
#[must_use = "a sentence asserts nothing until it is checked"]
#[derive(Debug, Clone)]
pub struct Accepted {
    pub(crate) query: WorkloadQuery,
    pub(crate) role: Option<String>,
    pub(crate) directory: PathBuf,
}

impl Assertion for Accepted {
    fn subject(&self) -> Subject {
        Subject::of(ObjectId::global(ObjectKind::Query, &self.query.name))
    }

    fn sentence(&self) -> String {
        "has the accepted plan".to_owned()
    }

    fn pins(&self, _: &Catalog) -> Vec<Pin> {
        vec![Pin::looked_at(self.subject().object, Property::Plan)]
    }

    fn check(&self, sandbox: &mut Sandbox) -> Result<(), Failure> {
        let (text, description) = rendered(&self.query, sandbox, self.role.as_deref()).map_err(failing)?;
        let with = sandbox.context().with().join("+");
        let file = accepted_file(&self.directory, &self.query.name, &with, sandbox.major());
        // If an optional migration is applied, a changed plan is the plan with that migration, not the one without.
        let pending = if with.is_empty() || file.to_string_lossy().contains('@') {
            pending_file(&file)
        } else {
            pending_file(&self.directory.join(format!("{}@{with}.snap", self.query.name)))
        };
        let accepted = read(&file).map_err(as_failure)?;
        if accepted.as_ref().is_some_and(|accepted| accepted.content == text) {
            // An obsolete pending change would only mislead the review.
            if writes_pending()
                && let Err(source) = remove(&pending)
            {
                return Err(as_failure(SnapshotError::File { action: "remove", path: pending, source }));
            }
            return Ok(());
        }
        if let Some(short) = shortage(&self.query, sandbox, self.role.as_deref())? {
            return Err(short);
        }
        if writes_pending() {
            write(&pending, &self.query.name, &description, &text).map_err(as_failure)?;
        }
        Err(refuted(match accepted {
            None => format!("there is no accepted plan; the plan is\n{text}\n{NEXT}"),
            Some(accepted) => {
                let difference = difference(&accepted.content, &text);
                let now = SnapshotText { description, content: text };
                format!("{}\n{difference}\n{NEXT}", meaning(&accepted, &now).join("\n"))
            }
        }))
    }
}

/// What to do about a plan that is not accepted.
const NEXT: &str = "to accept it, or not: cargo xtask review";

/// Every accepted plan belongs to a query.
#[must_use = "a sentence asserts nothing until it is checked"]
#[derive(Debug, Clone)]
pub struct NoOrphans {
    pub(crate) directory: PathBuf,
    pub(crate) queries: Vec<String>,
}

/// The claims that a set of queries has exactly the accepted plans.
pub fn check_snapshots(queries: &[WorkloadQuery], role: Option<&str>, directory: &Path) -> (Vec<Accepted>, NoOrphans) {
    let accepted = queries
        .iter()
        .map(|query| Accepted {
            query: query.clone(),
            role: role.map(str::to_owned),
            directory: directory.to_path_buf(),
        })
        .collect();
    let queries = queries.iter().map(|query| query.name.clone()).collect();
    (accepted, NoOrphans { directory: directory.to_path_buf(), queries })
}

impl Assertion for NoOrphans {
    fn subject(&self) -> Subject {
        Subject::database("schema snapshots")
    }

    fn sentence(&self) -> String {
        "belong each to a query".to_owned()
    }

    fn pins(&self, _: &Catalog) -> Vec<Pin> {
        Vec::new()
    }

    fn check(&self, sandbox: &mut Sandbox) -> Result<(), Failure> {
        let schema =
            sandbox.context().configured().and_then(|(config, schema)| Some(config.path(schema.snapshot.as_ref()?)));
        let is_schema =
            |name: &str| schema.as_ref().is_some_and(|file| *file == self.directory.join(format!("{name}.snap")));
        let mut orphans: Vec<String> = Vec::new();
        // A missing directory holds no orphans; the queries report that their snapshots are missing.
        for entry in std::fs::read_dir(&self.directory).into_iter().flatten().flatten() {
            let file = entry.file_name().to_string_lossy().into_owned();
            let stem = file.strip_suffix(".new").unwrap_or(&file);
            let Some(stem) = stem.strip_suffix(".snap") else { continue };
            let name = stem.split('@').next().unwrap_or(stem);
            if !self.queries.iter().any(|query| query == name) && !is_schema(name) {
                orphans.push(file);
            }
        }
        orphans.sort();
        if orphans.is_empty() {
            return Ok(());
        }
        Err(refuted(format!("without a query: {}; remove them", orphans.join(", "))))
    }
}

/// The accepted file of a query: the most specific one that exists, for the optional migrations that are applied
/// (`name@with.snap`), for this major version (`name@16.snap`), for both, or the general one.
fn accepted_file(directory: &Path, name: &str, with: &str, major: u16) -> PathBuf {
    let of_with = [format!("{name}@{with}@{major}.snap"), format!("{name}@{with}.snap")];
    let special = of_with.into_iter().filter(|_| !with.is_empty()).chain([format!("{name}@{major}.snap")]);
    let mut files = special.map(|file| directory.join(file));
    files.find(|file| file.exists()).unwrap_or_else(|| directory.join(format!("{name}.snap")))
}

/// An accepted snapshot; `None` if the file does not exist.
fn read(file: &Path) -> Result<Option<SnapshotText>, SnapshotError> {
    match std::fs::read_to_string(file) {
        Ok(text) => Ok(Some(SnapshotText::parse(&text))),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(SnapshotError::File { action: "read", path: file.to_path_buf(), source }),
    }
}

fn write(file: &Path, query: &str, description: &str, text: &str) -> Result<(), SnapshotError> {
    let failed = |action| {
        let path = file.to_path_buf();
        move |source| SnapshotError::File { action, path, source }
    };
    if let Some(directory) = file.parent() {
        std::fs::create_dir_all(directory).map_err(failed("create the directory of"))?;
    }
    let content = format!("---\nsource: {query}.sql\ndescription: {description:?}\n---\n{text}\n");
    // Another run may write the same file: write it atomically.
    let unfinished = file.with_extension(format!("{}.tmp", std::process::id()));
    std::fs::write(&unfinished, content).map_err(failed("write"))?;
    std::fs::rename(&unfinished, file).map_err(failed("write"))
}

/// The lines that differ, with a few lines of context.
fn difference(old: &str, new: &str) -> String {
    similar::TextDiff::from_lines(&format!("{old}\n"), &format!("{new}\n"))
        .unified_diff()
        .context_radius(3)
        .to_string()
        .lines()
        .filter(|line| !line.starts_with("@@"))
        .collect::<Vec<_>>()
        .join("\n")
}

fn as_failure(error: SnapshotError) -> Failure {
    Failure::Expectation(pgproof_sql::with_causes(&error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn insta_reads_what_is_written_here() {
        let directory = std::env::temp_dir().join(format!("pgproof-snapshots-{}", std::process::id()));
        let text = "-- A \"title\": with --- in it\nSELECT 1\n\ncustom plan\n  Result";
        let file = directory.join("q.snap");
        write(&file, "q", "custom plan costs 0.01; PostgreSQL 15", text).expect("written");
        let mut settings = insta::Settings::new();
        settings.set_snapshot_path(&directory);
        settings.set_prepend_module_to_snapshot(false);
        settings.bind(|| insta::assert_snapshot!("q", text));
        let read = read(&file).expect("readable").expect("there");
        std::fs::remove_dir_all(&directory).expect("the directory");
        assert_eq!(read.content, text);
        assert_eq!(read.cost(crate::Mode::Custom), Some(0.01));
    }

    #[test]
    fn a_major_and_an_optional_migration_may_have_plans_of_their_own() {
        let directory = std::env::temp_dir().join(format!("pgproof-majors-{}", std::process::id()));
        let name = |with, major| {
            let file = accepted_file(&directory, "q", with, major);
            file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
        };
        for file in ["q.snap", "q@16.snap", "q@parts.snap", "q@parts@17.snap"] {
            write(&directory.join(file), "q", "", "SELECT 1").expect("written");
        }
        let names =
            [("", 15), ("", 16), ("parts", 16), ("parts", 17), ("other", 15)].map(|(with, major)| name(with, major));
        std::fs::remove_dir_all(&directory).expect("the directory");
        assert_eq!(names, ["q.snap", "q@16.snap", "q@parts.snap", "q@parts@17.snap", "q.snap"]);
    }
}
