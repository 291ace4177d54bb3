//! Files of snapshots, of the schema and of plans: insta's format, and the pending file beside an accepted one.

use std::path::{Path, PathBuf};

/// The header of a snapshot file, without its marks, and what it holds; a file without a header is all content.
pub fn header_and_content(text: &str) -> (&str, &str) {
    text.strip_prefix("---\n").and_then(|rest| rest.split_once("\n---\n")).unwrap_or(("", text))
}

/// Where a change of this accepted file waits for its review.
pub fn pending_file(accepted: &Path) -> PathBuf {
    let mut name = accepted.file_name().unwrap_or_default().to_os_string();
    name.push(".new");
    accepted.with_file_name(name)
}

/// Writes a pending file.
pub(super) fn leave(file: &Path, description: &str, content: &str) -> std::io::Result<()> {
    if let Some(directory) = file.parent() {
        std::fs::create_dir_all(directory)?;
    }
    std::fs::write(file, format!("---\ndescription: \"{description}\"\n---\n{content}"))
}

/// Removes a pending file. Another run may have removed it.
pub fn remove(file: &Path) -> std::io::Result<()> {
    match std::fs::remove_file(file) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// As insta decides it: not if `INSTA_UPDATE` forbids it, and not in CI unless it says otherwise.
pub fn writes_pending() -> bool {
    match std::env::var("INSTA_UPDATE").as_deref() {
        Ok("no") => false,
        Ok("auto") | Err(_) => std::env::var_os("CI").is_none_or(|ci| ci.is_empty() || ci == "false"),
        Ok(_) => true,
    }
}
