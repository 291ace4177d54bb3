//! One statement of a migration: the text that is sent, and where it came from.

use std::sync::Arc;

use super::Source;
use crate::Origin;

/// A statement with its location.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// The text sent to the server: variables replaced, without the closing semicolon.
    pub text: String,
    /// The location of its first word.
    pub origin: Origin,
    /// The data that follows a `COPY … FROM stdin`.
    pub copy_data: Option<String>,
    /// The file.
    pub source: Arc<Source>,
    /// The words outside parentheses, in upper case, from the first: they determine the kind of statement.
    pub(crate) words: Vec<String>,
    /// Where runs of `text` begin, in `text` and in the file.
    pub(crate) runs: Vec<(usize, usize)>,
}

impl Statement {
    /// The location in the file of byte `offset` of the statement's text.
    pub fn origin_at(&self, offset: usize) -> Origin {
        let (sent, in_file) = *self.runs.iter().rev().find(|(sent, _)| *sent <= offset).unwrap_or(&(0, 0));
        Origin::at(&self.source.shown, &self.source.text, in_file + (offset - sent))
    }

    /// The location of character `position` (from 1), as error reports count it.
    pub fn origin_at_position(&self, position: u32) -> Origin {
        let characters = (position as usize).saturating_sub(1);
        let offset = self.text.char_indices().nth(characters).map_or(self.text.len(), |(offset, _)| offset);
        self.origin_at(offset)
    }

    /// The kind of statement for messages, such as `CREATE TABLE`.
    pub fn kind(&self) -> String {
        const MODIFIERS: &[&str] =
            &["OR", "REPLACE", "UNIQUE", "TEMP", "TEMPORARY", "UNLOGGED", "CONSTRAINT", "RECURSIVE", "FOREIGN"];
        let mut words = self.words.iter().filter(|word| !MODIFIERS.contains(&word.as_str()));
        let first = words.next().cloned().unwrap_or_default();
        match (first.as_str(), words.next()) {
            ("CREATE" | "ALTER" | "DROP" | "COMMENT", Some(second)) => match (second.as_str(), words.next()) {
                ("MATERIALIZED" | "DEFAULT" | "EVENT", Some(third)) => format!("{first} {second} {third}"),
                _ => format!("{first} {second}"),
            },
            _ => first,
        }
    }

    /// Whether it begins with these words.
    pub(crate) fn begins_with(&self, words: &[&str]) -> bool {
        self.words.len() >= words.len() && self.words.iter().zip(words).all(|(word, wanted)| word == wanted)
    }

    /// Whether PostgreSQL rejects it inside a transaction block (the reference page of each command).
    pub fn needs_no_transaction(&self) -> bool {
        const ALWAYS: &[&[&str]] = &[
            &["VACUUM"],
            &["CREATE", "DATABASE"],
            &["DROP", "DATABASE"],
            &["CREATE", "TABLESPACE"],
            &["DROP", "TABLESPACE"],
            &["ALTER", "SYSTEM"],
            &["CREATE", "SUBSCRIPTION"],
            &["DROP", "SUBSCRIPTION"],
            &["REINDEX", "DATABASE"],
            &["REINDEX", "SYSTEM"],
            &["REINDEX", "SCHEMA"],
        ];
        const MAY_BE_CONCURRENT: &[&str] = &["CREATE", "DROP", "REINDEX", "ALTER"];
        ALWAYS.iter().any(|words| self.begins_with(words))
            || self.begins_with(&["CLUSTER"]) && self.words.len() == 1
            || self.words.first().is_some_and(|word| MAY_BE_CONCURRENT.contains(&word.as_str()))
                && self.words.iter().any(|word| word == "CONCURRENTLY")
    }

    /// Whether it starts a transaction block.
    pub fn begins_transaction(&self) -> bool {
        self.begins_with(&["BEGIN"]) || self.begins_with(&["START", "TRANSACTION"])
    }

    /// Whether it ends a transaction block.
    pub fn ends_transaction(&self) -> bool {
        const ENDS: &[&str] = &["COMMIT", "END", "ROLLBACK", "ABORT"];
        let to_savepoint = self.words.iter().any(|word| word == "TO");
        let chained = self.words.iter().any(|word| word == "CHAIN") && !self.words.iter().any(|word| word == "NO");
        self.words.first().is_some_and(|word| ENDS.contains(&word.as_str())) && !to_savepoint && !chained
    }
}
