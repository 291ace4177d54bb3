//! A PostgreSQL version, as reported by its binaries or by the server.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::DatabaseError;
use crate::Session;

/// The oldest supported major.
pub const OLDEST_MAJOR: u16 = 14;

/// The newest released major.
pub const NEWEST_MAJOR: u16 = 18;

/// A version such as 15.18, or 19devel.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Version {
    /// The major version.
    pub major: u16,
    /// The minor version; 0 for a development or beta version.
    pub minor: u16,
    /// The version as printed, without what a distribution adds.
    pub text: String,
}

impl Version {
    /// Parses the output of `postgres --version`: `postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)`.
    pub fn parse(answer: &str) -> Option<Version> {
        let text = answer.split_once("(PostgreSQL)")?.1.split_whitespace().next()?;
        let digits = |text: &str| text.chars().take_while(char::is_ascii_digit).collect::<String>().parse().ok();
        let (major, minor) = text.split_once('.').unwrap_or((text, "0"));
        Some(Version { major: digits(major)?, minor: digits(minor).unwrap_or(0), text: text.to_owned() })
    }

    /// Asks a running server.
    pub fn of(session: &mut Session) -> Result<Version, DatabaseError> {
        let number = session.value("SHOW server_version_num")?.unwrap_or_default();
        let text = session.value("SHOW server_version")?.unwrap_or_default();
        let number: u32 = number.parse().unwrap_or_default();
        let part = |number: u32| u16::try_from(number).unwrap_or_default();
        let text = text.split_whitespace().next().unwrap_or_default().to_owned();
        Ok(Version { major: part(number / 10_000), minor: part(number % 10_000), text })
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_distributions_print() {
        let read = |text: &str| Version::parse(text).map(|v| (v.major, v.minor, v.text));
        assert_eq!(read("postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)\n"), Some((15, 18, "15.18".into())));
        assert_eq!(read("postgres (PostgreSQL) 19devel"), Some((19, 0, "19devel".into())));
        assert_eq!(read("postgres (EnterpriseDB) 9"), None);
    }

    #[test]
    fn orders_by_number() {
        let version = |text: &str| Version::parse(&format!("postgres (PostgreSQL) {text}")).expect("a version");
        assert!(version("9.6.24") < version("15.2") && version("15.2") < version("15.18"));
    }
}
