//! The rows of a table, compared exactly with a CSV file: missing, additional and different rows are named. Values are
//! compared in the types of their columns, so that `10` equals `10.0000` in a numeric column.

use std::collections::BTreeMap;

use pgproof_runner::Sandbox;
use pgproof_sql::{Property, QualifiedName, Target};
use pgproof_sql::{quote::identifier, quote::literal};

use crate::expectation::fixture_text;
use crate::pin::Pin;
use crate::{
    assertion::Assertion, assertion::Failure, assertion::Subject, assertion::listed, assertion::refuted,
    assertion::refuted_by,
};
use crate::{table::TableRef, table::find};
use pgproof_catalog::{Catalog, Relation};

impl TableRef {
    /// Its rows are those of a CSV file in the fixtures, in the columns of the file.
    pub fn rows_equal(self, file: impl Into<String>) -> RowsEqual {
        RowsEqual::new(self.name, file.into())
    }
}

/// A table's rows are those of a CSV file, in the columns of the file. An empty field is NULL; `\e` is the empty text.
#[must_use = "a sentence asserts nothing until it is checked"]
#[derive(Debug, Clone)]
pub struct RowsEqual {
    table: QualifiedName,
    file: String,
    key: Vec<String>,
    condition: Option<String>,
}

impl RowsEqual {
    pub(crate) fn new(table: QualifiedName, file: String) -> RowsEqual {
        RowsEqual { table, file, key: Vec::new(), condition: None }
    }

    /// The columns that identify a row; all columns by default.
    pub fn by<C: Into<String>>(mut self, key: impl IntoIterator<Item = C>) -> RowsEqual {
        self.key = key.into_iter().map(Into::into).collect();
        self
    }

    /// Only rows of the table that satisfy this condition are compared.
    pub fn only_where(mut self, condition: impl Into<String>) -> RowsEqual {
        self.condition = Some(condition.into());
        self
    }

    /// Header and rows of the file.
    fn read(&self, sandbox: &Sandbox, relation: &Relation) -> Result<(Vec<String>, Vec<TextRow>), Failure> {
        let text = fixture_text(sandbox, &self.file);
        let (shown, text) = text.map_err(|error| Failure::Expectation(pgproof_sql::with_causes(&error)))?;
        let failed = |error: csv::Error| Failure::Expectation(format!("cannot read {}: {error}", shown.display()));
        let mut reader = csv::Reader::from_reader(text.as_bytes());
        let header: Vec<String> = reader.headers().map_err(failed)?.iter().map(str::to_owned).collect();
        let columns = || listed(relation.columns.iter().map(|column| &column.name));
        for name in header.iter().chain(&self.key) {
            if relation.column(name).is_none() {
                let found =
                    format!("{}:1: {} has no column {name:?}; it has {}", shown.display(), self.table, columns());
                return Err(Failure::Expectation(found));
            }
        }
        if let Some(name) = self.key.iter().find(|name| !header.contains(name)) {
            return Err(Failure::Expectation(format!(
                "{}:1: the key {name} is no column of the file",
                shown.display()
            )));
        }
        let field = |text: &str| match text {
            "" => None,
            "\\e" => Some(String::new()),
            text => Some(text.to_owned()),
        };
        let mut rows = Vec::new();
        for record in reader.records() {
            rows.push(record.map_err(failed)?.iter().map(field).collect());
        }
        if rows.is_empty() {
            return Err(Failure::Expectation(format!("{} has no rows: it expects nothing", shown.display())));
        }
        Ok((header, rows))
    }

    /// The file's values as printed by the types of the columns.
    fn normalised(
        &self,
        sandbox: &mut Sandbox,
        relation: &Relation,
        header: &[String],
        rows: &[TextRow],
    ) -> Result<Vec<TextRow>, Failure> {
        let cast = |(name, value): (&String, &Option<String>)| {
            let ty = relation.column(name).map_or("text", |column| column.ty.name.as_str());
            let value = value.as_ref().map_or("NULL".to_owned(), |text| literal(text));
            format!("{value}::{ty}::text")
        };
        let mut normalised = Vec::new();
        for (number, row) in rows.iter().enumerate() {
            let values: Vec<_> = header.iter().zip(row).map(cast).collect();
            let select = format!("SELECT {}", values.join(", "));
            match sandbox.attempt(&select)? {
                pgproof_server::Attempt::Accepted => normalised.extend(sandbox.rows(&select)?),
                pgproof_server::Attempt::Refused(refusal) => {
                    let (shown, _) = sandbox.context().fixture(&self.file);
                    let (line, refusal) = (number + 2, refusal.message);
                    return Err(Failure::Expectation(format!("{}:{line}: {refusal}", shown.display())));
                }
            }
        }
        Ok(normalised)
    }
}

impl Assertion for RowsEqual {
    fn subject(&self) -> Subject {
        Subject::table(&self.table)
    }

    fn sentence(&self) -> String {
        let only = self.condition.as_ref().map(|condition| format!(" where {condition}")).unwrap_or_default();
        format!("has the rows of {}{only}", self.file)
    }

    fn pins(&self, _: &Catalog) -> Vec<Pin> {
        vec![Pin::looked_at(self.subject().object, Property::Rows)]
    }

    fn check(&self, sandbox: &mut Sandbox) -> Result<(), Failure> {
        let catalog = Catalog::of(sandbox)?;
        let relation = find(&catalog, &self.table)?;
        let (header, rows) = self.read(sandbox, relation)?;
        let expected = self.normalised(sandbox, relation, &header, &rows)?;
        let columns: Vec<_> = header.iter().map(|name| format!("{}::text", identifier(name))).collect();
        let condition = self.condition.as_deref().unwrap_or("true");
        let found =
            sandbox.rows(&format!("SELECT {} FROM {} WHERE {condition}", columns.join(", "), relation.sql()))?;

        let key: Vec<usize> = if self.key.is_empty() {
            (0..header.len()).collect()
        } else {
            header.iter().enumerate().filter(|(_, name)| self.key.contains(name)).map(|(at, _)| at).collect()
        };
        let (expected, found) = (keyed(expected, &key), keyed(found, &key));
        let shown = |key: &[Option<String>]| listed(key.iter().map(|v| v.as_deref().unwrap_or("NULL").to_owned()));
        let mut problems = Vec::new();
        let mut culprit: Option<Vec<Option<String>>> = None;
        for (key, rows) in &expected {
            let problem = match found.get(key) {
                None => format!("missing: {}", shown(key)),
                Some(found) if found == rows => continue,
                Some(found) if found.len() != rows.len() => {
                    format!("{}: {} rows, not {}", shown(key), found.len(), rows.len())
                }
                Some(found) => format!("{}: {}", shown(key), differences(&header, &found[0], &rows[0])),
            };
            problems.push(problem);
            culprit.get_or_insert_with(|| key.clone());
        }
        for key in found.keys().filter(|key| !expected.contains_key(*key)) {
            problems.push(format!("not expected: {}", shown(key)));
            culprit.get_or_insert_with(|| key.clone());
        }
        match culprit {
            None => Ok(()),
            Some(_) if self.key.is_empty() => Err(refuted(problems.join("\n"))),
            Some(values) => {
                let named = key.iter().map(|at| header[*at].clone()).zip(values);
                let values = named.filter_map(|(column, value)| Some((column, value?))).collect();
                Err(refuted_by(Target::Row(self.table.clone(), values), problems.join("\n")))
            }
        }
    }
}

/// A row's values in their text form.
type TextRow = Vec<Option<String>>;

/// Rows by their key, each key's rows sorted.
fn keyed(rows: Vec<TextRow>, key: &[usize]) -> BTreeMap<TextRow, Vec<TextRow>> {
    let mut keyed: BTreeMap<TextRow, Vec<TextRow>> = BTreeMap::new();
    for row in rows {
        keyed.entry(key.iter().map(|at| row[*at].clone()).collect()).or_default().push(row);
    }
    for rows in keyed.values_mut() {
        rows.sort();
    }
    keyed
}

fn differences(header: &[String], found: &[Option<String>], expected: &[Option<String>]) -> String {
    let text = |value: &Option<String>| value.clone().unwrap_or("NULL".to_owned());
    let pairs = header.iter().zip(found.iter().zip(expected)).filter(|(_, (found, expected))| found != expected);
    listed(pairs.map(|(name, (found, expected))| format!("{name} is {}, not {}", text(found), text(expected))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::examine;
    use crate::table::table;
    use crate::{testing::proven, testing::refuted, testing::scratch};

    const SCHEMA: &str = "CREATE TABLE t (name text, size numeric(5,2), ok boolean);
        INSERT INTO t VALUES ('a', 1, true), ('b', 2.5, NULL), ('', 0, false)";

    /// A file with this content, with which `test` compares the table.
    fn with_file<T>(content: &str, test: impl FnOnce(RowsEqual) -> T) -> T {
        static NUMBER: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("pgproof-rows-{}-{number}.csv", std::process::id()));
        std::fs::write(&path, content).expect("a file");
        let result = test(table("t").rows_equal(path.to_string_lossy()));
        std::fs::remove_file(&path).expect("the file");
        result
    }

    fn without_path(message: &str) -> String {
        let end = message.find(".csv").map_or(0, |at| at + 4);
        let start = message[..end].rfind(' ').map_or(0, |at| at + 1);
        format!("{}FILE{}", &message[..start], &message[end..])
    }

    #[test]
    fn equal_rows_are_equal_in_their_types() {
        with_file("name,size,ok\nb,2.50,\na,01.0,yes\n\\e,0,f\n", |rows| proven(&mut scratch(SCHEMA), rows));
        with_file("name\na\n", |rows| proven(&mut scratch(SCHEMA), rows.only_where("name = 'a'")));
    }

    #[test]
    fn different_rows_are_named() {
        let message = with_file("name,size\na,1\nb,3\nc,1\n", |rows| refuted(&mut scratch(SCHEMA), rows.by(["name"])));
        insta::assert_snapshot!(without_path(&message), @"
        refuted: table t has the rows of FILE
          b: size is 2.50, not 3.00
          missing: c
          not expected: 
        ");
    }

    #[test]
    fn a_file_that_does_not_fit_the_table_could_not_be_checked() {
        for (content, problem) in [
            ("name,colour\na,red\n", "FILE:1: t has no column \"colour\"; it has name, size, ok"),
            ("name,size\na,1\nb,big\n", "FILE:3: invalid input syntax for type numeric: \"big\""),
            ("name,size\n", "FILE has no rows: it expects nothing"),
        ] {
            let evidence =
                with_file(content, |rows| examine(&mut scratch(SCHEMA), &rows, std::panic::Location::caller()));
            assert_eq!(evidence.outcome, pgproof_runner::evidence::Outcome::Error);
            let message = evidence.message.expect("a problem");
            assert_eq!(without_path(&message), problem);
        }
    }
}
