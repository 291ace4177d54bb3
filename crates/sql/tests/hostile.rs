//! Files that were made to break their reader: each is an error with a place, within bounded time, stack and memory.

#![expect(clippy::expect_used, reason = "a test that cannot continue fails")]

use std::path::Path;

use pgproof_sql::{
    DEEPEST_INCLUDE, MOST_INCLUDED, Migration, Provenance, Source, SourceError, Variables, discover,
    files::LARGEST_FILE, lay_out, split, with_causes,
};
use proptest::prelude::*;

/// The message for a directory with these files, whose last is `1_a.sql`.
fn message(files: &[(&str, &[u8])]) -> String {
    let directory = tempfile::tempdir().expect("a directory");
    for (name, content) in files {
        let path = directory.path().join(name);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("a directory");
        std::fs::write(path, content).expect("a file");
    }
    problem(directory.path())
}

/// The message for a directory, whichever way it is read.
#[track_caller]
fn problem(directory: &Path) -> String {
    let both = [discover(directory, directory).map(|_| ()), lay_out(directory, None, &Variables::new()).map(|_| ())];
    let [one, other] = both.map(|found| with_causes(&found.expect_err("an error")));
    assert_eq!(one, other);
    assert!(one.len() < 2000, "{} bytes", one.len());
    one
}

fn statements(text: &str) -> Result<Migration, SourceError> {
    let source = Source { path: "1_a.sql".into(), shown: "1_a.sql".into(), text: text.to_owned() };
    Ok(Migration { number: 1, file: "1_a.sql".into(), statements: split(source, Path::new("/nowhere"))? })
}

#[test]
fn what_is_not_text() {
    let utf16: Vec<u8> = "SELECT 1;".encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert_eq!(
        message(&[("1_a.sql", b"SELECT 1;\n-- \0")]),
        "1_a.sql:2: a NUL byte, which PostgreSQL accepts nowhere in a statement; remove it, or save the file as UTF-8"
    );
    assert!(message(&[("1_a.sql", &utf16)]).starts_with("1_a.sql:1: a NUL byte"));
    assert_eq!(
        message(&[("1_a.sql", &[b"\xff\xfe", utf16.as_slice()].concat())]),
        "1_a.sql is UTF-16; save it as UTF-8"
    );
}

#[test]
fn what_is_not_a_file() {
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("1_a.sql");
    let _listener = std::os::unix::net::UnixListener::bind(&file).expect("a socket");
    assert_eq!(problem(directory.path()), "cannot read 1_a.sql: it is a socket, not a file");
    std::fs::remove_file(&file).expect("the socket");
    std::fs::File::create(&file).expect("a file").set_len(LARGEST_FILE + 1).expect("a large file");
    assert_eq!(problem(directory.path()), "cannot read 1_a.sql: it is larger than 256 MiB");
    for (target, expected) in [
        ("/dev/zero", "1_a.sql (/dev/zero) is outside of the directory of the migrations; copy the file there"),
        ("nowhere", "cannot read 1_a.sql: No such file or directory (os error 2)"),
        ("1_a.sql", "cannot read 1_a.sql: Too many levels of symbolic links (os error 40)"),
    ] {
        std::fs::remove_file(&file).expect("the file");
        std::os::unix::fs::symlink(target, &file).expect("a link");
        assert_eq!(problem(directory.path()), expected);
    }
}

#[test]
fn files_that_include_files() {
    let include = |path: &str| message(&[("1_a.sql", format!("SELECT 1;\n\\i {path}\n").as_bytes()), ("d/x", b"")]);
    assert_eq!(include("d/../1_a.sql"), "1_a.sql:2:1: psql's \\i is not understood: d/../1_a.sql includes itself");
    assert!(
        include("/etc/passwd")
            .ends_with("/etc/passwd is outside of the directory of the migrations; copy the file there")
    );
    assert!(
        include("../../etc/passwd").contains("outside of the directory")
            || include("../../etc/passwd").contains("cannot read")
    );
    assert!(include(&"x".repeat(1 << 20)).contains("cannot read"));
    let chain: Vec<(String, String)> = (0..=DEEPEST_INCLUDE)
        .map(|n| (if n == 0 { "1_a.sql".to_owned() } else { n.to_string() }, format!("\\i {}\n", n + 1)))
        .collect();
    let chain: Vec<_> = chain.iter().map(|(name, text)| (name.as_str(), text.as_bytes())).collect();
    assert!(message(&chain).ends_with("files include one another more than 32 deep"));
    // Each includes the next one twice.
    let fan: Vec<(String, String)> = (0..30)
        .map(|n| (if n == 0 { "1_a.sql".to_owned() } else { n.to_string() }, format!("\\i {0}\n\\i {0}\n", n + 1)))
        .collect();
    let fan: Vec<_> = fan.iter().map(|(name, text)| (name.as_str(), text.as_bytes())).collect();
    let last: (&str, &[u8]) = ("30", b"SELECT 1;");
    assert!(
        message(&[fan.as_slice(), &[last]].concat())
            .ends_with(&format!("more than {MOST_INCLUDED} files are included"))
    );
}

#[test]
fn variables_that_grow() {
    let doubled = format!("\\set x 'aaaaaaaa'\n{}SELECT :x;\n", "\\set x :x:x\n".repeat(60));
    assert!(message(&[("1_a.sql", doubled.as_bytes())]).ends_with("its arguments are longer than 1024 KiB"));
    let used = format!("\\set x '{}'\nSELECT {};\n", "a".repeat((1 << 20) - 1), ":'x' || ".repeat(300));
    assert_eq!(message(&[("1_a.sql", used.as_bytes())]), "1_a.sql: its psql variables are longer than 256 MiB in all");
}

#[test]
fn statements_that_the_splitter_does_not_follow() {
    for off in [
        "SET standard_conforming_strings = off",
        "set session standard_conforming_strings to 'false'",
        "ALTER ROLE me SET standard_conforming_strings = 0",
        "SELECT set_config('standard_conforming_strings', 'no', false)",
    ] {
        let error = statements(&format!("SELECT 1;\n{off};\nSELECT 'it\\';")).expect_err("off").to_string();
        assert!(error.starts_with("1_a.sql:2:1: standard_conforming_strings = off is not supported"), "{error}");
    }
    for on in [
        "SET standard_conforming_strings = on",
        "RESET standard_conforming_strings",
        "SHOW standard_conforming_strings",
    ] {
        statements(on).expect("supported");
    }
    let error = statements("COPY (SELECT 1) TO stdout;").expect_err("rows").to_string();
    assert!(error.starts_with("1_a.sql:1:1: COPY … TO stdout sends rows to the client"), "{error}");
}

#[test]
fn a_large_file_takes_linear_time() {
    // Quadratic time would be minutes.
    let many = "SELECT 1;\n\\echo x\n".repeat(100_000);
    let found = statements(&many).expect("statements").statements;
    assert_eq!(found.last().expect("one").origin.to_string(), "1_a.sql:199999:1");
    let rows = format!("INSERT INTO t VALUES {}(1, 'x');", "(1, 'x'), ".repeat(50_000));
    assert!(Provenance::of(&[statements(&rows).expect("a statement")]).objects().next().is_none());
    let terms = format!("SELECT 1{};", " + 1".repeat(100_000));
    assert!(Provenance::of(&[statements(&terms).expect("a statement")]).objects().next().is_none());
    let nested = format!("CREATE TABLE t AS SELECT {}1{};", "(".repeat(20_000), ")".repeat(20_000));
    Provenance::of(&[statements(&nested).expect("a statement")]);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn pieces_of_sql_are_split_or_rejected(pieces in proptest::collection::vec(prop_oneof![
        Just("'"), Just("\""), Just("$$"), Just("$a$"), Just("/*"), Just("*/"), Just("--"), Just("\n"), Just(";"),
        Just("("), Just(")"), Just("["), Just("BEGIN ATOMIC "), Just("END "), Just("CASE "), Just("\\g\n"), Just("\\set x "),
        Just(":x"), Just(":'x'"), Just("E'"), Just("U&'"), Just("\\"), Just("COPY t FROM stdin;\n"), Just("\\.\n"),
        Just("é"), Just("𝄞"), Just("\r"), Just("CREATE TABLE t (a int)"), Just("\\i x\n"), Just("0x"), Just("1e"), Just("::"),
    ], 0..60)) {
        let text: String = pieces.concat();
        if let Ok(migration) = statements(&text) {
            for statement in &migration.statements {
                for (offset, _) in statement.text.char_indices() {
                    statement.origin_at(offset);
                }
                statement.origin_at_position(u32::MAX);
            }
            Provenance::of(&[migration]);
        }
    }

    #[test]
    fn a_meta_command_is_obeyed_or_rejected(lines in proptest::collection::vec("\\\\(set|unset|i|ir|g|encoding|echo|\\PC{0,3})[ '\":`\\\\a-zé]{0,30}", 1..6)) {
        let _ = statements(&lines.join("\n"));
    }
}
