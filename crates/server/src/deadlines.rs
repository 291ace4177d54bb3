//! How long migrations may take: a statement, a file, and a whole run. Enforcing it is the job of `session` and of whoever
//! applies files.

use std::time::Duration;

use serde::{Deserialize, Deserializer};

/// Table `[server.deadlines]`: texts such as `"30s"`, `"2min"` or `"1h"`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Deadlines {
    /// How long one statement may take; 2 minutes by default.
    #[serde(deserialize_with = "duration")]
    pub statement: Duration,
    /// How long one file of migrations may take; 10 minutes by default.
    #[serde(deserialize_with = "duration")]
    pub file: Duration,
    /// How long a command may take; 1 hour by default.
    #[serde(deserialize_with = "duration")]
    pub run: Duration,
}

impl Default for Deadlines {
    fn default() -> Deadlines {
        Deadlines { statement: Duration::from_mins(2), file: Duration::from_mins(10), run: Duration::from_hours(1) }
    }
}

/// Parses a duration as configuration and command line write it.
pub fn parse_duration(text: &str) -> Result<Duration, String> {
    match humantime::parse_duration(text) {
        Ok(Duration::ZERO) => Err("a deadline must be longer than 0".to_owned()),
        Ok(duration) => Ok(duration),
        Err(error) => Err(format!("{text:?} is not a duration such as 30s, 2min or 1h: {error}")),
    }
}

/// Reads a duration from configuration, for `deserialize_with`.
pub fn duration<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    parse_duration(&String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_texts_with_a_unit() {
        let read = |text: &str| toml::from_str::<Deadlines>(text);
        let deadlines = read("statement = \"90s\"\nfile = \"1h 30min\"\n").expect("durations");
        assert_eq!(
            (deadlines.statement.as_secs(), deadlines.file.as_secs(), deadlines.run.as_secs()),
            (90, 5400, 3600)
        );
        for wrong in ["statement = 90", "statement = \"90\"", "statement = \"0s\"", "statment = \"1s\""] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
