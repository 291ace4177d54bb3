//! What `verify` prints on success.

use crate::project::Project;

#[test]
fn the_json_document_contains_the_evidence() {
    let ended = Project::new().run(&["verify", "opportunity", "--format", "json"]);
    ended.demand(0, &[]);
    let report: serde_json::Value = serde_json::from_str(&ended.stdout).expect("nothing but JSON on standard output");
    assert_eq!(report["format"], 2);
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
fn the_text_has_a_line_per_section() {
    let ended = Project::new().run(&["verify"]);
    ended.demand(0, &["opportunity on PostgreSQL", "✓ 1 Table existence", "✓ 7 Query performance", "\nproven: "]);
    assert!(!ended.stdout.contains('\u{1b}'), "no colour unless on a terminal");
}

#[test]
fn the_list_runs_nothing() {
    let ended = Project::new().run(&["verify", "--list"]);
    ended.demand(0, &["opportunity\n", "  6 Cascade delete\n", "    a_hypothesis_takes_its_whole_tree_along\n"]);
    Project::new().run(&["verify", "--list", "--filter", "no_such_test"]).demand(3, &[]);
}

#[test]
fn a_kept_server_runs_until_it_is_stopped() {
    let ended = Project::new().run(&["verify", "--keep", "--filter", "table_existence"]);
    ended.demand(0, &["psql \"host=", "kill -INT "]);
    let pid: i32 = ended.stderr.trim().rsplit(' ').next().and_then(|pid| pid.parse().ok()).expect("a process id");
    let pid = nix::unistd::Pid::from_raw(pid);
    let directory =
        ended.stderr.split("psql \"host=").nth(1).and_then(|rest| rest.split(' ').next()).expect("a directory");
    assert!(nix::sys::signal::kill(pid, None).is_ok(), "the server is running");
    assert!(std::path::Path::new(directory).exists());
    nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGINT).expect("the server is stopped");
    crate::endings::gone(std::path::Path::new(directory));
}

#[test]
fn shards_are_merged_into_the_whole_run() {
    let project = Project::new();
    let whole: serde_json::Value =
        serde_json::from_str(&project.run(&["verify", "--format", "json"]).stdout).expect("JSON");
    let mut files = Vec::new();
    for shard in ["1/3", "2/3", "3/3"] {
        let ended = project.run(&["verify", "--shard", shard, "--format", "json"]);
        assert_eq!(ended.code, 0, "{}", ended.stderr);
        let file = project.path(&format!("{}.json", &shard[..1]));
        std::fs::write(&file, &ended.stdout).expect("a file");
        files.push(file.display().to_string());
    }
    let merged = |files: &[String], format: &str| {
        let files: Vec<&str> = files.iter().map(String::as_str).collect();
        project.run(&[&["report", "--format", format, "--merge"], &files[..]].concat())
    };
    let report: serde_json::Value = serde_json::from_str(&merged(&files, "json").stdout).expect("JSON");
    for part in ["counts", "verdict"] {
        assert_eq!(report[part], whole[part], "{part}");
    }
    merged(&files, "text").demand(0, &["proven: ", "(local)\n"]);
    merged(&files[..2], "text").demand(2, &["missing shards: 3 of 3"]);
    project.run(&["verify", "--shard", "4/3"]).demand(2, &["expected K/N with K from 1 to N, as in 2/3"]);
    let listed: usize = ["1/2", "2/2"]
        .iter()
        .map(|shard| project.run(&["verify", "--list", "--shard", shard]).stdout.lines().count())
        .sum();
    assert!(listed > 138, "{listed}");
}

#[test]
fn a_shard_does_not_know_what_another_refutes() {
    let project = Project::new();
    project.edit(
        "pgproof.toml",
        "title = \"5 JSONB validation\"\ntests = 1",
        "title = \"5 JSONB validation\"\ntests = 1000",
    );
    let mut files = Vec::new();
    for shard in ["1/2", "2/2"] {
        let ended = project.run(&["verify", "--shard", shard, "--format", "json"]);
        assert_eq!(ended.code, 0, "{}", ended.stderr);
        let file = project.path(&format!("{}.json", &shard[..1]));
        std::fs::write(&file, &ended.stdout).expect("a file");
        files.push(file.display().to_string());
    }
    let merged = project.run(&["report", "--merge", &files[0], &files[1]]);
    merged.demand(1, &["9 tests in module jsonb, but the runbook specifies 1000"]);
}
