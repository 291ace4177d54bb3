//! `new`: writes the files of a new assertion, command or report format from the templates in `xtask/templates`, and
//! registers them. The templates are compiled and tested in the crates that their copies are written to.

mod name;
mod register;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use name::Name;
use pgproof_cli::{note, say};
use register::{before_end_of, with_module, with_use};

/// What can be written.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum What {
    /// A family of assertions on tables: crates/assertions/src/NAME.rs
    Assertion(Named),
    /// A command: crates/cli/src/NAME.rs
    Command(Named),
    /// A report format: crates/report/src/NAME.rs
    Format(Named),
}

/// The argument of each.
#[derive(Debug, clap::Args)]
pub(crate) struct Named {
    /// The name of the module, in snake_case
    #[arg(value_name = "NAME")]
    name: Name,
}

/// Why nothing was written.
#[derive(Debug, thiserror::Error)]
enum NewError {
    #[error("no Cargo.toml with [workspace] in {from} or above")]
    NoWorkspace { from: PathBuf },
    #[error("{path} already exists")]
    Exists { path: String },
    #[error("{file} declares the module {name} already")]
    Declared { file: String, name: Name },
    #[error("{file} has no line `{line}`, after which to register it")]
    NoPlace { file: String, line: String },
    #[error("cannot read or write {path}")]
    File { path: String, source: std::io::Error },
}

/// What will be written, and what remains to do.
struct Chore {
    /// Paths below the workspace, and their texts; the new file comes first.
    files: [(String, String); 2],
    next: Vec<String>,
}

/// Writes the files. Nothing is written unless everything can be registered.
pub(crate) fn run(what: &What) -> ExitCode {
    match workspace().and_then(|root| written(&root, what)) {
        Ok(chore) => {
            let [(new, _), (changed, _)] = &chore.files;
            let _ = say(format_args!("new:     {new}\nchanged: {changed}\n\nnext:\n"));
            for (number, step) in chore.next.iter().enumerate() {
                let _ = say(format_args!("  {}. {step}\n", number + 1));
            }
            ExitCode::SUCCESS
        }
        Err(error) => {
            note(format_args!("error: {error}"));
            if let Some(cause) = std::error::Error::source(&error) {
                note(format_args!("  because: {cause}"));
            }
            ExitCode::from(2)
        }
    }
}

/// The nearest workspace at or above the working directory.
fn workspace() -> Result<PathBuf, NewError> {
    let from = std::env::current_dir().unwrap_or_default();
    let is_workspace = |directory: &&Path| {
        let manifest = std::fs::read_to_string(directory.join("Cargo.toml")).unwrap_or_default();
        manifest.lines().any(|line| line.trim() == "[workspace]")
    };
    let found = from.ancestors().find(is_workspace).map(Path::to_path_buf);
    found.ok_or(NewError::NoWorkspace { from })
}

fn written(root: &Path, what: &What) -> Result<Chore, NewError> {
    let chore = planned(root, what)?;
    for (path, text) in &chore.files {
        std::fs::write(root.join(path), text).map_err(|source| NewError::File { path: path.clone(), source })?;
    }
    Ok(chore)
}

fn planned(root: &Path, what: &What) -> Result<Chore, NewError> {
    let (krate, name, template) = match what {
        What::Assertion(Named { name }) => ("assertions", name, include_str!("../../templates/assertion.rs")),
        What::Command(Named { name }) => ("cli", name, include_str!("../../templates/command.rs")),
        What::Format(Named { name }) => ("report", name, include_str!("../../templates/format.rs")),
    };
    let new = format!("crates/{krate}/src/{name}.rs");
    for path in [new.clone(), format!("crates/{krate}/src/{name}")] {
        if root.join(&path).exists() {
            return Err(NewError::Exists { path });
        }
    }
    let file = format!("crates/{krate}/src/lib.rs");
    let unreadable = |source| NewError::File { path: file.clone(), source };
    let lib = std::fs::read_to_string(root.join(&file)).map_err(unreadable)?;
    if lib.lines().any(|line| line.trim_start_matches("pub ") == format!("mod {name};")) {
        return Err(NewError::Declared { file, name: name.clone() });
    }
    let placed = |text: Option<String>, line: &str| {
        text.ok_or_else(|| NewError::NoPlace { file: file.clone(), line: line.to_owned() })
    };
    let ty = name.camel();
    let mut text = template.to_owned();
    let registered = match what {
        What::Assertion(_) => placed(with_module(&lib, "pub mod", name), "pub mod …;")?,
        What::Command(_) => {
            // clap's name of the command.
            text = text.replace("`skeleton`", &format!("`{}`", name.kebab()));
            let (variants, arms) = ("enum Command {", "match command {");
            let lib = placed(with_module(&lib, "mod", name), "mod …;")?;
            let variant = format!("    /// Show where the migrations of each schema are\n    {ty}({name}::Arguments),");
            let lib = placed(before_end_of(&lib, variants, &variant), variants)?;
            let arm = format!("        Command::{ty}(arguments) => {name}::run(config, arguments),");
            placed(before_end_of(&lib, arms, &arm), arms)?
        }
        What::Format(_) => {
            let lib = placed(with_module(&lib, "mod", name), "mod …;")?;
            placed(with_use(&lib, &format!("pub use {name}::{ty};")), "pub use …;")?
        }
    };
    let text = text.replace("skeleton", name.snake()).replace("Skeleton", &ty);
    Ok(Chore { files: [(new, text), (file, registered)], next: next(what, name) })
}

/// What the author does now.
fn next(what: &What, name: &Name) -> Vec<String> {
    let (edit, krate, rest) = match what {
        What::Assertion(_) => (
            "edit the sentence, what it pins, the check, and both tests".to_owned(),
            "pgproof-assertions",
            "add the sentence to the tables in docs/suites.md, and an example to crates/pgproof/src/vocabulary.rs",
        ),
        What::Command(_) => (
            "edit the arguments, what it does, and the help text in crates/cli/src/lib.rs".to_owned(),
            "pgproof-cli",
            "add a test to crates/cli/tests/verify/, and a line to the table of commands in README.md",
        ),
        What::Format(_) => (
            format!("edit what {} writes, and its test", name.camel()),
            "pgproof-report",
            "add a variant to Format in crates/cli/src/terminal.rs, and document the format in docs/",
        ),
    };
    vec![edit, format!("cargo fmt && cargo test --package {krate} --lib {name}"), rest.to_owned()]
}
