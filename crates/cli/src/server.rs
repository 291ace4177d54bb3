//! Options of all commands that need a server: which one, whether it stays, and how long the command may take.

use std::time::Duration;

use anyhow::anyhow;
use pgproof_runner::process;
use pgproof_server::{Permission, Server, ServerConfig, ServerOptions};

use crate::terminal::note;

/// Which server a command uses.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct ServerArguments {
    /// The server provider: auto, local, docker, download, or a connection string [default: $PGPROOF_SERVER, else auto]
    #[arg(long, value_name = "PROVIDER|URL")]
    server: Option<String>,
    /// Never download PostgreSQL
    #[arg(long)]
    no_download: bool,
    /// Leave the server running and print how to connect to it
    #[arg(long)]
    pub(crate) keep: bool,
    /// How long one statement of the migrations may take, as in 30s or 10min [default: 2min]
    #[arg(long, value_name = "DURATION", value_parser = pgproof_server::deadlines::parse_duration)]
    statement_deadline: Option<Duration>,
}

impl ServerArguments {
    /// The server to start, by the command line, the environment and the configuration, in this order.
    pub(crate) fn options(&self, config: &ServerConfig) -> anyhow::Result<ServerOptions> {
        let mut options = ServerOptions::of(config)?;
        if let Some(text) = &self.server {
            // Not parsed by clap, whose error message would show the string, including a password.
            options.provider = text
                .parse()
                .map_err(|problem: String| anyhow!("--server does not name a server provider: {problem}"))?;
        }
        if self.no_download {
            options.download = Permission::Forbidden;
        }
        if let Some(statement) = self.statement_deadline {
            options.deadlines.statement = statement;
            options.deadlines.file = options.deadlines.file.max(statement);
        }
        end_after(options.deadlines.run);
        Ok(options)
    }

    /// Starts the server of this process with this major version.
    pub(crate) fn start(&self, config: &ServerConfig, major: Option<u16>) -> anyhow::Result<()> {
        let options = self.options(config)?;
        process::start(&ServerOptions { major: major.or(options.major), ..options })?;
        Ok(())
    }

    /// Leaves the server of this process running, if asked to. `database` is where to connect, and what it contains.
    pub(crate) fn keep(&self, database: Option<(&str, &str)>) {
        if let Some(server) = self.keep.then(process::take).flatten() {
            keep(server, database.into_iter());
        }
    }
}

/// Leaves a server running and prints how to connect to these databases, and how to remove it.
pub(crate) fn keep<'a>(server: Server, databases: impl Iterator<Item = (&'a str, &'a str)>) {
    let address = server.address().clone();
    note(format_args!("\nthe server is still running; connect with"));
    for (database, content) in databases {
        note(format_args!("  {}   # {content}", address.psql(database)));
    }
    let is_external = server.handle().run.is_some();
    let end = server.keep();
    if is_external {
        note(format_args!("these databases will be removed by {end}"));
    } else {
        note(format_args!("to stop and remove it, run\n  {end}"));
    }
}

/// Ends this process when the run has taken too long, whatever it waits for. What it made is removed as after any end.
fn end_after(limit: Duration) {
    std::thread::spawn(move || {
        std::thread::sleep(limit);
        note(format_args!(
            "error: the run did not end within {}, so it was ended; [server.deadlines] in pgproof.toml says how long a run may take",
            humantime::format_duration(limit)
        ));
        std::process::exit(2);
    });
}
