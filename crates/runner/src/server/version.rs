//! A PostgreSQL version as its binaries print it.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The oldest major that pgproof works with.
pub const OLDEST_MAJOR: u16 = 14;

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
    /// Reads the answer of `postgres --version`: `postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)`.
    pub fn parse(answer: &str) -> Option<Version> {
        let text = answer.split_once("(PostgreSQL)")?.1.split_whitespace().next()?;
        let digits = |text: &str| text.chars().take_while(char::is_ascii_digit).collect::<String>().parse().ok();
        let (major, minor) = text.split_once('.').unwrap_or((text, "0"));
        Some(Version { major: digits(major)?, minor: digits(minor).unwrap_or(0), text: text.to_owned() })
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
