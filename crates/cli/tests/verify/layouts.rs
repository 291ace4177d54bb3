//! `audit` on the layouts of five tools, with many files: every planted defect is named with its file, and nothing else.

use std::fmt::Write;

use rstest::rstest;
use serde_json::Value;

use crate::audit::{audit, directory};

/// How many files each layout has; set it higher for a measurement.
fn files() -> usize {
    std::env::var("PGPROOF_TEST_FILES").ok().and_then(|text| text.parse().ok()).unwrap_or(30)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Tool {
    Goose,
    Pairs,
    Flyway,
    Dbmate,
    Diesel,
}

/// One migration: what it does, and what undoes it.
struct Step {
    up: String,
    down: String,
}

/// What is wrong with a file, by its number.
const FAILS: usize = 7;
const KEEPS_AN_INDEX: usize = 11;
const KEEPS_ROWS: usize = 13;
const DOWN_FAILS: usize = 17;
const OTHER_DEFAULT: usize = 19;

fn step(number: usize) -> Step {
    let table = format!("t{number}");
    let mut up = format!(
        "CREATE TABLE {table} (id int PRIMARY KEY, name text NOT NULL DEFAULT 'x', other int REFERENCES t0 (id));\n\
         CREATE INDEX {table}_name ON {table} (name);\nINSERT INTO t0 VALUES ({number});\n"
    );
    let mut down = format!("DELETE FROM t0 WHERE id = {number};\nDROP TABLE {table};\n");
    match number {
        0 => (up, down) = ("CREATE TABLE t0 (id int PRIMARY KEY);\n".to_owned(), "DROP TABLE t0;\n".to_owned()),
        FAILS => up.push_str("CREATE INDEX missing ON nowhere (id);\n"),
        KEEPS_AN_INDEX => {
            up.push_str("CREATE INDEX t1_other ON t1 (other);\n");
        }
        KEEPS_ROWS => down = format!("DROP TABLE {table};\n"),
        DOWN_FAILS => down.insert_str(0, "DROP VIEW nowhere;\n"),
        OTHER_DEFAULT => {
            up.push_str("ALTER TABLE t2 ALTER name SET DEFAULT 'y';\n");
            down.push_str("ALTER TABLE t2 ALTER name DROP DEFAULT;\n");
        }
        _ => {}
    }
    Step { up, down }
}

/// The files of a layout.
fn lay(tool: Tool, count: usize) -> Vec<(String, String)> {
    let mut files = Vec::new();
    for number in 0..count {
        let Step { up, down } = step(number);
        let version = number + 1;
        match tool {
            Tool::Goose => {
                files.push((format!("{version:05}_a.sql"), format!("-- +goose Up\n{up}-- +goose Down\n{down}")));
            }
            Tool::Dbmate => {
                files.push((format!("{version:05}_a.sql"), format!("-- migrate:up\n{up}-- migrate:down\n{down}")));
            }
            Tool::Pairs => {
                files.push((format!("{version:05}_a.up.sql"), up));
                files.push((format!("{version:05}_a.down.sql"), down));
            }
            Tool::Flyway => {
                files.push((format!("V{version}__a.sql"), up));
                files.push((format!("U{version}__a.sql"), down));
            }
            Tool::Diesel => {
                files.push((format!("{version:05}_a/up.sql"), up));
                files.push((format!("{version:05}_a/down.sql"), down));
            }
        }
    }
    files
}

/// The number of the migration that a file belongs to.
fn number_of(file: &str) -> usize {
    let digits: String = file.chars().skip_while(|c| !c.is_ascii_digit()).take_while(char::is_ascii_digit).collect();
    digits.parse::<usize>().expect("a number") - 1
}

#[rstest]
fn every_planted_defect_is_named_and_nothing_else(
    #[values(Tool::Goose, Tool::Pairs, Tool::Flyway, Tool::Dbmate, Tool::Diesel)] tool: Tool,
) {
    let count = files();
    let texts = lay(tool, count);
    let texts: Vec<(&str, &str)> = texts.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    let ended = audit(&directory(&texts), &[".", "--format", "json"]);
    assert_eq!(ended.code, 1, "{ended:?}");
    let document: Value = serde_json::from_str(&ended.stdout).expect("a document");
    let mut found = String::new();
    for finding in document["findings"].as_array().expect("findings") {
        let at = finding["at"]["file"].as_str().expect("a place");
        let message = finding["message"].as_str().unwrap_or_default();
        let last = message.lines().rfind(|line| !line.trim_start().starts_with("by ")).unwrap_or_default();
        writeln!(found, "{} {} {last}", finding["rule"].as_str().unwrap_or_default(), number_of(at)).expect("text");
    }
    let places: Vec<(&str, usize)> = found
        .lines()
        .map(|line| {
            let mut words = line.split(' ');
            (words.next().unwrap_or_default(), words.next().and_then(|word| word.parse().ok()).unwrap_or_default())
        })
        .collect();
    let expected = [
        ("applies", FAILS),
        ("rollback", KEEPS_AN_INDEX),
        ("rollback", KEEPS_ROWS),
        ("rollback", DOWN_FAILS),
        ("rollback", OTHER_DEFAULT),
    ];
    assert_eq!(places, expected, "{found}");
    for text in ["index t1_other was added", "table t0", "nowhere", "column t2.name"] {
        assert!(found.contains(text), "no {text:?} in {found}");
    }
    let checks = document["checks"].as_array().expect("checks");
    let rolled_back = checks.iter().find(|check| check["rule"] == "rollback").expect("a check");
    assert_eq!((&rolled_back["tried"], &rolled_back["violations"]), (&Value::from(count), &Value::from(4)));
}
