//! What tests with containers need: an image, and whether containers are left.

use std::io::Write;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::external::DEADLINE;

/// An image for containers. If there is none, the reason is printed to standard error, which is never captured.
pub fn image() -> Option<String> {
    let image = std::env::var("PGPROOF_IMAGE").unwrap_or_else(|_| "postgres:18".to_owned()).replace("{major}", "18");
    let found = Command::new("docker").args(["image", "inspect", &image]).output();
    let missing = match found {
        Ok(output) if output.status.success() => return Some(image),
        Ok(output) => String::from_utf8_lossy(&output.stderr).trim().to_owned(),
        Err(error) => format!("cannot run docker: {error}"),
    };
    assert!(std::env::var_os("PGPROOF_TEST_DOCKER").is_none(), "PGPROOF_TEST_DOCKER requires containers: {missing}");
    let _ = writeln!(std::io::stderr(), "NOT TRIED: servers in containers: {}", missing.replace('\n', " "));
    None
}

/// Our containers.
fn containers() -> String {
    let output = Command::new("docker").args(["ps", "--all", "--quiet", "--filter", "label=org.pgproof.run"]).output();
    String::from_utf8_lossy(&output.expect("docker runs").stdout).into_owned()
}

#[track_caller]
pub fn no_container_remains() {
    let started = Instant::now();
    while !containers().is_empty() {
        assert!(started.elapsed() < DEADLINE, "left behind: {}", containers());
        std::thread::sleep(Duration::from_millis(50));
    }
}
