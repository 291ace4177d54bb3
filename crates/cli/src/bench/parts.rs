//! Measures the parts of `verify`, one after the other.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::Context;
use pgproof_report::{Extent, Report, SchemaReport, ServerReport, SuiteRun, Text};
use pgproof_runner::isolation::Owners;
use pgproof_runner::migration::select;
use pgproof_runner::{Config, Schema};
use pgproof_runner::{evidence::EVIDENCE_VARIABLE, evidence::gather};
use pgproof_runner::{isolation::build_template, isolation::prepare_clones};
use pgproof_runner::{process::Ready, process::RunContext};
use pgproof_server::{Server, ServerOptions};

use crate::suite::{self, Binary, Selection, at_once, environment};
use crate::terminal::Progress;

/// The duration of each part of one run.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Parts {
    pub(super) server: Duration,
    pub(super) migrations: Duration,
    pub(super) clones: Duration,
    pub(super) suite: Duration,
    pub(super) report: Duration,
    pub(super) stop: Duration,
    pub(super) cargo: Duration,
}

/// Does the work of `verify`, part by part.
pub(super) fn measure(config: &Config, schema: &Schema, binary: &Binary) -> anyhow::Result<Parts> {
    let mut parts = Parts::default();
    let started = Instant::now();
    suite::build(config, std::slice::from_ref(schema))?;
    parts.cargo = started.elapsed();

    let started = Instant::now();
    let server = Server::start(&ServerOptions::of(&config.server)?)?;
    parts.server = started.elapsed();

    let started = Instant::now();
    let (ready, applied) = build_template(server.handle(), schema, &select(config, schema)?, &Owners::default())?;
    parts.migrations = started.elapsed();

    let started = Instant::now();
    let clones = prepare_clones(server.handle(), schema, &ready, at_once())?;
    parts.clones = started.elapsed();

    let started = Instant::now();
    let evidence = server.make_directory("evidence").context("cannot create a directory for the evidence")?;
    let ready = BTreeMap::from([(schema.name.clone(), Ready { clones, ..ready })]);
    let run_context = RunContext::new(server.handle().clone(), ready);
    let mut environment = environment(config, &server, &run_context, &Selection::All)?;
    environment.push((EVIDENCE_VARIABLE, evidence.display().to_string()));
    let ran = binary.run(&Selection::All, &environment, &Progress::new(true), &schema.name)?;
    parts.suite = started.elapsed();

    let started = Instant::now();
    let run = SuiteRun { tests: ran.tests, evidence: gather(&evidence)?, problem: ran.problem, ..SuiteRun::default() };
    let server_report = ServerReport::from(server.handle());
    let report = Report::new(server_report, 0.0, vec![SchemaReport::new(schema, &applied, run, Extent::Whole)]);
    let text = Text { report: &report, colour: false }.to_string();
    anyhow::ensure!(!text.is_empty(), "the report is empty");
    parts.report = started.elapsed();

    let started = Instant::now();
    drop(server);
    parts.stop = started.elapsed();
    Ok(parts)
}
