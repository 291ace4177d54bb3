//! A fault in a later migration: the place is that of the statement that made it, whatever kind of statement it is, and
//! not that of the statement that created the object.

use rstest::rstest;

use crate::project::Project;

const FILE: &str = "sql/002_change.sql";

#[rstest]
#[case::not_null_dropped("ALTER TABLE archive.orders ALTER COLUMN archived_at DROP NOT NULL;", 2)]
#[case::one_action_of_several(
    "ALTER TABLE orders\n    ALTER COLUMN id SET DEFAULT 1,\n    ALTER COLUMN total DROP NOT NULL,\n    SET (fillfactor = 80);",
    4
)]
#[case::constraint_dropped("ALTER TABLE orders DROP CONSTRAINT positive;", 2)]
#[case::constraint_replaced(
    "ALTER TABLE orders DROP CONSTRAINT positive;\nALTER TABLE orders ADD CONSTRAINT positive CHECK (total > -9);",
    3
)]
#[case::constraint_added("ALTER TABLE orders ADD CONSTRAINT few CHECK (total < 10);", 2)]
#[case::unnamed_constraint_dropped("ALTER TABLE \"Order.Items\" DROP CONSTRAINT \"Order.Items_select_check\";", 2)]
#[case::key_dropped("ALTER TABLE \"Order.Items\" DROP CONSTRAINT \"Order.Items_Order_fkey\";", 2)]
#[case::key_replaced(
    "ALTER TABLE \"Order.Items\" DROP CONSTRAINT \"Order.Items_Order_fkey\",\n    ADD CONSTRAINT \"Order.Items_Order_fkey\" FOREIGN KEY (\"Order\") REFERENCES orders;",
    3
)]
#[case::column_renamed("ALTER TABLE orders RENAME COLUMN total TO sum;", 2)]
#[case::table_dropped("DROP TABLE \"Order.Items\";", 2)]
#[case::table_renamed("ALTER TABLE archive.orders RENAME TO old_orders;", 2)]
#[case::column_dropped_by_a_block(
    "DO $$\nBEGIN\n    EXECUTE 'ALTER TABLE archive.orders DROP COLUMN archived_at';\nEND $$;",
    2
)]
#[case::default_set_by_a_function(
    "CREATE FUNCTION loosen() RETURNS void LANGUAGE sql AS 'ALTER TABLE orders ALTER total DROP NOT NULL';\nSELECT loosen();",
    3
)]
#[case::function_replaced(
    "CREATE OR REPLACE FUNCTION doubled(n integer) RETURNS integer LANGUAGE sql STABLE AS 'SELECT n * 2';",
    2
)]
#[case::function_altered("ALTER FUNCTION doubled(text) VOLATILE;", 2)]
fn a_later_fault_points_at_its_statement(#[case] sql: &str, #[case] line: usize) {
    let project = Project::shop();
    std::fs::write(project.path(FILE), format!("-- A change.\n{sql}\n")).expect("a file");
    let ended = project.run(&["verify", "--filter", "names"]);
    ended.demand(1, &[&format!("defined at {FILE}:{line}:")]);
}

#[test]
fn a_table_that_was_renamed_points_at_what_made_the_fault_before() {
    let project = Project::shop();
    let sql = "ALTER TABLE orders ALTER total DROP NOT NULL;\nALTER TABLE orders RENAME TO o;\nALTER TABLE o RENAME TO orders;\n";
    std::fs::write(project.path(FILE), sql).expect("a file");
    project.run(&["verify", "--filter", "names"]).demand(1, &[&format!("defined at {FILE}:1:")]);
}
