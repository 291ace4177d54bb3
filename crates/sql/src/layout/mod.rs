//! The migration layouts of common tools: which files there are, their order, and the down migration of each. The
//! layout is recognised from the names of files and the annotations in them.

mod annotated;
mod named;

use std::path::{Path, PathBuf};

use super::discover::sql_files;
use super::source::{self, Source};
use super::{Migration, SourceError, Variables, split_with};
use crate::Transaction;
use crate::files::{self, LARGEST_FILE};

/// Migrations in a layout.
#[derive(Debug, Clone)]
pub struct Layout {
    /// The style that was recognised.
    pub style: Style,
    /// In the order in which they are applied.
    pub migrations: Vec<Migration>,
    /// The down migrations, by number.
    pub rollbacks: Vec<Migration>,
    /// The numbers of migrations that the tool re-runs whenever they change; these have no down migration.
    pub repeatable: Vec<u64>,
    /// The numbers of migrations that do not run in a transaction, although the tool uses one by default.
    pub without_transaction: Vec<u64>,
}

/// How migrations are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// One file.
    File,
    /// Files in the order of their names, as they would be passed to psql.
    Files,
    /// An order given by the caller.
    Ordered,
    /// `V1__name.sql`, with `U1__name.sql` to roll it back and `R__name.sql` after all of them.
    Flyway,
    /// `1_name.up.sql` and `1_name.down.sql`.
    UpDown,
    /// A directory for each, with `up.sql` and `down.sql`.
    Directories,
    /// A directory for each, with `migration.sql`.
    Prisma,
    /// `-- +goose Up` and `-- +goose Down` in one file.
    Goose,
    /// `-- +migrate Up` and `-- +migrate Down` in one file.
    SqlMigrate,
    /// `-- migrate:up` and `-- migrate:down` in one file.
    Dbmate,
    /// `sqitch.plan`, with `deploy` and `revert`.
    Sqitch,
}

impl Style {
    /// The name shown to users.
    pub fn name(self) -> &'static str {
        match self {
            Style::File => "one file",
            Style::Files => "files in the order of their names",
            Style::Ordered => "the order given",
            Style::Flyway => "Flyway's names",
            Style::UpDown => "pairs of .up.sql and .down.sql",
            Style::Directories => "directories with up.sql",
            Style::Prisma => "directories with migration.sql",
            Style::Goose => "goose's annotations",
            Style::SqlMigrate => "sql-migrate's annotations",
            Style::Dbmate => "dbmate's annotations",
            Style::Sqitch => "a sqitch plan",
        }
    }

    /// How a tool of this style groups statements into transactions.
    pub fn transaction(self) -> Transaction {
        match self {
            Style::Flyway | Style::Directories | Style::Goose | Style::SqlMigrate | Style::Dbmate => Transaction::File,
            _ => Transaction::Statement,
        }
    }

    /// Whether a tool of this style applies each migration once and records it.
    pub fn is_applied_once(self) -> bool {
        !matches!(self, Style::File | Style::Files | Style::Ordered)
    }
}

/// One migration of a layout: the file, the relevant part of it, and its down migration.
pub(super) struct Step {
    pub(super) up: Part,
    pub(super) down: Option<Part>,
    /// Whether the tool re-runs it whenever it changes.
    pub(super) repeatable: bool,
}

impl Step {
    pub(super) fn new(up: Part, down: Option<Part>) -> Step {
        Step { up, down, repeatable: false }
    }
}

/// A file, or a part of it.
pub(super) struct Part {
    pub(super) path: PathBuf,
    /// The text with the other parts blanked out, so that line numbers are preserved; `None` if the whole file applies.
    pub(super) text: Option<String>,
}

impl Part {
    pub(super) fn whole(path: PathBuf) -> Part {
        Part { path, text: None }
    }
}

/// Recognises the layout of a directory, or accepts a single file. `order` names a file that lists other files, one per
/// line; `variables` are psql variables and also replace `${name}`.
pub fn lay_out(path: &Path, order: Option<&Path>, variables: &Variables) -> Result<Layout, SourceError> {
    let root =
        if path.is_dir() { path.to_path_buf() } else { path.parent().map(Path::to_path_buf).unwrap_or_default() };
    let (style, steps) = if let Some(order) = order {
        (Style::Ordered, named::listed(&root, order)?)
    } else if !path.is_dir() {
        (Style::File, vec![Step::new(Part::whole(path.to_path_buf()), None)])
    } else {
        recognised(&root)?
    };
    let (migrations, rollbacks, repeatable, without_transaction) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let mut layout = Layout { style, migrations, rollbacks, repeatable, without_transaction };
    for (step, number) in steps.into_iter().zip(1..) {
        layout.repeatable.extend(step.repeatable.then_some(number));
        layout.without_transaction.extend(opts_out(&step.up.path).then_some(number));
        layout.migrations.extend(migration(number, step.up, &root, variables)?);
        if let Some(down) = step.down {
            layout.rollbacks.extend(migration(number, down, &root, variables)?);
        }
    }
    layout.rollbacks.reverse();
    if layout.migrations.is_empty() {
        return Err(SourceError::NoMigrations { directory: path.to_path_buf() });
    }
    Ok(layout)
}

fn recognised(root: &Path) -> Result<(Style, Vec<Step>), SourceError> {
    if root.join("sqitch.plan").is_file() {
        return Ok((Style::Sqitch, named::sqitch(root)?));
    }
    let files = sql_files(root, root)?;
    if files.is_empty() {
        return named::directories(root);
    }
    if let Some(steps) = named::flyway(&files) {
        return Ok((Style::Flyway, steps));
    }
    if let Some(steps) = named::up_down(&files) {
        return Ok((Style::UpDown, steps));
    }
    for (style, up, down) in [
        (Style::Goose, "+gooseup", "+goosedown"),
        (Style::SqlMigrate, "+migrateup", "+migratedown"),
        (Style::Dbmate, "migrate:up", "migrate:down"),
    ] {
        if let Some(steps) = annotated::steps(root, &files, up, down)? {
            return Ok((style, steps));
        }
    }
    // Run as ordinary migrations, these would undo the others.
    if let Some(path) = files.iter().find(|path| named::looks_like_a_way_back(path)) {
        let path = path.strip_prefix(root).unwrap_or(path).to_path_buf();
        return Err(SourceError::UnknownLayout { path });
    }
    let files = named::sorted(files);
    Ok((Style::Files, files.into_iter().map(|path| Step::new(Part::whole(path), None)).collect()))
}

/// Whether a file, or Diesel's metadata beside it, declares that it must not run in a transaction.
fn opts_out(path: &Path) -> bool {
    let metadata = path.with_file_name("metadata.toml");
    let diesel = files::read_text(&metadata).is_ok_and(|text| {
        let said: String = text.split_whitespace().collect();
        said.contains("run_in_transaction=false")
    });
    diesel || files::read_text(path).is_ok_and(|text| annotated::opts_out(&text))
}

/// Reads a part; `None` if it contains no statement.
fn migration(number: u64, part: Part, root: &Path, variables: &Variables) -> Result<Option<Migration>, SourceError> {
    let bound = source::real(root).map_err(|source| SourceError::Unreadable { path: root.to_path_buf(), source })?;
    let mut source = Source::read_within(root, &part.path, &[bound])?;
    if let Some(text) = part.text {
        source.text = text;
    }
    for (name, value) in variables {
        let name = format!("${{{name}}}");
        let more = source.text.matches(&name).count().saturating_mul(value.len());
        if source.text.len().saturating_add(more) as u64 > LARGEST_FILE {
            return Err(SourceError::TooLong { path: source.shown });
        }
        source.text = source.text.replace(&name, value);
    }
    let file = source.shown.clone();
    let statements = split_with(source, root, variables)?;
    Ok((!statements.is_empty()).then_some(Migration { number, file, statements }))
}
