//! What a migration of a database in use would do, in words: what stands there, which files are pending, and what they
//! change in the catalog.

use std::fmt::Write;
use std::sync::Arc;

use pgproof_catalog::Difference;
use pgproof_live::Target;
use pgproof_live::migrate::{Chain, Recognised, Standing, Traced};
use pgproof_runner::isolation::Template;
use pgproof_sql::Migration;

use crate::terminal::counted;

/// What stands in the database.
pub(super) fn standing(recognised: &Recognised, chain: &Chain, target: &Target) -> String {
    let mut text = format!("{target}\n");
    let of = chain.files.len();
    // Writing to a string cannot fail.
    let _ = match &recognised.standing {
        Standing::Fresh => writeln!(text, "  stands: none of {} applied", counted(of, "file")),
        Standing::After(done) => {
            writeln!(text, "  stands: {done} of {} applied, the last is {}", counted(of, "file"), name(chain, done - 1))
        }
        Standing::Done => writeln!(text, "  stands: all of {} applied; nothing is pending", counted(of, "file")),
        Standing::Unlike { nearest, differences } => {
            let after = nearest
                .checked_sub(1)
                .map_or("an empty database".to_owned(), |at| format!("{} applied", name(chain, at)));
            let mut told =
                writeln!(text, "  stands: not what any file makes; nearest to {after}, from which it differs in");
            for difference in differences.iter().take(MOST) {
                told = writeln!(text, "    {difference}");
            }
            if differences.len() > MOST {
                told = writeln!(text, "    and {} more", differences.len() - MOST);
            }
            told
        }
    };
    if !recognised.strangers.is_empty() {
        let shown: Vec<String> = recognised.strangers.iter().take(MOST).map(ToString::to_string).collect();
        let more = recognised.strangers.len().saturating_sub(MOST);
        let more = if more == 0 { String::new() } else { format!(" and {more} more") };
        let _ = writeln!(text, "  also there, by others: {}{more}", shown.join(", "));
    }
    text
}

/// What would still differ afterwards.
pub(super) fn remains(differences: &[Difference]) -> String {
    let mut text = String::from("  rehearsed on a copy of its catalog; afterwards there would remain:\n");
    for difference in differences.iter().take(MOST) {
        let _ = writeln!(text, "    {difference}");
    }
    if differences.len() > MOST {
        let _ = writeln!(text, "    and {} more", differences.len() - MOST);
    }
    text
}

/// How many of them are shown.
const MOST: usize = 8;

fn name(chain: &Chain, at: usize) -> String {
    chain.files.get(at).map(|file| file.file.display().to_string()).unwrap_or_default()
}

/// The files that would be applied.
pub(super) fn pending(pending: &[Migration]) -> String {
    let width = pending.iter().map(|file| file.file.display().to_string().len()).max().unwrap_or(0);
    let mut text = String::from("  pending:\n");
    for file in pending {
        let statements = counted(file.statements.len(), "statement");
        let _ = writeln!(text, "    {:width$}  {statements}", file.file.display());
    }
    text
}

/// The statements that would be run, and how the catalog would change.
pub(super) fn difference(done: usize, recognised: &Recognised, chain: &Chain) -> String {
    let mut text = String::from("  statements:\n");
    for statement in chain.files[done..].iter().flat_map(|file| &file.statements) {
        let _ = writeln!(text, "    {}: {}", statement.origin, pgproof_server::session::shortened(&statement.text));
    }
    // Of what is like no file, only what is missing from the nearest one on is known.
    let from = if let Standing::Unlike { nearest, .. } = recognised.standing { nearest } else { done };
    let differences = chain.last().differences_from(chain.after(from));
    let _ = writeln!(text, "  the catalog would change in {}:", counted(differences.len(), "place"));
    for difference in differences {
        let _ = match &difference {
            Difference::Added(object) => writeln!(text, "    + {object}"),
            Difference::Removed(object) => writeln!(text, "    - {object}"),
            other => writeln!(text, "    ~ {other}"),
        };
    }
    text
}

/// The locks, rewritten tables and rows of each statement, on a disposable database that has what stands there.
pub(super) fn trace(template: &Arc<Template>, chain: &Chain, done: usize) -> anyhow::Result<String> {
    let mut text = String::from("  each statement, on a copy of the catalog without rows:\n");
    for Traced { statement, locks, rewritten, rows } in chain.traced(template, done)? {
        let _ = writeln!(text, "    {}: {}", statement.origin, statement.kind());
        for (relation, mode) in locks {
            let _ = writeln!(text, "      locks {relation} in {mode} mode");
        }
        for relation in rewritten {
            let _ = writeln!(text, "      rewrites {relation}");
        }
        if rows > 0 {
            let _ = writeln!(text, "      affects {rows} rows");
        }
    }
    Ok(text)
}
