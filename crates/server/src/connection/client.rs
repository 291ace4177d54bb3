//! How PostgreSQL's own client programs connect to an address: by a service file and a password file in a private
//! directory, so that nothing of it stands in an argument list or environment (documentation, "libpq": "The Connection
//! Service File", "The Password File").

use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::process::Command;

use super::Address;

/// What of an address libpq of any supported version understands by the same name.
const PASSED_ON: &[&str] = &[
    "host",
    "hostaddr",
    "port",
    "user",
    "sslmode",
    "sslrootcert",
    "sslcert",
    "sslkey",
    "sslnegotiation",
    "connect_timeout",
    "channel_binding",
    "target_session_attrs",
    "options",
    "keepalives",
    "keepalives_idle",
    "keepalives_interval",
];

/// The service in the file.
const SERVICE: &str = "pgproof";

/// A private directory with the files by which a client program connects to one database. It is removed when this is
/// dropped, and may be removed before by whoever watches over the program.
#[derive(Debug)]
pub struct ClientAccess {
    directory: PathBuf,
}

impl ClientAccess {
    /// Writes the files, below the directory for temporary files.
    ///
    /// Fails if they cannot be written, or if a parameter holds a line break.
    pub fn to(address: &Address, database: &str) -> std::io::Result<ClientAccess> {
        let broken = std::io::Error::new(std::io::ErrorKind::InvalidInput, "a connection parameter holds a line break");
        let mut service = format!("[{SERVICE}]\n");
        let parameters = PASSED_ON.iter().filter_map(|keyword| Some((*keyword, address.get(keyword)?)));
        for (keyword, value) in parameters.chain([("dbname", database), ("application_name", "pgproof")]) {
            if value.contains(['\n', '\r']) {
                return Err(broken);
            }
            service.push_str(&format!("{keyword}={value}\n"));
        }
        let name = format!("pgproof-client-{:016x}", crate::random::number());
        let access = ClientAccess { directory: std::env::temp_dir().join(name) };
        std::fs::DirBuilder::new().mode(0o700).create(&access.directory)?;
        access.write("service", &service)?;
        let password = address.get("password").unwrap_or_default();
        if password.contains(['\n', '\r']) {
            return Err(broken);
        }
        let escaped = password.replace('\\', "\\\\").replace(':', "\\:");
        let line = if password.is_empty() { String::new() } else { format!("*:*:*:*:{escaped}\n") };
        access.write("passwords", &line)?;
        Ok(access)
    }

    /// The directory.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Makes a command connect by these files. The program must have the option `--dbname`.
    pub fn give<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        command
            .env("PGSERVICEFILE", self.directory.join("service"))
            .env("PGPASSFILE", self.directory.join("passwords"))
            .arg("--no-password")
            .arg(format!("--dbname=service={SERVICE}"))
    }

    fn write(&self, name: &str, text: &str) -> std::io::Result<()> {
        let path = self.directory.join(name);
        let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
        file.write_all(text.as_bytes())
    }
}

impl Drop for ClientAccess {
    fn drop(&mut self) {
        // Usually it is gone already.
        let _ = std::fs::remove_dir_all(&self.directory);
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_password_stands_in_a_private_file_only() {
        let access = ClientAccess::to(&Address::on_port("db", 5432, "me", "a:b\\c"), "shop").expect("files");
        let directory = access.directory().to_path_buf();
        let read = |name: &str| std::fs::read_to_string(directory.join(name)).expect("a file");
        assert_eq!(read("passwords"), "*:*:*:*:a\\:b\\\\c\n");
        let service =
            "[pgproof]\nhost=db\nport=5432\nuser=me\nsslmode=disable\ndbname=shop\napplication_name=pgproof\n";
        assert_eq!(read("service"), service);
        for (name, mode) in [("", 0o700), ("service", 0o600), ("passwords", 0o600)] {
            let metadata = directory.join(name).metadata().expect("a file");
            assert_eq!(metadata.permissions().mode() & 0o777, mode, "{name}");
        }
        let mut command = Command::new("pg_dump");
        access.give(&mut command);
        assert!(!format!("{command:?}").contains("a:b"));
        drop(access);
        assert!(!directory.exists());
        let address = Address::on_port("db", 5432, "me", "a\nb");
        assert!(ClientAccess::to(&address, "shop").is_err());
    }
}
