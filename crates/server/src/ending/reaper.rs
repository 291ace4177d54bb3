//! A process that outlives its owner just long enough to remove what the owner made elsewhere: databases on somebody's
//! server, a container, a directory. However the owner ends (`kill -9` included), the caretaker's standard input closes.
//!
//! It is the same program again: `before_main` looks for [`VARIABLE`]. So any program that starts
//! servers can be one, a test binary of somebody's workspace too. (A local server has a `supervisor`, a shell script: it
//! has to run as another user, and is there sooner.)

use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::ServerError;
use crate::connection::Address;
use crate::installation::place;
use crate::installation::sweep::namespace;
use crate::provider::external;

/// Set in the environment of a caretaker.
pub(crate) const VARIABLE: &str = "PGPROOF_REAPER";

/// How long a caretaker may work after its owner's end.
const END_DEADLINE: Duration = Duration::from_mins(1);

/// How long it tries again what fails.
const PATIENCE: Duration = Duration::from_secs(10);

/// Keeps the caretaker from being ended by the signals that end the owner. The directory is for those who read `ps`.
const DEAF: &str = "trap '' HUP INT TERM; exec \"$0\" \"$1\"";

/// What has to be removed in the end.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) enum Duty {
    /// The databases of a run on somebody's server.
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

/// What the owner says in a line.
#[derive(Debug, Serialize, Deserialize)]
enum Word {
    /// The first line.
    Begin { directory: PathBuf, duty: Duty },
    /// The container is there: no more can come.
    Started,
    /// All of it may stay.
    Keep,
}

/// The owner's end: what it made lives until this is dropped.
#[derive(Debug)]
pub(crate) struct Reaper {
    process: Child,
    words: Option<ChildStdin>,
    directory: PathBuf,
}

impl Reaper {
    /// Starts a caretaker and waits until it has made the directory of the run.
    pub(crate) fn spawn(duty: &Duty) -> Result<Reaper, ServerError> {
        let failed = |problem: String| ServerError::Reaper { problem };
        if std::env::var_os(VARIABLE).is_some() {
            return Err(failed(format!(
                "{VARIABLE} is set, so this process is one, and its code before main did not run"
            )));
        }
        let program = std::env::current_exe().map_err(|error| failed(error.to_string()))?;
        let directory = place::choose(false)?;
        let mut command = Command::new("/bin/sh");
        command.args(["-c", DEAF]).arg(&program).arg(&directory).env(VARIABLE, "1").current_dir("/").process_group(0);
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
            return Err(failed(if problem.is_empty() { "it ended".to_owned() } else { problem }));
        }
        Ok(reaper)
    }

    /// The directory that goes in the end.
    pub(crate) fn directory(&self) -> &Path {
        &self.directory
    }

    /// Says that the container is there.
    #[cfg(feature = "docker")]
    pub(crate) fn started(&mut self) {
        self.say(&Word::Started);
    }

    /// Lets everything stay.
    pub(crate) fn keep(mut self) {
        self.say(&Word::Keep);
    }

    fn say(&mut self, word: &Word) {
        let Some(words) = &mut self.words else { return };
        let mut line = serde_json::to_string(word).unwrap_or_default();
        line.push('\n');
        // If the caretaker is gone, the next run will see to what remains.
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

/// Listens until the owner ends, and removes everything.
pub(crate) fn take_care() {
    let mut lines =
        std::io::stdin().lock().lines().map_while(Result::ok).filter_map(|line| serde_json::from_str(&line).ok());
    let Some(Word::Begin { directory, duty }) = lines.next() else { return };
    let made = make(&directory);
    println!("{}", made.as_ref().map_or_else(ToString::to_string, |()| "ready".to_owned()));
    if made.is_err() {
        return;
    }
    let mut is_complete = !matches!(duty, Duty::Container { .. });
    for word in lines {
        match word {
            Word::Started => is_complete = true,
            Word::Keep => {
                let _ = std::fs::remove_dir_all(&directory);
                return;
            }
            Word::Begin { .. } => {}
        }
    }
    let started = Instant::now();
    let left = directory.clone();
    // Whatever hangs (a server that is frozen, an engine), this process does not; the next run sees to the rest.
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
}

/// Makes the directory, with what a sweep looks for.
fn make(directory: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    std::fs::DirBuilder::new().mode(0o700).create(directory)?;
    std::fs::write(directory.join("supervisor.pid"), format!("{} {}\n", std::process::id(), namespace()))
}

/// Removes what there is; true if nothing can be left.
fn is_done(duty: &Duty, is_complete: bool, since: Instant, roles: &mut Vec<String>) -> bool {
    match duty {
        Duty::Databases { address, run } => is_complete && external::end(address, run, roles).is_ok(),
        #[cfg(feature = "docker")]
        Duty::Container { run } => {
            // A request to make it may still be with the engine.
            const IN_FLIGHT: Duration = Duration::from_secs(3);
            crate::provider::docker::remove(run).is_ok() && (is_complete || since.elapsed() > IN_FLIGHT)
        }
        #[cfg(not(feature = "docker"))]
        Duty::Container { .. } => since.elapsed() > Duration::ZERO,
    }
}
