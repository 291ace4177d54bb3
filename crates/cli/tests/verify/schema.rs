//! The schema snapshot: a difference is refuted for its object, with its place; only the review accepts it.

use crate::project::{Ended, Project};

const SNAPSHOT: &str = "snapshots/opportunity/schema.snap";

fn schema(project: &Project) -> Ended {
    project.run(&["verify", "--filter", "schema::"])
}

#[test]
fn a_difference_is_refuted_and_reviewed() {
    let project = Project::new();
    schema(&project).demand(0, &["proven: "]);
    let file = "sql/opportunity/005_later.sql";
    project.write(
        file,
        "ALTER TABLE lead_tasks\n    ALTER COLUMN status DROP DEFAULT;\n\
         GRANT SELECT ON etl_logs TO PUBLIC;\nCREATE VIEW extra AS SELECT 1 AS one;\n\
         COMMENT ON TABLE opportunities IS NULL;\nALTER TABLE lead_tasks DROP COLUMN assigned_to;\n",
    );
    let ended = schema(&project);
    for (subject, found, line) in [
        ("column lead_tasks.status", "default is unset, accepted is 'pending'::text", 2),
        ("table etl_logs", "privileges is", 3),
        ("view extra", "it is not in the snapshot", 4),
        ("table opportunities", "comment is unset, accepted is The outcome of", 5),
    ] {
        let at = ended.stdout.find(&format!("  {subject} is as accepted in {SNAPSHOT}\n"));
        let at = at.unwrap_or_else(|| panic!("no {subject} in {}", ended.stdout));
        let block: String = ended.stdout[at..].lines().take(5).collect::<Vec<_>>().join("\n");
        assert!(block.contains(found) && block.contains(&format!("defined at {file}:{line}:")), "{block}");
    }
    // What two objects show of one fault is said once.
    let at =
        ended.stdout.find(&format!("2 assertions of opportunity in 1 test, at one place\n    defined at {file}:6:"));
    let block = at.map(|at| ended.stdout[at..].lines().take(9).collect::<Vec<_>>().join("\n")).unwrap_or_default();
    assert!(block.contains("  table lead_tasks is as accepted"), "{}", ended.stdout);
    assert!(block.contains("  column lead_tasks.assigned_to is as accepted"), "{}", ended.stdout);
    project.run(&["review"]).demand(
        1,
        &[
            "opportunity: schema",
            "the schema has changed",
            "-   default: 'pending'::text",
            "+ view extra",
            "1 of 1 changes still pending",
        ],
    );
    project.run(&["review", "--accept-all"]).demand(0, &["accepted schema"]);
    schema(&project).demand(0, &["proven: "]);
}

#[test]
fn a_schema_that_was_never_accepted_is_one_error() {
    let project = Project::new();
    std::fs::remove_file(project.path(SNAPSHOT)).unwrap();
    let ended = schema(&project);
    ended.demand(
        2,
        &["there is no snapshots/opportunity/schema.snap; to accept the schema as it is: cargo xtask review"],
    );
    project.run(&["review", "--accept-all"]).demand(0, &["accepted schema"]);
    schema(&project).demand(0, &["proven: "]);
}

#[test]
fn a_line_that_is_no_snapshot_is_named() {
    let project = Project::new();
    project.append(SNAPSHOT, "nonsense\n");
    schema(&project).demand(2, &["after the header is no line of a schema snapshot"]);
}

#[test]
fn ci_leaves_no_pending_schema() {
    let project = Project::new();
    project.write("sql/opportunity/005_later.sql", "CREATE VIEW extra AS SELECT 1 AS one;\n");
    let output = project.pgproof(&["verify", "--filter", "schema::"]).env("CI", "true").output().unwrap();
    Ended::of(&output).demand(1, &["it is not in the snapshot"]);
    assert!(!project.path(&format!("{SNAPSHOT}.new")).exists());
}
