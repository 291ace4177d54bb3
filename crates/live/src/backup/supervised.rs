//! A client program that ends with this process, however that ends, and then leaves nothing private or unfinished behind.
//! It has a watchdog of its own: a script for `/bin/sh` in a process group of its own, as a server has.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

use pgproof_server::connection::ClientAccess;

const SCRIPT: &str = include_str!("supervise.sh");

/// How many of its last lines are kept.
const LINES: usize = 12;

/// How often its progress is looked at.
const OFTEN: Duration = Duration::from_millis(500);

/// A client program that has ended. What is unfinished is removed when this is dropped.
pub(super) struct Supervised {
    script: Child,
    input: Option<ChildStdin>,
    /// Removes the private directory, if the script could not.
    _access: ClientAccess,
    /// Whether it did what it should.
    pub succeeded: bool,
    /// The last lines that it wrote to standard error.
    pub said: Vec<String>,
}

/// Runs a client program that connects by `access`, and waits for its end. `unfinished` is what it writes. `looked` is called
/// from time to time.
///
/// The command must have been made with an empty environment: it gets no other variables than those that it sets.
pub(super) fn run(
    command: &Command,
    access: ClientAccess,
    unfinished: Option<&Path>,
    looked: &mut dyn FnMut(),
) -> std::io::Result<Supervised> {
    let mut script = Command::new("/bin/sh");
    script.env_clear().envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    script.arg("-c").arg(SCRIPT).arg("pgproof").arg(access.directory());
    script.arg(unfinished.unwrap_or(access.directory()));
    script.arg(command.get_program()).args(command.get_args());
    // Ctrl-C in the terminal reaches pgproof, and the program only through the end of its input.
    script.process_group(0).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut script = script.spawn()?;
    let input = script.stdin.take();
    let (sender, receiver) = channel();
    let output = script.stdout.take();
    std::thread::spawn(move || {
        let status = output.and_then(|output| BufReader::new(output).lines().next()?.ok());
        // Whoever waited may have given up.
        let _ = sender.send(status);
    });
    let errors = script.stderr.take();
    let said = std::thread::spawn(move || errors.map(|errors| last_lines(BufReader::new(errors))).unwrap_or_default());
    let status = loop {
        match receiver.recv_timeout(OFTEN) {
            Ok(status) => break status,
            Err(RecvTimeoutError::Timeout) => looked(),
            Err(RecvTimeoutError::Disconnected) => break None,
        }
    };
    let said = said.join().unwrap_or_default();
    Ok(Supervised { script, input, _access: access, succeeded: status.as_deref() == Some("0"), said })
}

/// The last lines of a text, read to its end.
fn last_lines(mut reader: impl BufRead) -> Vec<String> {
    let mut lines = VecDeque::new();
    let mut line = Vec::new();
    while matches!(reader.read_until(b'\n', &mut line), Ok(read) if read > 0) {
        let text = String::from_utf8_lossy(&line).trim_end().to_owned();
        lines.extend((!text.is_empty()).then_some(text));
        if lines.len() > LINES {
            lines.pop_front();
        }
        line.clear();
    }
    lines.into()
}

impl Drop for Supervised {
    fn drop(&mut self) {
        drop(self.input.take());
        // It has nothing to do but to remove files.
        let _ = self.script.wait();
    }
}
