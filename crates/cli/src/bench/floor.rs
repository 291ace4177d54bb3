//! The minimum cost of the same work: starting the same server, sending the same files through one session, creating
//! the same clones, and replaying the suite's statements, all without pgproof.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::Context;
use pgproof_runner::isolation::Owners;
use pgproof_runner::migration::select;
use pgproof_runner::{Config, Schema};
use pgproof_runner::{isolation::build_template, isolation::prepare_clones};
use pgproof_runner::{process::Ready, process::RunContext};
use pgproof_server::DatabaseError;
use pgproof_server::session::STATEMENT_LOG_VARIABLE;
use pgproof_server::{Server, ServerOptions, Source};
use pgproof_sql::{Migration, Statement};

use super::parts::Parts;
use crate::suite::{Binary, Selection, at_once, environment};
use crate::terminal::Progress;

/// Measures the floor of each part of `verify`.
pub(super) fn measure(config: &Config, schema: &Schema, binary: &Binary) -> anyhow::Result<Parts> {
    let mut parts = Parts::default();
    let server = Server::start(&ServerOptions::of(&config.server)?)?;
    let took = server.took();
    parts.server = took;
    let migrations = select(config, schema)?;
    parts.migrations = files_through_one_session(&migrations, &server)?;
    let (ready, _) = build_template(server.handle(), schema, &migrations, &Owners::default())?;
    let started = Instant::now();
    prepare_clones(server.handle(), schema, &ready, at_once())?;
    parts.clones = started.elapsed();
    let statements = statements(config, schema, binary, &server, &ready)?;
    parts.suite = replay(&server, &ready.template, &statements)?;
    Ok(parts)
}

/// Creates a database and sends each file, as one message where PostgreSQL allows it.
fn files_through_one_session(migrations: &[Migration], server: &Server) -> anyhow::Result<Duration> {
    let mut messages = Vec::new();
    for migration in migrations {
        let alone = |s: &Statement| s.copy_data.is_some() || s.needs_no_transaction();
        let by_statement = migration.statements.iter().any(alone);
        let texts: Vec<_> = migration.statements.iter().map(|s| (s.text.clone(), s.copy_data.clone())).collect();
        if by_statement {
            messages.extend(texts);
        } else {
            let whole = texts.into_iter().map(|(text, _)| text).collect::<Vec<_>>().join(";\n");
            messages.push((whole, None));
        }
    }
    let started = Instant::now();
    let database =
        server.handle().create_database(&mut server.handle().maintenance()?, "floor", Source::Nothing, None)?;
    let mut session = server.handle().open(&database)?;
    for (text, data) in messages {
        match data {
            Some(data) => session.copy_in(&text, data.as_bytes()).map(|_| ())?,
            None => session.run(&text)?,
        }
    }
    Ok(started.elapsed())
}

/// The statements of the suite, by database, in order.
fn statements(
    config: &Config,
    schema: &Schema,
    binary: &Binary,
    server: &Server,
    ready: &Ready,
) -> anyhow::Result<BTreeMap<String, Vec<String>>> {
    let log = server.make_directory("statements").context("cannot create a directory for the statements")?.join("log");
    let run_context = RunContext::new(server.handle().clone(), BTreeMap::from([(schema.name.clone(), ready.clone())]));
    let mut environment = environment(config, server, &run_context, &Selection::All)?;
    environment.push((STATEMENT_LOG_VARIABLE, log.display().to_string()));
    binary.run(&Selection::All, &environment, &Progress::new(true), &schema.name)?;
    let text = std::fs::read_to_string(&log).context("the suite logged no statements")?;
    let mut by_database: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (database, sql) in text.split('\0').filter_map(|entry| entry.split_once('\t')) {
        by_database.entry(database.to_owned()).or_default().push(sql.to_owned());
    }
    Ok(by_database)
}

/// A COPY needs data that is not logged, and the process id of a killed backend may now belong to another.
fn can_be_replayed(statement: &str) -> bool {
    let copies = |side: &str| statement.starts_with("COPY ") && statement.to_uppercase().contains(side);
    !(copies("STDIN") || copies("STDOUT") || statement.contains("pg_terminate_backend"))
}

/// Sends each database's statements to a new clone, one after the other. Clones created by the suite itself are part of
/// its work, and so of the floor.
fn replay(server: &Server, template: &str, statements: &BTreeMap<String, Vec<String>>) -> anyhow::Result<Duration> {
    let mut took = Duration::ZERO;
    let mut made = 0;
    for (number, sql) in
        statements.iter().filter(|(name, _)| *name != server.address().maintenance()).map(|(_, sql)| sql).enumerate()
    {
        let started = Instant::now();
        let label = format!("floor_{number}");
        let mut maintenance = server.handle().maintenance()?;
        let name = server.handle().create_database(&mut maintenance, &label, Source::Copy(template), None)?;
        made += 1;
        // The clones that verify creates in advance are counted there.
        if made > at_once() {
            took += started.elapsed();
        }
        let started = Instant::now();
        let mut session = server.handle().open(&name)?;
        for statement in sql.iter().filter(|statement| can_be_replayed(statement)) {
            match session.run(statement) {
                // Many statements are meant to fail.
                Ok(()) | Err(DatabaseError::Reported(_)) => {}
                Err(error) => return Err(error.into()),
            }
        }
        took += started.elapsed();
    }
    Ok(took)
}
