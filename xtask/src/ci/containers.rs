//! The main job and the tests in containers. Where no registry can be reached, `.ci/image` makes images from the binaries
//! at hand.

use std::path::Path;
use std::process::Command;

use super::process::{CiError, checked, command_output, printed, run, works};
use super::{majors, read, write};
use pgproof_cli::say;

/// The repository of the images; their tags are majors.
const REPOSITORY: &str = "pgproof-ci";

/// The file, in the directory, that names the image for the tests.
const IMAGE: &str = "image";

/// Verifies in a container of each major, if there is an engine.
pub(super) fn verify(directory: &Path) -> Result<(), CiError> {
    let mut info = Command::new("docker");
    if !works(info.arg("info")) {
        let reason = command_output(&mut info).map(|output| String::from_utf8_lossy(&output.stderr).into_owned());
        let reason = reason.unwrap_or_else(|error| error.to_string());
        let _ = say(format_args!(
            "left out: there is no container engine here: {}\n",
            reason.trim().lines().last().unwrap_or_default()
        ));
        return Ok(());
    }
    let mut all = Vec::new();
    for bin in majors::listed(directory)? {
        let major = majors::major(&bin)?;
        let (official, own) = (format!("postgres:{major}"), format!("{REPOSITORY}:{major}"));
        if printed(Command::new("docker").args(["images", "-q", &official]))?.trim().is_empty() {
            run(Command::new(".ci/image").arg(&bin).arg(&own))?;
        } else {
            run(Command::new("docker").args(["tag", &official, &own]))?;
        }
        all.push(major);
    }
    let list = all.iter().map(u16::to_string).collect::<Vec<_>>().join(",");
    let mut verify = super::process::verify(&["--server", "docker", "--pg", &list])?;
    let _ = say(printed(verify.env("PGPROOF_IMAGE", format!("{REPOSITORY}:{{major}}")))?);
    let newest = all.iter().max().map(|major| format!("{REPOSITORY}:{major}")).unwrap_or_default();
    write(&directory.join(IMAGE), newest)
}

/// Tests the workspace. Where [`verify`] has run in containers, tests must do so as well.
pub(super) fn test(directory: &Path) -> Result<(), CiError> {
    let mut test = Command::new("cargo");
    test.args(["test", "--workspace"]);
    if directory.join(IMAGE).exists() {
        test.env("PGPROOF_IMAGE", read(&directory.join(IMAGE))?).env("PGPROOF_TEST_DOCKER", "1");
    }
    run(&mut test)
}

/// Removes the images that were made or tagged here.
pub(super) fn remove_images() -> Result<(), CiError> {
    let mut list = Command::new("docker");
    // Without an engine there are none.
    let Ok(images) = command_output(list.args(["images", "-q", REPOSITORY])) else { return Ok(()) };
    let images = String::from_utf8_lossy(&images.stdout).into_owned();
    let mut images: Vec<&str> = images.lines().collect();
    images.sort_unstable();
    images.dedup();
    if images.is_empty() {
        return Ok(());
    }
    // What it says of each layer is of no interest, unless it fails.
    let mut remove = Command::new("docker");
    let output = command_output(remove.args(["rmi", "-f"]).args(images))?;
    checked(&remove, output).map(|_| ())
}
