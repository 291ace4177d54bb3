//! A column of JSON documents: valid documents are read back equal, and invalid JSON is rejected.

use pgproof_runner::Sandbox;
use pgproof_server::{Attempt, SqlState};
use pgproof_sql::Property;
use pgproof_sql::{quote::identifier, quote::literal};

use crate::column::ColumnRef;
use crate::pin::Pin;
use crate::{assertion::Assertion, assertion::Failure, assertion::Subject, assertion::refuted};
use pgproof_catalog::Catalog;
use pgproof_catalog::{row::RowGenerator, row::Value};

impl ColumnRef {
    /// It accepts valid JSON documents, returns them equal, and rejects invalid JSON.
    pub fn holds_documents(self) -> HoldsDocuments {
        HoldsDocuments { at: self }
    }
}

/// Documents of every shape (RFC 8259), including awkward ones.
const VALID: &[&str] = &[
    "{}",
    "[]",
    "null",
    "true",
    "-0.5e3",
    "\"text\"",
    "{\"a\": {\"b\": [1, 2, {\"c\": null}]}}",
    "{\"unicode\": \"\\u00e9\\ud83d\\ude00 é\"}",
    "{\"quote\": \"it's \\\"quoted\\\"\"}",
    "[12345678901234567890.123456789]",
];

/// Texts that are almost JSON.
const INVALID: &[&str] =
    &["", "{", "{a: 1}", "{'a': 1}", "[1,]", "{\"a\": }", "nul", "01", "\"open", "{\"a\": 1}}", "\"\\x\"", "NaN"];

/// A column accepts valid JSON documents and rejects invalid ones.
#[must_use = "a sentence asserts nothing until it is checked"]
#[derive(Debug, Clone)]
pub struct HoldsDocuments {
    pub(crate) at: ColumnRef,
}

impl Assertion for HoldsDocuments {
    fn subject(&self) -> Subject {
        self.at.subject()
    }

    fn sentence(&self) -> String {
        "accepts valid JSON and rejects invalid JSON".to_owned()
    }

    fn pins(&self, _: &Catalog) -> Vec<Pin> {
        vec![Pin::acted_out_both_ways(self.at.subject().object, Property::Type)]
    }

    fn check(&self, sandbox: &mut Sandbox) -> Result<(), Failure> {
        let catalog = Catalog::of(sandbox)?;
        let (relation, column) = self.at.find(&catalog)?;
        let draft = RowGenerator::of(sandbox)?.draft(sandbox, &self.at.table, &[])?;
        let (table, name) = (relation.sql(), identifier(&column.name));
        for document in VALID {
            let with = draft.with(&column.name, Value::text(*document));
            if let Attempt::Refused(refusal) = sandbox.attempt(&with.sql())? {
                if RowGenerator::completes(sandbox, &self.at.table, &column.name, Value::text(*document))? {
                    continue;
                }
                return Err(refuted(format!("{document} was rejected with {}", refusal.brief())));
            }
            let document = literal(document);
            let equal = format!(
                "WITH inserted AS ({} RETURNING {name}) SELECT {name}::jsonb = {document}::jsonb FROM inserted",
                with.sql()
            );
            let equal = sandbox.undone(|sandbox| sandbox.value(&equal))?;
            if equal.as_deref() != Some("t") {
                return Err(refuted(format!("{document} does not come back equal from {table}")));
            }
        }
        for text in INVALID {
            match sandbox.attempt(&draft.with(&column.name, Value::text(*text)).sql())? {
                // invalid_text_representation; untranslatable_character
                Attempt::Refused(refusal)
                    if refusal.has(&SqlState::INVALID_TEXT_REPRESENTATION)
                        || refusal.has(&SqlState::UNTRANSLATABLE_CHARACTER) => {}
                Attempt::Refused(refusal) => {
                    return Err(refuted(format!("{text:?} was rejected by another rule: {}", refusal.brief())));
                }
                Attempt::Accepted => return Err(refuted(format!("{text:?}, which is no JSON, was accepted"))),
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use crate::table::table;
    use crate::{testing::proven, testing::refuted, testing::scratch};

    #[test]
    fn documents_are_stored_and_other_texts_refused() {
        let mut db = scratch(
            "CREATE TABLE t (a jsonb, b json NOT NULL DEFAULT '{}', c text, d jsonb CHECK (jsonb_typeof(d) = 'object'))",
        );
        proven(&mut db, table("t").column("a").holds_documents());
        proven(&mut db, table("t").column("b").holds_documents());
        insta::assert_snapshot!(refuted(&mut db, table("t").column("c").holds_documents()), @r#"
        refuted: column t.c accepts valid JSON and rejects invalid JSON
          "", which is no JSON, was accepted
        "#);
        insta::assert_snapshot!(refuted(&mut db, table("t").column("d").holds_documents()), @"
        refuted: column t.d accepts valid JSON and rejects invalid JSON
          [] was rejected with 23514 check_violation by t_d_check
        ");
    }
}
