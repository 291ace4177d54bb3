//! The runbooks in `docs/`: each command is run, in the order of the page.

use rstest::rstest;

use crate::database::InUse;
use crate::project::{Ended, Project, workspace};

#[rstest]
#[case::opportunity("opportunity")]
#[case::settler("settler")]
fn every_command_of_a_runbook_does_what_it_says(#[case] schema: &str) {
    let live = InUse::of(Project::of(schema), "");
    // As an administrator's role of a managed service has it: backups of settler, and its tenants, need it.
    live.superuser().run(&format!("ALTER ROLE {0} BYPASSRLS CREATEDB", live.name)).expect("a superuser may");
    let table = "\n[databases.production]\nvariable = \"LIVE_URL\"\nprotected = true\n";
    live.project.append("pgproof.toml", &format!("{table}schema = \"{schema}\"\n"));
    let page = std::fs::read_to_string(workspace().join(format!("docs/runbook-{schema}.md"))).expect("a page");
    let commands: Vec<&str> =
        page.split("```sh\n").skip(1).filter_map(|block| block.split("```").next()).flat_map(str::lines).collect();
    assert!(commands.len() > 8, "{commands:?}");
    for line in commands {
        let arguments: Vec<&str> =
            line.strip_prefix("cargo xtask ").expect("a command of pgproof").split(' ').collect();
        let mut command = live.project.pgproof(&arguments);
        command.env("LIVE_URL", live.conninfo()).env("ADMIN_PASSWORD_HASH", "$2b$12$hash");
        let ended = Ended::of(&command.output().expect("pgproof runs"));
        assert_eq!(ended.code, 0, "{line}\n{}{}", ended.stdout, ended.stderr);
    }
}
