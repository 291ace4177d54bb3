//! A process that outlives its owner just long enough to remove what the owner created: databases on an external
//! server, a container, a directory. However the owner ends (`kill -9` included), the reaper's standard input closes.
//!
//! It is the same program again: `before_main` asks [`is_one`]. So any program that starts servers can be a
//! reaper, including a test binary of another workspace. (A local server has a watchdog, a shell script, instead: that
//! one must run as another user, and starts faster.)

use std::ffi::OsString;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::ffi::OsStringExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::ServerError;
use crate::connection::Address;
use crate::ending::databases;
use crate::installation::place;
use crate::installation::sweep::namespace;
use crate::without_secrets;

/// Set in the environment of a reaper. It is inherited, so it makes nothing a reaper by itself.
const VARIABLE: &str = "PGPROOF_REAPER";

/// The first argument of a reaper.
const ARGUMENT: &str = "pgproof-reaper";

/// How long a reaper may work after its owner has ended.
const END_DEADLINE: Duration = Duration::from_mins(1);

/// How long it retries after a failure.
const PATIENCE: Duration = Duration::from_secs(10);

/// Protects the reaper from the signals that end the owner. The directory identifies it in the output of `ps`.
const DEAF: &str = "trap '' HUP INT TERM; exec \"$0\" \"$1\" \"$2\"";

/// What to remove when the owner ends.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) enum Duty {
    /// The databases of a run on an external server.
    Databases {
        /// The server.
        address: Address,
        /// The run.
        run: String,
    },
    /// The container of a run.
    Container {
        /// The run.
        run: String,
    },
}

/// A message of the owner, one per line.
#[derive(Debug, Serialize, Deserialize)]
enum Word {
    /// The first message.
    Begin { directory: PathBuf, duty: Duty },
    /// The container exists: no further one can appear.
    Started,
    /// Remove nothing.
    Keep,
}

/// The owner's side: what it created lives until this is dropped.
#[derive(Debug)]
pub(crate) struct Reaper {
    process: Child,
    words: Option<ChildStdin>,
    directory: PathBuf,
}

impl Reaper {
    /// Starts a reaper and waits until it has created the directory of the run.
    pub(crate) fn spawn(duty: &Duty) -> Result<Reaper, ServerError> {
        let failed = |problem: String| ServerError::Reaper { problem };
        // Else a program whose code before main does not run would start itself without end.
        if std::env::var_os(VARIABLE).is_some() {
            return Err(failed(format!(
                "{VARIABLE} is set, so this process was started as a reaper, and its code before main did not run; unset it"
            )));
        }
        let program = std::env::current_exe().map_err(|error| failed(error.to_string()))?;
        let directory = place::choose(false)?;
        let mut command = Command::new("/bin/sh");
        command.args(["-c", DEAF]).arg(&program).arg(ARGUMENT).arg(&directory).env(VARIABLE, "1");
        without_secrets(command.current_dir("/").process_group(0));
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut process = command.spawn().map_err(|source| ServerError::Spawn { program, source })?;
        let (words, answer) = (process.stdin.take(), process.stdout.take());
        let mut reaper = Reaper { process, words, directory: directory.clone() };
        reaper.say(&Word::Begin { directory, duty: duty.clone() });
        let mut line = String::new();
        let answered = answer.map(|answer| BufReader::new(answer).read_line(&mut line));
        if line.trim() != "ready" {
            let problem =
                answered.and_then(Result::err).map_or_else(|| line.trim().to_owned(), |error| error.to_string());
            return Err(failed(if problem.is_empty() { "it exited".to_owned() } else { problem }));
        }
        Ok(reaper)
    }

    /// The directory that is removed at the end.
    pub(crate) fn directory(&self) -> &Path {
        &self.directory
    }

    /// Reports that the container exists.
    #[cfg(feature = "docker")]
    pub(crate) fn started(&mut self) {
        self.say(&Word::Started);
    }

    /// Tells the reaper to remove nothing.
    pub(crate) fn keep(mut self) {
        self.say(&Word::Keep);
    }

    fn say(&mut self, word: &Word) {
        let Some(words) = &mut self.words else { return };
        let mut line = serde_json::to_string(word).unwrap_or_default();
        line.push('\n');
        // If the reaper is dead, the next run removes what is left.
        let _ = words.write_all(line.as_bytes());
    }
}

impl Drop for Reaper {
    /// Waits until everything is removed.
    fn drop(&mut self) {
        drop(self.words.take());
        let deadline = Instant::now() + END_DEADLINE;
        while Instant::now() < deadline {
            match self.process.try_wait() {
                Ok(None) => std::thread::sleep(Duration::from_millis(1)),
                Ok(Some(_)) | Err(_) => return,
            }
        }
    }
}

/// Whether this process was started as a reaper: neither a variable that it inherited nor an argument alone makes it one.
pub(crate) fn is_one() -> bool {
    std::env::var_os(VARIABLE).is_some() && first_argument().is_some_and(|argument| argument == ARGUMENT)
}

fn first_argument() -> Option<OsString> {
    // Before main, the standard library knows the arguments with glibc and on macOS.
    if std::env::args_os().len() > 0 {
        return std::env::args_os().nth(1);
    }
    let line = std::fs::read("/proc/self/cmdline").ok()?;
    line.split(|byte| *byte == 0).nth(1).map(|argument| OsString::from_vec(argument.to_vec()))
}

/// Reads messages until the owner ends, then removes everything. False if there was no owner to give it a duty.
pub(crate) fn run() -> bool {
    let mut lines =
        std::io::stdin().lock().lines().map_while(Result::ok).filter_map(|line| serde_json::from_str(&line).ok());
    let Some(Word::Begin { directory, duty }) = lines.next() else { return false };
    let made = make(&directory);
    let answer = made.as_ref().map_or_else(ToString::to_string, |()| "ready".to_owned());
    // An owner that is dead already hears nothing; what it began is removed all the same.
    let _ = writeln!(std::io::stdout(), "{answer}");
    if made.is_err() {
        return false;
    }
    let mut is_complete = !matches!(duty, Duty::Container { .. });
    for word in lines {
        match word {
            Word::Started => is_complete = true,
            Word::Keep => {
                let _ = std::fs::remove_dir_all(&directory);
                return true;
            }
            Word::Begin { .. } => {}
        }
    }
    let started = Instant::now();
    let left = directory.clone();
    // Even if a server or an engine hangs, this process ends; the next run removes the rest.
    std::thread::spawn(move || {
        std::thread::sleep(END_DEADLINE);
        let _ = std::fs::remove_dir_all(&left);
        std::process::exit(1);
    });
    let mut roles = Vec::new();
    while !is_done(&duty, is_complete, started, &mut roles) && started.elapsed() < PATIENCE {
        std::thread::sleep(Duration::from_millis(200));
    }
    let _ = std::fs::remove_dir_all(&directory);
    true
}

/// Creates the directory, with the file that a sweep checks.
fn make(directory: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    std::fs::DirBuilder::new().mode(0o700).create(directory)?;
    std::fs::write(directory.join("watchdog.pid"), format!("{} {}\n", std::process::id(), namespace()))
}

/// Removes what exists; true if nothing can be left.
fn is_done(duty: &Duty, is_complete: bool, since: Instant, roles: &mut Vec<String>) -> bool {
    match duty {
        Duty::Databases { address, run } => is_complete && databases::end(address, run, roles).is_ok(),
        #[cfg(feature = "docker")]
        Duty::Container { run } => {
            // The engine may still be processing the request to create it.
            const IN_FLIGHT: Duration = Duration::from_secs(3);
            crate::ending::containers::remove(run).is_ok() && (is_complete || since.elapsed() > IN_FLIGHT)
        }
        #[cfg(not(feature = "docker"))]
        Duty::Container { .. } => since.elapsed() > Duration::ZERO,
    }
}
