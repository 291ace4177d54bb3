//! An IPC namespace and a `/dev/shm` of their own, in which nobody else's shared memory is, and none of a machine's
//! other servers. Making them takes root.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Command, Stdio};

/// Lives as long as this value.
pub struct Namespace {
    holder: Child,
    /// Its end ends the holder.
    words: Option<ChildStdin>,
}

impl Namespace {
    /// A new one; if there cannot be one, it is printed why.
    pub fn new(subject: &str) -> Option<Namespace> {
        let made = Namespace::made();
        if let Err(reason) = &made {
            let _ = writeln!(
                std::io::stderr(),
                "NOT TRIED: the shared memory of {subject}: it takes a namespace: {reason}"
            );
        }
        made.ok()
    }

    fn made() -> Result<Namespace, String> {
        let script = "mount -t tmpfs -o mode=1777 tmpfs /dev/shm && echo ready && exec cat";
        let mut command = Command::new("unshare");
        command.args(["--ipc", "--mount", "sh", "-c", script]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut holder = command.spawn().map_err(|error| error.to_string())?;
        let (words, answer) = (holder.stdin.take(), holder.stdout.take().expect("a pipe"));
        let mut line = String::new();
        BufReader::new(answer).read_line(&mut line).map_err(|error| error.to_string())?;
        let namespace = Namespace { holder, words };
        if line.trim() == "ready" { Ok(namespace) } else { Err("unshare and mount are not permitted".to_owned()) }
    }

    /// The same command, in here, as the process that is started.
    pub fn command(&self, command: &Command) -> Command {
        let mut entered = Command::new("nsenter");
        entered.args(["--ipc", "--mount", "--target", &self.holder.id().to_string()]);
        let directory = command.get_current_dir().expect("a directory");
        entered.args(["sh", "-c", "cd \"$0\" && exec \"$@\""]).arg(directory);
        entered.arg(command.get_program()).args(command.get_args());
        for (name, value) in command.get_envs() {
            match value {
                Some(value) => entered.env(name, value),
                None => entered.env_remove(name),
            };
        }
        entered
    }

    /// The segments of shared memory, one a line, and the files in `/dev/shm`.
    pub fn shared_memory(&self) -> Vec<String> {
        let mut list = Command::new("sh");
        list.args(["-c", "tail -n +2 /proc/sysvipc/shm; ls -A /dev/shm"]).current_dir("/");
        let output = self.command(&list).output().expect("nsenter runs");
        assert!(output.status.success(), "{output:?}");
        String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect()
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        drop(self.words.take());
        let _ = self.holder.wait();
    }
}
