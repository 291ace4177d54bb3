//! What `migrate` does after the migrations, where it is asked to: statistics and materialized views; and what it always
//! looks for.

use pgproof_live::Target;
use pgproof_live::migrate::{Chain, Refreshed, analyze, invalid_indexes, refresh};
use pgproof_server::{DatabaseError, Session};
use pgproof_sql::ObjectId;

use crate::terminal::{note, say};

/// What to do.
#[derive(Debug, Clone, Copy, clap::Args)]
pub(super) struct AfterCare {
    /// Afterwards, update the statistics of all tables and materialized views of the schema (ANALYZE)
    #[arg(long)]
    analyze: bool,
    /// Afterwards, refresh the materialized views of the schema, concurrently where that is possible
    #[arg(long)]
    refresh: bool,
}

impl AfterCare {
    /// Whether anything is to be done.
    pub(super) fn is_asked_for(self) -> bool {
        self.analyze || self.refresh
    }

    /// Does it, and says what was done.
    pub(super) fn give(self, target: &Target, chain: &Chain, session: &mut Session) -> anyhow::Result<()> {
        let context = |error: DatabaseError| {
            anyhow::Error::from(error)
                .context(format!("the migrations of {target} are applied; what follows them failed"))
        };
        for index in invalid_indexes(session).map_err(context)? {
            note(format_args!(
                "warning: {index} is invalid, because its concurrent build failed; drop it, and run the command again"
            ));
        }
        for view in chain.materialized_views().iter().filter(|_| self.refresh) {
            let how = match refresh(session, view).map_err(context)? {
                Refreshed::Concurrently => "concurrently",
                Refreshed::NotPopulated => "not concurrently, because it was not populated: readers had to wait",
                Refreshed::NoUniqueIndex => {
                    "not concurrently, because it has no unique index on columns: readers had to wait"
                }
            };
            say(format_args!("refreshed materialized view {}, {how}\n", ObjectId::table(view).shown()))?;
        }
        // A refreshed view has other rows.
        let relations = chain.tables().into_iter().chain(chain.materialized_views());
        let relations: Vec<_> = relations.filter(|_| self.analyze).collect();
        for relation in &relations {
            analyze(session, relation).map_err(context)?;
        }
        if self.analyze {
            say(format_args!("analyzed {} tables and materialized views\n", relations.len()))?;
        }
        Ok(())
    }
}
