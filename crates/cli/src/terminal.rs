//! Progress, results and output formats: a spinner or progress bar on a terminal, plain lines otherwise. `print!` panics
//! where nobody reads, so everything is written through [`say`] and [`note`].

use std::fmt::Display;
use std::io::{Error, ErrorKind, IsTerminal, Write};
use std::time::Duration;

use clap::ValueEnum;
use indicatif::{ProgressBar, ProgressStyle};
use pgproof_report::{AsJson, AsText, Reporter};

/// Whether colours may be used on standard output (<https://no-color.org>).
pub(crate) fn colour() -> bool {
    std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

/// Writes a result to standard output. A reader that has gone has read what it wanted; the command goes on, and its exit
/// code stands. Where a result cannot be written otherwise (a full disk), that is the command's error.
pub fn say(text: impl Display) -> std::io::Result<()> {
    let mut stdout = std::io::stdout().lock();
    match write!(stdout, "{text}").and_then(|()| stdout.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        Err(error) => Err(Error::new(error.kind(), format!("cannot write to standard output: {error}"))),
        Ok(()) => Ok(()),
    }
}

/// Writes a line to standard error, if anybody reads it.
pub fn note(text: impl Display) {
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}

/// Writes a question to standard error and leaves the cursor behind it.
pub(crate) fn ask(question: impl Display) -> std::io::Result<()> {
    let mut stderr = std::io::stderr().lock();
    write!(stderr, "{question}").and_then(|()| stderr.flush())
}

/// A number of things, as in "1 file", "4 files".
pub(crate) fn counted<N: Display + PartialEq + From<u8>>(number: N, of: &str) -> String {
    let plural = if number == N::from(1) { "" } else { "s" };
    format!("{number} {of}{plural}")
}

/// The output formats.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For humans
    Text,
    /// For programs; documented in docs/json.md
    Json,
}

impl Format {
    /// What writes reports in this format, for standard output.
    pub(crate) fn reporter(self) -> Box<dyn Reporter> {
        match self {
            Format::Text => Box::new(AsText { colour: colour() }),
            Format::Json => Box::new(AsJson),
        }
    }
}

/// Progress on standard error, cleared when dropped.
pub(crate) struct Progress {
    /// None if standard error is not a terminal, or nothing should be shown.
    bar: Option<ProgressBar>,
    plain: bool,
}

impl Progress {
    /// Shows progress, unless `quiet`.
    pub(crate) fn new(quiet: bool) -> Progress {
        let terminal = std::io::stderr().is_terminal();
        let bar = (terminal && !quiet).then(|| {
            let bar = ProgressBar::new_spinner();
            bar.enable_steady_tick(Duration::from_millis(80));
            bar
        });
        Progress { bar, plain: !terminal && !quiet }
    }

    /// Whether somebody watches: then each step takes the place of the one before.
    pub(crate) fn is_live(&self) -> bool {
        self.bar.is_some()
    }

    /// Shows the current step.
    pub(crate) fn step(&self, what: &str) {
        if let Some(bar) = &self.bar {
            bar.set_message(what.to_owned());
        } else if self.plain {
            note(what);
        }
    }

    /// Shows the current step on a terminal; elsewhere, what is written when it is done says enough.
    pub(crate) fn only_on_terminal(&self, what: &str) {
        if let Some(bar) = &self.bar {
            bar.set_message(what.to_owned());
        }
    }

    /// Starts counting `total` files.
    pub(crate) fn files(&self, total: usize) {
        if let Some(bar) = &self.bar {
            let style = ProgressStyle::with_template("{spinner} {msg} [{bar:30}] {pos}/{len}");
            bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
            bar.set_length(total as u64);
            bar.set_position(0);
            bar.set_message("trying each file");
        } else if self.plain {
            note(format_args!("trying each of {total} files"));
        }
    }

    /// Starts counting `total` tests.
    pub(crate) fn tests(&self, schema: &str, total: u64) {
        if let Some(bar) = &self.bar {
            let style = ProgressStyle::with_template("{spinner} {msg} [{bar:30}] {pos}/{len}");
            bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
            bar.set_length(total);
            bar.set_position(0);
            bar.set_message(format!("proving {schema}"));
        } else if self.plain {
            note(format_args!("proving {schema}: {total} tests"));
        }
    }

    /// Counts one finished test.
    pub(crate) fn tested(&self) {
        if let Some(bar) = &self.bar {
            bar.inc(1);
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
