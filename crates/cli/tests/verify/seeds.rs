//! The rows of the schema snapshot: a row that is added, removed or changed is refuted, with the statement that did it.

use rstest::rstest;

use crate::project::{Ended, Project};

const SNAPSHOT: &str = "snapshots/opportunity/schema.snap";
const LATER: &str = "sql/opportunity/005_later.sql";
const ROW: &str = "has the row (metric 'provider_density', environment 'production')";

fn schema(project: &Project) -> Ended {
    project.run(&["verify", "--filter", "schema::"])
}

#[rstest]
#[case::changed(
    "UPDATE opportunity_thresholds SET threshold_value = 13 WHERE metric = 'provider_density';",
    ROW,
    "threshold_value is 13.0000, accepted is 12.0000"
)]
#[case::deleted(
    "DELETE FROM opportunity_thresholds WHERE metric = 'provider_density';",
    ROW,
    "it does not exist, accepted is (…, 'provider_density', 12.0000, true, 'production', …)"
)]
#[case::truncated("TRUNCATE opportunity_thresholds;", "has the row (", "it does not exist")]
#[case::by_a_block(
    "DO $$\nBEGIN\n    UPDATE opportunity_thresholds SET mandatory = NOT mandatory WHERE metric = 'provider_density';\nEND $$;",
    ROW,
    "mandatory is false, accepted is true"
)]
#[case::inserted(
    "INSERT INTO opportunity_thresholds (metric, threshold_value, mandatory, environment) VALUES\n('x', 1, true, 'test');",
    "has the row (metric 'x', environment 'test')",
    "it is not in the snapshot: (…, 'x', 1.0000, true, 'test', …)"
)]
#[case::first_row_of_a_table(
    "INSERT INTO etl_logs (stage, message) VALUES ('s', 'm');",
    "has the row (log_id …, run_id NULL, stage 's', severity 'info', message 'm', metadata NULL, created_at …)",
    "it is not in the snapshot"
)]
fn a_row_that_is_not_as_accepted(#[case] sql: &str, #[case] sentence: &str, #[case] found: &str) {
    let project = Project::new();
    project.write(LATER, &format!("-- A change.\n{sql}\n"));
    let ended = schema(&project);
    let line = if sql.starts_with("INSERT INTO opp") { 3 } else { 2 };
    ended.demand(1, &[sentence, found, &format!("defined at {LATER}:{line}:")]);
}

/// Keys, moments and what depends on the clock, the role or the time zone, in every way in which they get into a row.
const VARYING: &str = "
CREATE SEQUENCE numbers;
CREATE TABLE seeds (
    id serial PRIMARY KEY, random uuid DEFAULT gen_random_uuid(), at timestamptz NOT NULL DEFAULT now(), day date,
    year int DEFAULT extract(year FROM now()), who text DEFAULT current_user, fixed timestamptz, zoned timestamptz,
    note text, number bigint DEFAULT nextval('numbers'), mixed text);
INSERT INTO seeds (day, fixed, zoned, note, mixed) VALUES
    (current_date, '2024-05-01', '2024-05-01 00:00+02', E'it''s\\n\"so\"', md5(random()::text)),
    ('2024-05-02', '2024-05-02', '2024-05-02 00:00+02', to_char(now(), 'YYYY-MM-DD'), 'fixed');
CREATE TABLE many AS SELECT n, 'name ' || n AS name, clock_timestamp() AS at FROM generate_series(1, 300) AS n;
CREATE TABLE unkeyed AS SELECT 'a' AS a FROM generate_series(1, 2);
";

#[test]
fn what_varies_is_not_compared() {
    let project = Project::new();
    project.write(LATER, VARYING);
    schema(&project).demand(1, &["it is not in the snapshot"]);
    project.run(&["review", "--accept-all"]).demand(0, &["accepted schema"]);
    let snapshot = std::fs::read_to_string(project.path(SNAPSHOT)).expect("a snapshot");
    for text in [
        "  rows: id, random, at, day, year, who, fixed, zoned, note, number, mixed\n",
        "    | (1, …, …, …, …, …, '2024-05-01 00:00:00', '2024-04-30 22:00:00+00', E'it''s\\n\"so\"', 1, …)\n",
        "    | (2, …, …, '2024-05-02', …, …, '2024-05-02 00:00:00', '2024-05-01 22:00:00+00', …, 2, 'fixed')\n",
        "  rows: 300 rows, digest ",
        " of n, name\n",
        "  rows: a\n    | ('a')\n    | ('a')\n",
    ] {
        assert!(snapshot.contains(text), "no {text:?} in {snapshot}");
    }
    schema(&project).demand(0, &["proven: "]);
    project.write(
        "sql/opportunity/006_last.sql",
        "UPDATE many SET name = 'x' WHERE n = 7;\nINSERT INTO unkeyed VALUES ('a');\nUPDATE seeds SET at = at, mixed = 'y' WHERE id = 2;\n",
    );
    let ended = schema(&project);
    for (found, line) in [
        ("there are 300 rows, digest ", 1),
        ("it is there 3 times, accepted is 2", 2),
        ("mixed is 'y', accepted is 'fixed'", 3),
    ] {
        let at = ended.stdout.find(found).unwrap_or_else(|| panic!("no {found:?} in {}", ended.stdout));
        let block: String = ended.stdout[at..].lines().take(2).collect::<Vec<_>>().join("\n");
        assert!(block.contains(&format!("defined at sql/opportunity/006_last.sql:{line}:")), "{block}");
    }
}

#[test]
fn rows_that_no_snapshot_holds_are_named() {
    let project = Project::new();
    let text = std::fs::read_to_string(project.path(SNAPSHOT)).expect("a snapshot");
    std::fs::write(project.path(SNAPSHOT), text.replace("    | (…, 'provider_density'", "    | (… 'provider_density'"))
        .expect("a file");
    schema(&project).demand(2, &["the rows of table opportunity_thresholds are no rows of a schema snapshot"]);
}
