//! One statement of a migration: the text that is sent, and where it came from.

use std::sync::Arc;

use super::Source;
use crate::Origin;
use crate::origin::Places;

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
        self.origin_with(&mut self.places(), offset)
    }

    /// For the locations of many offsets.
    pub(crate) fn places(&self) -> Places<'_> {
        Places::of(&self.source.shown, &self.source.text)
    }

    /// The location in the file of byte `offset` of the statement's text.
    pub(crate) fn origin_with(&self, places: &mut Places<'_>, offset: usize) -> Origin {
        let before = self.runs.partition_point(|(sent, _)| *sent <= offset);
        let (sent, in_file) = before.checked_sub(1).map_or((0, 0), |run| self.runs[run]);
        // Within what a variable was replaced by, an offset has no place of its own.
        let mut in_file = (in_file + (offset - sent)).min(self.source.text.len());
        in_file = self.source.text.floor_char_boundary(in_file);
        places.at(in_file)
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
        // A statement may begin with a parenthesis.
        let first = words.next().cloned().unwrap_or_else(|| "a statement".to_owned());
        match (first.as_str(), words.next()) {
            ("CREATE" | "ALTER" | "DROP" | "COMMENT", Some(second)) => match (second.as_str(), words.next()) {
                ("MATERIALIZED" | "DEFAULT" | "EVENT", Some(third)) => format!("{first} {second} {third}"),
                _ => format!("{first} {second}"),
            },
            _ => first,
        }
    }

    /// Whether it switches `standard_conforming_strings` off, for this session or for later ones.
    pub(crate) fn changes_strings(&self) -> bool {
        const NAME: &str = "standard_conforming_strings";
        let text = self.text.to_ascii_lowercase();
        let words = |text: &str| {
            let mut words =
                text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').filter(|word| !word.is_empty());
            words.find(|word| !matches!(*word, "to" | "set" | "local")).map(str::to_owned)
        };
        let is_set =
            matches!(self.words.first().map(String::as_str), Some("SET" | "ALTER")) || text.contains("set_config");
        let off = |word: String| matches!(&*word, "0" | "of" | "off" | "no" | "n") || "false".starts_with(&*word);
        is_set && text.match_indices(NAME).any(|(at, _)| words(&text[at + NAME.len()..]).is_some_and(off))
    }

    /// Whether it sends rows to its client, however many, rather than the number of rows that it affected.
    pub fn returns_rows(&self) -> bool {
        let is = |words: &[&str], word: &String| words.contains(&word.as_str());
        let changes = |word| is(&["INSERT", "UPDATE", "DELETE", "MERGE"], word);
        match self.words.first() {
            _ if self.words.iter().any(|word| word == "RETURNING") => true,
            // A query in parentheses.
            None => true,
            Some(first) if first == "WITH" => !self.words.iter().any(changes),
            Some(first) => is(&["SELECT", "VALUES", "TABLE", "FETCH", "SHOW", "EXPLAIN", "EXECUTE", "CALL"], first),
        }
    }

    /// Whether it is a COPY … TO stdout.
    pub(crate) fn copies_out(&self) -> bool {
        self.begins_with(&["COPY"]) && self.words.windows(2).any(|pair| pair == ["TO", "STDOUT"])
    }

    /// Whether it has these words one after another, in upper case, outside of parentheses.
    pub fn has_words(&self, words: &[&str]) -> bool {
        self.words.windows(words.len()).any(|window| window.iter().zip(words).all(|(word, wanted)| word == wanted))
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
