//! What README and `docs/` show is true: commands and options that the program accepts, configuration that it reads,
//! and output that it prints.

use std::path::Path;

use clap::error::ErrorKind;
use pgproof::configuration;
use pgproof_cli::clap;

use crate::markdown::{Page, page, pages};
use crate::project::{Ended, Project, workspace};

/// The words of the command that begins a line of a shell, up to a comment, a pipe or a redirection.
fn words(line: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut quote = None;
    for c in line.chars() {
        match (quote, c) {
            (Some(open), _) if c == open => quote = None,
            (None, '\'' | '"') => quote = Some(c),
            (None, '|' | '>' | '&' | '#' | ';') => break,
            (None, ' ') => words.push(String::new()),
            _ => words.last_mut().expect("a word").push(c),
        }
    }
    // What a variable holds is a number, here.
    let value = |word: String| if word.starts_with('$') { "1".to_owned() } else { word };
    words.into_iter().filter(|word| !word.is_empty()).map(value).collect()
}

/// Every command of a page, with its place.
fn commands(page: &Page) -> Vec<(String, String)> {
    let lines = page.blocks().into_iter().flat_map(|block| {
        let lines: Vec<_> = block.text.lines().map(|line| (block.place.clone(), line.to_owned())).collect();
        lines
    });
    let mut found = Vec::new();
    for (place, text) in lines.chain(page.spans()) {
        let command = match text.split_once("cargo xtask ") {
            Some((_, command)) => Some(command),
            None => text.trim_start_matches("$ ").strip_prefix("pgproof "),
        };
        found.extend(command.map(|command| (place, command.to_owned())));
    }
    found
}

#[track_caller]
fn demand_accepted(place: &str, command: &str) {
    let words = words(command);
    let parsed = pgproof_cli::command().try_get_matches_from(std::iter::once("pgproof".to_owned()).chain(words));
    match parsed {
        Err(error) if !matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) => {
            panic!("{place}: `pgproof {command}` is rejected: {error}")
        }
        _ => {}
    }
}

#[test]
fn every_command_is_accepted() {
    let workflows = [".github/workflows/ci.yml", ".github/workflows/nightly.yml"].map(page);
    let workflows = workflows.iter().flat_map(|page| {
        let lines = page.text.lines().filter_map(|line| line.split_once("cargo xtask "));
        lines.map(|(_, command)| (page.name.clone(), command.to_owned())).collect::<Vec<_>>()
    });
    let mut commands: Vec<_> = pages().iter().flat_map(commands).chain(workflows).collect();
    // The words of usage, and the crate.
    commands.retain(|(_, command)| !command.starts_with("COMMAND") && !command.starts_with("= "));
    assert!(commands.len() >= 20, "{commands:?}");
    for (place, command) in commands {
        demand_accepted(&place, &command);
    }
}

#[test]
fn the_table_of_commands_lists_all_of_them() {
    let readme = page("README.md");
    let table = readme.text.split("\n## Commands\n").nth(1).and_then(|rest| rest.split("\n## ").next()).expect("it");
    let rows = table.lines().filter_map(|row| row.strip_prefix("| `")?.split_once(" | ")).map(|(cell, _)| cell);
    let shown: Vec<&str> = rows.flat_map(|cell| cell.split('`').step_by(2)).filter(|code| !code.is_empty()).collect();
    for command in &shown {
        demand_accepted("README.md", command);
    }
    for command in pgproof_cli::command().get_subcommands() {
        let name = command.get_name();
        assert!(shown.iter().any(|code| code.split(' ').next() == Some(name)), "README.md does not list {name}");
    }
}

/// Every option of a command and of those below it: its name, and whether it has a value.
fn options(command: &clap::Command, found: &mut Vec<(String, bool)>) {
    for option in command.get_arguments() {
        found.extend(option.get_long().map(|long| (long.to_owned(), option.get_action().takes_values())));
    }
    command.get_subcommands().for_each(|command| options(command, found));
}

#[test]
fn every_option_exists() {
    let mut known = vec![("help".to_owned(), false), ("version".to_owned(), false)];
    options(&pgproof_cli::command(), &mut known);
    let spans: Vec<_> = pages().iter().flat_map(Page::spans).collect();
    let options = spans.iter().filter_map(|(place, span)| Some((place, span.strip_prefix("--")?)));
    // Not a comment in SQL.
    let shown: Vec<_> = options.filter(|(_, option)| !option.starts_with(' ')).collect();
    assert!(shown.len() >= 30, "{shown:?}");
    for (place, option) in shown {
        let (name, value) = option.split_once(' ').map_or((option, None), |(name, value)| (name, Some(value)));
        let called: Vec<_> = known.iter().filter(|(known, _)| known == name).collect();
        assert!(!called.is_empty(), "{place}: no command has --{name}");
        let valued = |takes: &bool| value.is_none() || *takes;
        assert!(called.iter().any(|(_, takes)| valued(takes)), "{place}: --{name} has no value");
    }
}

#[test]
fn every_configuration_is_read() {
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("pgproof.toml");
    let mut read = 0;
    for block in pages().iter().flat_map(Page::blocks).filter(|block| block.text.contains("[schemas.")) {
        // A part of a configuration stands for itself.
        let whole = block.text.contains("migrations =");
        let rest = "[schemas.shop]\nmigrations = \"sql\"\nsuite = { package = \"shop-schema\", test = \"shop\" }\n\n";
        std::fs::write(&file, [if whole { "" } else { rest }, &block.text].concat()).expect("a file");
        configuration::read(&file)
            .unwrap_or_else(|error| panic!("{}: {}", block.place, pgproof_sql::with_causes(&error)));
        read += 1;
    }
    assert!(read >= 4, "{read}");
}

/// The text of all sources below a directory.
fn sources_in(directory: &Path, all: &mut String) {
    for entry in std::fs::read_dir(directory).expect("a directory") {
        let path = entry.expect("an entry").path();
        if path.is_dir() && !path.ends_with("tests") {
            sources_in(&path, all);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            all.push_str(&std::fs::read_to_string(path).expect("a source"));
        }
    }
}

#[test]
fn every_variable_is_known_to_a_source() {
    let mut sources = String::new();
    sources_in(&workspace().join("crates"), &mut sources);
    let mut shown = 0;
    for page in pages() {
        for (at, _) in page.text.match_indices("PGPROOF_") {
            let name: String = page.text[at..].chars().take_while(|c| c.is_ascii_uppercase() || *c == '_').collect();
            assert!(sources.contains(&format!("\"{name}\"")), "{}: nothing reads {name}", page.name);
            shown += 1;
        }
    }
    assert!(shown >= 20, "{shown}");
}

/// The lines with what differs between machines made the same: the server, and how long it took.
fn steady(output: &str) -> String {
    let line = |line: &str| match (line.split_once(" on PostgreSQL "), line.rsplit_once("; ")) {
        (Some((schema, _)), _) => format!("{schema} on PostgreSQL"),
        (_, Some((counts, time))) if time.ends_with(" s") => counts.to_owned(),
        _ => line.to_owned(),
    };
    output.trim().lines().map(line).collect::<Vec<_>>().join("\n")
}

#[test]
fn the_run_in_the_readme_is_what_a_run_prints() {
    let shown = page("README.md").block("$ cargo xtask verify opportunity");
    let (command, shown) = shown.split_once('\n').expect("a command");
    assert_eq!(command, "$ cargo xtask verify opportunity");
    let ended = Project::new().run(&["verify", "opportunity"]);
    ended.demand(0, &[]);
    assert_eq!(steady(shown), steady(&ended.stdout), "README.md");
    let counts = steady(shown).lines().last().and_then(|line| line.split_once(": ")).expect("counts").1.to_owned();
    assert!(page("docs/suites.md").text.contains(&format!("`{counts}`")), "docs/suites.md does not say {counts}");
}

#[test]
fn the_refuted_assertion_in_the_readme_is_what_a_run_prints() {
    let project = Project::new();
    let migration = "sql/opportunity/002_opportunity_tables.sql";
    project.edit(migration, "'draft', 'scheduled', 'sent'", "'draft', 'scheduled', 'sent', 'recalled'");
    let ended = project.run(&["verify", "--filter", "accepted_values_of"]);
    ended.demand(1, &[&page("README.md").block("refuted  ")]);
}

/// Demands that each line of a block of a page was printed; `…` stands for any text.
#[track_caller]
fn demand_lines(ended: &Ended, shown: &str) {
    for line in shown.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let parts: Vec<&str> = line.split('…').collect();
        let is_it = |printed: &str| parts.iter().all(|part| printed.contains(part)) && printed.starts_with(parts[0]);
        let found =
            ended.stdout.lines().map(str::trim).any(|printed| printed == line || (parts.len() > 1 && is_it(printed)));
        assert!(found, "no line {line:?} in\n{}", ended.stdout);
    }
}

#[test]
fn the_matrix_and_the_leak_on_the_page_on_tenants_are_what_a_run_prints() {
    let project = Project::of("settler");
    let migration = "sql/settler/001-initial-schema.sql";
    project.edit(migration, "ALTER TABLE webhooks FORCE ROW LEVEL SECURITY;", "");
    let ended = project.run(&["verify", "settler", "--filter", "isolation::"]);
    ended.demand(1, &[]);
    let tenants = page("docs/tenants.md");
    demand_lines(&ended, &tenants.block("What a tenant can do to another"));
    demand_lines(&ended, &tenants.block("table webhooks keeps tenants apart"));
}

#[test]
fn the_plan_and_the_review_on_the_page_on_plans_are_what_is_accepted_and_printed() {
    let project = Project::new();
    let plans = page("docs/plans.md");
    let accepted = std::fs::read_to_string(project.path("snapshots/opportunity/tasks_by_priority.snap")).expect("it");
    let plan = plans.block("Index Scan using");
    assert!(accepted.contains(&plan), "snapshots/opportunity/tasks_by_priority.snap has another plan than\n{plan}");
    let index = "CREATE INDEX IF NOT EXISTS idx_etl_logs_created_at ON etl_logs (created_at DESC);";
    project.edit("sql/opportunity/004_runtime_logging.sql", index, "");
    project.run(&["verify", "--filter", "plans::"]).demand(1, &[]);
    // What a plan costs depends on the major.
    let shown = plans.block("opportunity: latest_logs").replace("135.0 times (2.38 -> 321.22)", "… times (… -> …)");
    demand_lines(&project.run(&["review"]), &shown);
}

/// The files of "Your own schema in five minutes", each named above its block, and what stands below.
#[test]
fn the_schema_of_the_readme_is_proven_in_five_minutes() {
    let readme = page("README.md");
    let file = |name: &str| {
        let named = |above: &str| above.starts_with(&format!("`{name}`"));
        readme.blocks().into_iter().find(|block| named(&block.above)).unwrap_or_else(|| panic!("no {name}")).text
    };
    // The suite is a test target of this workspace, so that it need not compile pgproof once more.
    let suite = std::fs::read_to_string(workspace().join("suites/tests/shop.rs")).expect("the suite");
    assert!(suite.ends_with(&file("shop-schema/tests/shop.rs")), "suites/tests/shop.rs is not that of README.md");
    let main = std::fs::read_to_string(workspace().join("crates/cli/src/bin/pgproof.rs")).expect("the program");
    assert!(main.ends_with(&file("xtask/src/main.rs")), "crates/cli/src/bin/pgproof.rs is not that of README.md");

    let project = Project::with(&file("pgproof.toml").replace("\"shop-schema\"", "\"suites\""));
    project.write("sql/shop/001_orders.sql", &file("sql/shop/001_orders.sql"));
    let said =
        readme.text.split("now ends with `").nth(1).and_then(|rest| rest.split('`').next()).expect("the verdict");
    project.run(&["verify"]).demand(0, &[said]);
    project.edit("sql/shop/001_orders.sql", ", 'sent'", "");
    let ended = project.run(&["verify"]);
    ended.demand(1, &["refuted  shop::an_order_has_a_known_status", "1 of 2 assertions hold"]);
}
