//! What has to happen before `main`: a process that was started as a reaper never gets there. The linker has to be told
//! of such a function, which is unsafe (what `main` relies on may not be set up yet); it uses nothing of the kind.

use crate::ending::reaper;

#[ctor::ctor(unsafe)]
fn before_main() {
    if std::env::var_os(reaper::VARIABLE).is_some() {
        reaper::take_care();
        std::process::exit(0);
    }
}
