//! Unusual names, end to end: two schemas with a table of the same name, a dot in a quoted name, a key word as a
//! column, overloaded functions, a constraint name on two tables. Each is proven, and refuted with its own line.

use rstest::rstest;

use crate::project::Project;

const FILE: &str = "sql/001_orders.sql";

#[test]
fn unusual_names_are_proven() {
    Project::shop().run(&["verify", "--filter", "names"]).demand(0, &["proven: 12 of 12 assertions hold"]);
}

#[rstest]
#[case::column_of_the_other_schema(
    "    archived_at date NOT NULL,",
    "    archived_at date,",
    "column archive.orders.archived_at",
    12
)]
#[case::column_of_this_schema(
    "(\n    id    integer PRIMARY KEY,\n    total integer NOT NULL,",
    "(\n    id    integer PRIMARY KEY,\n    total integer,",
    "column orders.total",
    3
)]
#[case::key_word_in_a_dotted_table(
    "IN ('new', 'sent')",
    "IN ('new', 'sent', 'lost')",
    "column \"Order.Items\".select",
    18
)]
#[case::reference_of_a_dotted_table(" ON DELETE CASCADE", "", "foreign key \"Order.Items\" (Order)", 17)]
#[case::one_overload(
    "RETURNS integer\n    LANGUAGE sql IMMUTABLE",
    "RETURNS integer\n    LANGUAGE sql STABLE",
    "function doubled is IMMUTABLE (n integer)",
    21
)]
#[case::the_other_overload(
    "RETURNS text\n    LANGUAGE sql IMMUTABLE",
    "RETURNS text\n    LANGUAGE sql STABLE",
    "function doubled is IMMUTABLE (t text)",
    24
)]
#[case::constraint_of_the_other_table(
    "archived_at date NOT NULL,\n    CONSTRAINT positive CHECK (total >= 0)",
    "archived_at date NOT NULL,\n    CONSTRAINT positive CHECK (total >= -5)",
    "column archive.orders.total",
    13
)]
fn an_unusual_name_is_refuted_with_its_line(
    #[case] from: &str,
    #[case] to: &str,
    #[case] subject: &str,
    #[case] line: usize,
) {
    let project = Project::shop();
    project.edit(FILE, from, to);
    let ended = project.run(&["verify", "--filter", "names"]);
    ended.demand(1, &[subject, &format!("defined at {FILE}:{line}:")]);
}

#[test]
fn a_refuted_assertion_hides_no_other_of_its_test() {
    let project = Project::shop();
    for kind in ["integer", "text"] {
        let from = format!("RETURNS {kind}\n    LANGUAGE sql IMMUTABLE");
        project.edit(FILE, &from, &from.replace("IMMUTABLE", "STABLE"));
    }
    let texts = ["function doubled is IMMUTABLE (n integer)", "function doubled is IMMUTABLE (t text)"];
    let ended = project.run(&["verify", "--filter", "names"]);
    ended.demand(1, &texts);
    ended.demand(1, &["refuted: 10 of 12 assertions hold"]);
}

#[test]
fn what_many_assertions_fail_for_is_said_once_and_first() {
    let project = Project::new();
    project.append(
        "sql/opportunity/004_runtime_logging.sql",
        "\nALTER TABLE opportunities ADD CHECK (false) NOT VALID;\n",
    );
    let ended = project.run(&["verify"]);
    let text = &ended.stdout;
    let cause = text.find("assertions of opportunity in").unwrap_or_else(|| panic!("no cause in {text}"));
    let first = text.find("refuted  ").unwrap_or(text.len());
    assert!(cause < first, "{text}");
    assert!(text.matches("CHECK (false)").count() < 8, "{text}");
}

#[test]
fn a_test_that_asserts_nothing_is_named_and_fails_the_run() {
    Project::shop()
        .run(&["verify", "--filter", "empty"])
        .demand(1, &["no assertions  shop::empty::nothing_is_asserted", "the test passed and checked no assertion"]);
}

#[test]
fn edited_rows_of_a_table_that_does_not_exist_are_an_error() {
    let project = Project::new();
    project.edit("pgproof.toml", "edited_rows.opportunity_thresholds", "edited_rows.opportunity_treshold");
    let named = "rerun.edited_rows in pgproof.toml names table opportunity_treshold, which does not exist; \
                 did you mean opportunity_thresholds?";
    project.run(&["verify", "--filter", "rerun::"]).demand(2, &[named]);
}

#[test]
fn an_accepted_difference_that_matches_nothing_is_reported() {
    let project = Project::new();
    project.append(
        "pgproof.toml",
        "\n[[schemas.opportunity.rerun.accepted]]\nobject = \"table gone\"\nreason = \"history\"\n",
    );
    let unmatched = "rerun.accepted: table gone matched nothing in this run; remove it from pgproof.toml";
    let ended = project.run(&["verify"]);
    ended.demand(0, &[unmatched]);
    assert_eq!(ended.stdout.matches("matched nothing").count(), 1, "{}", ended.stdout);
}
