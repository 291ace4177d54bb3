//! The consent to change a database that is in use: typed at a terminal, or given with the command line.

use std::io::{BufRead, IsTerminal};

use anyhow::bail;
use pgproof_live::Target;

use crate::terminal::ask;

/// How consent is given.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Consent {
    /// Do not ask whether to proceed
    #[arg(long, short)]
    yes: bool,
    /// The name of the database, for one that wants its name typed
    #[arg(long, value_name = "NAME")]
    confirm: Option<String>,
}

/// How much a change can lose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stakes {
    /// It adds. A protected database wants its name typed all the same.
    Usual,
    /// It can lose rows: any database wants its name typed.
    Loss,
}

impl Consent {
    /// Whether to do this to the database: `question` is a sentence such as "apply 4 migrations to …?".
    ///
    /// Fails where nobody can be asked, and says which option gives the consent.
    pub(crate) fn given(&self, target: &Target, question: &str, stakes: Stakes) -> anyhow::Result<bool> {
        let wants_name = target.settings.protected || stakes == Stakes::Loss;
        let name = target.typed_name();
        if let Some(confirmed) = &self.confirm {
            if confirmed != name {
                bail!("--confirm names {confirmed:?}, but the database is {name:?}; nothing was changed");
            }
            return Ok(true);
        }
        if self.yes && !wants_name {
            return Ok(true);
        }
        if !std::io::stdin().is_terminal() {
            let option = if wants_name { format!("--confirm {name}") } else { "--yes".to_owned() };
            bail!(
                "nobody can be asked here, because standard input is not a terminal; nothing was changed; to proceed, give {option}"
            );
        }
        let how = if wants_name { format!("type {name} to proceed") } else { "[y/N]".to_owned() };
        ask(format_args!("{question} {how}: "))?;
        let mut answer = String::new();
        std::io::stdin().lock().read_line(&mut answer)?;
        let answer = answer.trim();
        Ok(if wants_name { answer == name } else { matches!(answer, "y" | "Y" | "yes") })
    }
}
