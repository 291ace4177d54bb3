//! Runs before `main`: a process that was started as a reaper never gets there. Registering such a function is unsafe,
//! because the runtime that `main` relies on may not be set up yet; this one relies on none of it.

use crate::ending::reaper;

#[ctor::ctor(unsafe)]
fn before_main() {
    if reaper::is_one() {
        std::process::exit(if reaper::run() { 0 } else { 2 });
    }
}
