//! Properties of splitting: any statements joined by any separators are split apart again, each with its location.

use std::path::Path;

use pgproof_sql::{Source, split};
use proptest::prelude::*;

/// Statements that confuse a naive splitter; each is written as the splitter returns it.
const STATEMENTS: &[&str] = &[
    "SELECT 1",
    "SELECT 'a;b'",
    "SELECT 'it''s;'",
    "SELECT E'\\';'",
    "SELECT \"a;\"\"b\"",
    "SELECT $$;$$",
    "SELECT $a$ $$ ; $b$ $a$",
    "SELECT /* ; /* ; */ ; */ 2",
    "SELECT 1 -- ;\n + 2",
    "CREATE RULE r AS ON INSERT TO t DO (SELECT 1; SELECT 2)",
    "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT CASE WHEN true THEN 1 END; SELECT 2; END",
    "BEGIN",
    "COMMIT",
    "SELECT a[1:2], b::int, :unset",
    "SELECT U&'\\0061;' UESCAPE '!'",
    "SELECT 1e3, 0x1F, B'01', X'1F'",
];

const BETWEEN: &[&str] =
    &[";", " ; ", ";\n", ";\n\n-- a ; comment\n", ";/* ; */", ";;", ";\n\\echo 'unbalanced\n", "\n\\g\n", ";\r\n\t"];

fn statements(text: &str) -> Result<Vec<(String, usize)>, TestCaseError> {
    let source = Source { path: "x.sql".into(), shown: "x.sql".into(), text: text.to_owned() };
    let found = split(source, Path::new(".")).map_err(|error| TestCaseError::fail(error.to_string()))?;
    Ok(found.into_iter().map(|s| (s.text, s.origin.line as usize)).collect())
}

proptest! {
    #[test]
    fn statements_written_one_after_the_other_come_apart_again(
        parts in prop::collection::vec((0..STATEMENTS.len(), 0..BETWEEN.len()), 1..12)
    ) {
        let mut text = String::new();
        let mut expected = Vec::new();
        for (statement, between) in parts {
            expected.push((STATEMENTS[statement].to_owned(), text.matches('\n').count() + 1));
            text.push_str(STATEMENTS[statement]);
            text.push_str(BETWEEN[between]);
            // White space precedes the next statement, so that its line is known.
            text.push('\n');
        }
        prop_assert_eq!(statements(&text)?, expected);
    }

    #[test]
    fn any_text_is_split_or_refused_without_a_panic(text in "[a-z'\"$;:\\\\(){}\\n /*-]{0,60}") {
        let source = Source { path: "x.sql".into(), shown: "x.sql".into(), text };
        let _ = split(source, Path::new("/nowhere"));
    }
}
