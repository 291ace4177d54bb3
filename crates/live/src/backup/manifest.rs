//! The manifest: a file beside a dump that says what the database held when the dump was made.

use std::collections::BTreeMap;
use std::path::Path;

use pgproof_server::Version;
use pgproof_sql::QualifiedName;
use serde::{Deserialize, Serialize};

use super::contents::by_name;
use super::database::DatabaseProperties;
use super::roles::MentionedRole;
use super::{BackupError, Contents, Position};

/// The version of the manifest as a file.
const FORMAT: u32 = 1;

/// What a database held.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    format: u32,
    /// The name of the database.
    pub database: String,
    /// The version of its server.
    pub server: Version,
    /// The version of the `pg_dump` that made the dump.
    pub pg_dump: Version,
    /// When, in UTC: `2026-01-31T12:00:00Z`.
    pub time: String,
    /// How large the dump is, in bytes.
    pub size: u64,
    /// The roles that the dump mentions and does not create.
    pub roles: Vec<MentionedRole>,
    pub(super) properties: DatabaseProperties,
    /// Its sequences.
    #[serde(with = "by_name")]
    pub sequences: BTreeMap<QualifiedName, Position>,
    /// What the dump brings back.
    #[serde(flatten)]
    pub contents: Contents,
}

impl Manifest {
    #[expect(clippy::too_many_arguments, reason = "each is a line of the file")]
    pub(super) fn new(
        database: &str,
        server: Version,
        pg_dump: Version,
        time: String,
        size: u64,
        roles: Vec<MentionedRole>,
        properties: DatabaseProperties,
        sequences: BTreeMap<QualifiedName, Position>,
        contents: Contents,
    ) -> Manifest {
        let database = database.to_owned();
        Manifest { format: FORMAT, database, server, pg_dump, time, size, roles, properties, sequences, contents }
    }

    /// Reads a manifest.
    pub(super) fn read(file: &Path) -> Result<Manifest, BackupError> {
        let text = pgproof_sql::files::read_text(file)
            .map_err(|source| BackupError::NoManifest { file: file.to_path_buf(), source })?;
        let wrong = |problem: String| BackupError::Manifest { file: file.to_path_buf(), problem };
        let value: serde_json::Value = serde_json::from_str(&text).map_err(|error| wrong(error.to_string()))?;
        if value["format"].as_u64() != Some(u64::from(FORMAT)) {
            return Err(wrong(format!(
                "its format is {}, and this version of pgproof reads {FORMAT}",
                value["format"]
            )));
        }
        serde_json::from_value(value).map_err(|error| wrong(error.to_string()))
    }

    /// The manifest as a file.
    pub(super) fn text(&self) -> Result<String, serde_json::Error> {
        Ok(serde_json::to_string_pretty(self)? + "\n")
    }
}
