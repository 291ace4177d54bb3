//! Measures how long each provider takes to answer the first query. The first measurement is shown separately: with an
//! empty cache (`PGPROOF_CACHE_DIR`) it is a cold start.

use std::time::{Duration, Instant};

use anyhow::bail;
use pgproof_report::Verdict;
use pgproof_runner::Config;
use pgproof_server::{Server, ServerChoice, ServerOptions};
use pgproof_sql::with_causes;

use super::median;
use crate::terminal::say;

/// Measures every provider that works here and prints a table, with the error of those that do not.
pub(super) fn measure(config: &Config, runs: usize) -> anyhow::Result<Verdict> {
    let options = ServerOptions::of(&config.server)?;
    let mut providers = vec![ServerChoice::Local, ServerChoice::Docker, ServerChoice::Download];
    if let ServerChoice::Url(_) = options.provider {
        providers.push(options.provider.clone());
    }
    say(format_args!("time to the first query: first run, and median of {runs} more\n"))?;
    say(format_args!("  {:<9} {:>9} {:>9} {:>9}\n", "provider", "first", "then", "end"))?;
    let mut measured = 0;
    for provider in providers {
        let name = format!("{provider:?}");
        let options = ServerOptions { provider, ..options.clone() };
        let times: Result<Vec<_>, _> = (0..=runs).map(|_| one(&options)).collect();
        match times {
            Ok(times) => {
                measured += 1;
                let (first, rest) = (times[0].0, &times[1..]);
                let then = median(rest.iter().map(|(start, _)| *start));
                let end = median(rest.iter().map(|(_, end)| *end));
                let shown = [first, then, end].map(|time| format!("{:.0} ms", time.as_secs_f64() * 1000.0));
                say(format_args!("  {name:<9} {:>9} {:>9} {:>9}\n", shown[0], shown[1], shown[2]))?;
            }
            Err(error) => say(format_args!("  {name:<9} {error}\n"))?,
        }
    }
    if measured == 0 {
        bail!("no provider works on this machine");
    }
    Ok(Verdict::Proven)
}

/// The time to start a server and get an answer, and the time to remove it.
fn one(options: &ServerOptions) -> Result<(Duration, Duration), String> {
    let started = Instant::now();
    let server = Server::start(options).map_err(|error| with_causes(&error).replace('\n', " "))?;
    let answer = server.handle().maintenance().and_then(|mut session| session.run("SELECT 1"));
    answer.map_err(|error| with_causes(&error))?;
    let start = started.elapsed();
    let started = Instant::now();
    drop(server);
    Ok((start, started.elapsed()))
}
