//! Reads what a user names: a regular file of bounded size. A FIFO would be waited for, a device has no end, and neither
//! is what anybody means. What is in a file is the business of its reader.

use std::fs::{File, Metadata};
use std::io::{Error, ErrorKind, Read, Result};
use std::os::unix::fs::FileTypeExt;
use std::path::Path;

/// The largest file that is read, in bytes. A migration counts with all that it includes.
pub const LARGEST_FILE: u64 = 256 << 20;

/// The content of a file.
pub fn read(path: &Path) -> Result<Vec<u8>> {
    // Asked before it is opened: opening a FIFO waits for its writer.
    check(&path.metadata()?)?;
    let mut bytes = Vec::new();
    File::open(path)?.take(LARGEST_FILE + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > LARGEST_FILE { Err(too_large()) } else { Ok(bytes) }
}

/// The content of a file that must be UTF-8, without a byte order mark.
pub fn read_text(path: &Path) -> Result<String> {
    let wrong = |problem| Error::new(ErrorKind::InvalidData, problem);
    let text = String::from_utf8(read(path)?).map_err(|_| wrong("it is not UTF-8; save it as UTF-8"))?;
    if text.contains('\0') {
        return Err(wrong("it contains a NUL byte; if it is UTF-16, save it as UTF-8"));
    }
    Ok(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text))
}

/// Rejects what is not a regular file, and what is too large.
pub fn check(metadata: &Metadata) -> Result<()> {
    let kind = metadata.file_type();
    let is = |what: &str| Err(Error::new(ErrorKind::InvalidInput, format!("it is {what}, not a file")));
    match () {
        () if kind.is_dir() => is("a directory"),
        () if kind.is_fifo() => is("a FIFO"),
        () if kind.is_socket() => is("a socket"),
        () if kind.is_char_device() || kind.is_block_device() => is("a device"),
        () if metadata.len() > LARGEST_FILE => Err(too_large()),
        () => Ok(()),
    }
}

fn too_large() -> Error {
    Error::new(ErrorKind::FileTooLarge, format!("it is larger than {} MiB", LARGEST_FILE >> 20))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_files_of_bounded_size_are_read() {
        let directory = tempfile::tempdir().expect("a directory");
        let file = directory.path().join("file");
        std::fs::write(&file, "\u{feff}text").expect("a file");
        assert_eq!(read_text(&file).expect("a file"), "text");
        std::fs::write(&file, b"t\0e\0").expect("a file");
        assert!(read_text(&file).expect_err("UTF-16").to_string().contains("UTF-16"));
        let problem = |path: &Path| read(path).expect_err("not read").to_string();
        File::create(&file).expect("a file").set_len(LARGEST_FILE + 1).expect("a large file");
        assert_eq!(problem(&file), "it is larger than 256 MiB");
        assert_eq!(problem(Path::new("/dev/zero")), "it is a device, not a file");
        assert_eq!(problem(directory.path()), "it is a directory, not a file");
        let socket = directory.path().join("socket");
        let _listener = std::os::unix::net::UnixListener::bind(&socket).expect("a socket");
        assert_eq!(problem(&socket), "it is a socket, not a file");
    }
}
