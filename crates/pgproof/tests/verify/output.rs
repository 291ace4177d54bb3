//! What `verify` prints when all is well.

use crate::project::Project;

#[test]
fn the_json_document_holds_the_evidence() {
    let ended = Project::new().run(&["verify", "opportunity", "--format", "json"]);
    ended.demand(0, &[]);
    let report: serde_json::Value = serde_json::from_str(&ended.stdout).expect("nothing but JSON on standard output");
    assert_eq!(report["format"], 1);
    assert_eq!(report["verdict"], "proven");
    let count = |name: &str| report["counts"][name].as_u64().expect("a count");
    assert!(count("assertions") >= 150 && count("behavioural") >= 100, "{}", report["counts"]);
    assert_eq!(count("proven"), count("assertions"));
    let sections = report["schemas"][0]["sections"].as_array().expect("sections");
    for section in sections {
        let ran = section["counts"]["tests"].as_u64();
        assert!(ran >= section["promised"].as_u64(), "{}", section["title"]);
    }
    let evidence = &sections[0]["tests"][0]["assertions"][0];
    for field in ["subject", "sentence", "location", "outcome", "micros"] {
        assert!(!evidence[field].is_null(), "{field} in {evidence}");
    }
    assert_eq!(ended.stderr, "");
}

#[test]
fn the_text_has_a_line_a_section() {
    let ended = Project::new().run(&["verify"]);
    ended.demand(0, &["opportunity on PostgreSQL", "✓ 1 Table existence", "✓ 7 Query performance", "\nproven: "]);
    assert!(!ended.stdout.contains('\u{1b}'), "no colour where there is no terminal");
}

#[test]
fn the_list_runs_nothing() {
    let ended = Project::new().run(&["verify", "--list"]);
    ended.demand(0, &["opportunity\n", "  6 Cascade delete\n", "    a_hypothesis_takes_its_whole_tree_along\n"]);
    Project::new().run(&["verify", "--list", "--filter", "no_such_test"]).demand(3, &[]);
}

#[test]
fn a_kept_server_goes_on_until_it_is_stopped() {
    let ended = Project::new().run(&["verify", "--keep", "--filter", "table_existence"]);
    ended.demand(0, &["psql -h ", "kill -INT "]);
    let pid: i32 = ended.stderr.trim().rsplit(' ').next().and_then(|pid| pid.parse().ok()).expect("a process id");
    let pid = nix::unistd::Pid::from_raw(pid);
    let directory = ended.stderr.split("psql -h ").nth(1).and_then(|rest| rest.split(' ').next()).expect("a directory");
    assert!(nix::sys::signal::kill(pid, None).is_ok(), "the server goes on");
    assert!(std::path::Path::new(directory).exists());
    nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGINT).expect("the server is stopped");
    crate::endings::gone(std::path::Path::new(directory));
}
