//! `checklist`: what a program can tick is ticked, the rest is left to a person.

use crate::database::InUse;

#[test]
fn the_runbooks_checklist_is_gone_through() {
    let live = InUse::migrated();
    let ended = live.pgproof(&["checklist", "--database", "live"]);
    ended.demand(
        0,
        &[
            "[x] All 10 tables exist                 the database says 10",
            "[x] CASCADE DELETE tested",
            "the database does not differ from them",
            "[ ] Backup strategy documented          for a person to tick",
        ],
    );
    assert_eq!(ended.stdout.matches("[x]").count(), 8, "{}", ended.stdout);
}

#[test]
fn what_does_not_hold_is_marked() {
    let live = InUse::migrated();
    live.run("DELETE FROM opportunity_thresholds WHERE NOT mandatory; DROP TABLE etl_logs");
    live.pgproof(&["checklist", "--database", "live"]).demand(
        1,
        &[
            "[!] All 10 tables exist                 the database says 9, expected 10",
            "[!] 7 threshold records seeded          the database says 6, expected 7",
            "[!] JSONB columns functional            proven of the migrations, but the database differs",
            "table etl_logs: is missing",
        ],
    );
}

#[test]
fn an_item_for_an_unknown_section_is_an_error() {
    let live = InUse::migrated();
    live.project.append("pgproof.toml", "[[schemas.opportunity.checklist]]\nitem = \"x\"\nsections = [\"nowhere\"]\n");
    live.pgproof(&["checklist", "--database", "live"]).demand(2, &["names section \"nowhere\""]);
}
