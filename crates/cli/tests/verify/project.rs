//! A copy of this repository's schemas in a separate directory, to be broken on purpose.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;

/// A project with one schema, whose suite is in this workspace.
pub struct Project {
    directory: TempDir,
}

/// The result of a command.
#[derive(Debug)]
pub struct Ended {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Project {
    /// The opportunity schema.
    pub fn new() -> Project {
        Project::of("opportunity")
    }

    /// This schema, and no other.
    pub fn of(schema: &str) -> Project {
        let workspace = workspace();
        let config = std::fs::read_to_string(workspace.join("pgproof.toml")).expect("pgproof.toml");
        let project = Project::with(&only(&config, schema));
        for part in ["sql", "fixtures", "snapshots"] {
            copy(&workspace.join(part).join(schema), &project.path(part).join(schema));
        }
        project
    }

    /// A small schema with unusual names, and its suite in `suites/tests/names_of_objects`.
    pub fn shop() -> Project {
        let suite = "{ package = \"suites\", test = \"names_of_objects\" }";
        let project = Project::with(&format!("[schemas.shop]\nmigrations = \"sql\"\nsuite = {suite}\n"));
        copy(&workspace().join("crates/cli/tests/verify/names_of_objects"), &project.path("sql"));
        project
    }

    /// A project with this configuration and nothing else.
    pub fn with(config: &str) -> Project {
        let project = Project { directory: tempfile::tempdir().expect("a directory") };
        let manifest = format!("manifest = \"{}\", package = ", workspace().join("Cargo.toml").display());
        project.write("pgproof.toml", &config.replace("package = ", &manifest));
        project
    }

    /// Writes a file and the directories above it.
    pub fn write(&self, file: &str, text: &str) {
        let path = self.path(file);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("a directory");
        std::fs::write(path, text).expect("a file");
    }

    /// Adds text at the end of a file.
    pub fn append(&self, file: &str, text: &str) {
        let content = std::fs::read_to_string(self.path(file)).expect("a file");
        std::fs::write(self.path(file), content + text).expect("a file");
    }

    pub fn path(&self, relative: &str) -> PathBuf {
        self.directory.path().join(relative)
    }

    /// Replaces `from`, which must occur exactly once, in a file.
    #[track_caller]
    pub fn edit(&self, file: &str, from: &str, to: &str) {
        let text = std::fs::read_to_string(self.path(file)).expect("a file");
        assert_eq!(text.matches(from).count(), 1, "{from:?} in {file}");
        std::fs::write(self.path(file), text.replace(from, to)).expect("a file");
    }

    /// The line of `text` in a file.
    #[track_caller]
    pub fn line_of(&self, file: &str, text: &str) -> usize {
        let content = std::fs::read_to_string(self.path(file)).expect("a file");
        content.lines().position(|line| line.contains(text)).expect("a line with this text") + 1
    }

    /// A command that runs pgproof in the project.
    pub fn pgproof(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_pgproof"));
        command.args(arguments).current_dir(self.directory.path());
        // Settings of a developer or of CI would affect whether pending plans are written.
        for variable in ["PGPROOF_CONFIG", "PGPROOF_RUN", "PGPROOF_EVIDENCE", "PGPROOF_SERVER", "CI", "INSTA_UPDATE"] {
            command.env_remove(variable);
        }
        command
    }

    /// Runs pgproof in the project.
    pub fn run(&self, arguments: &[&str]) -> Ended {
        Ended::of(&self.pgproof(arguments).output().expect("pgproof runs"))
    }
}

impl Ended {
    pub fn of(output: &Output) -> Ended {
        Ended {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// Asserts this exit code, and that the output contains all of these texts.
    #[track_caller]
    pub fn demand(&self, code: i32, texts: &[&str]) {
        let all = format!("{}{}", self.stdout, self.stderr);
        assert_eq!(self.code, code, "{all}");
        for text in texts {
            assert!(all.contains(text), "no {text:?} in\n{all}");
        }
    }
}

/// This repository.
pub fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().expect("the workspace")
}

/// The tables of a configuration for one schema, and those for no schema.
fn only(config: &str, schema: &str) -> String {
    let mut text = String::new();
    let mut wanted = true;
    for line in config.lines() {
        let header = line.trim_start_matches('[').strip_prefix("schemas.");
        if let Some(header) = header.filter(|_| line.starts_with('[')) {
            let name = header.split(['.', ']']).next().unwrap_or_default();
            wanted = name == schema;
        }
        if wanted {
            text.push_str(line);
            text.push('\n');
        }
    }
    text
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a directory");
    for entry in std::fs::read_dir(from).expect("a directory") {
        let entry = entry.expect("an entry");
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).expect("a file");
        }
    }
}
