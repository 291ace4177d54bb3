//! The choice of a provider, as entered by users.

use std::fmt;
use std::str::FromStr;

/// Names the provider, or holds a connection string, overriding `server.provider` in the configuration.
pub const SERVER_VARIABLE: &str = "PGPROOF_SERVER";

/// Where a server comes from.
#[derive(Clone, Default, PartialEq, Eq)]
pub enum ServerChoice {
    /// Binaries on this machine, else a container, else downloaded binaries.
    #[default]
    Auto,
    /// Binaries on this machine.
    Local,
    /// A container.
    Docker,
    /// Binaries that are downloaded once.
    Download,
    /// An external server: its connection string.
    Url(String),
}

impl FromStr for ServerChoice {
    type Err = String;

    fn from_str(text: &str) -> Result<ServerChoice, String> {
        match text {
            "auto" => Ok(ServerChoice::Auto),
            "local" => Ok(ServerChoice::Local),
            "docker" => Ok(ServerChoice::Docker),
            "download" => Ok(ServerChoice::Download),
            text if text.contains("://") || text.contains('=') => Ok(ServerChoice::Url(text.to_owned())),
            _ => Err("expected auto, local, docker, download, or a connection string such as postgres://user@host"
                .to_owned()),
        }
    }
}

impl fmt::Debug for ServerChoice {
    /// A connection string may hold a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            ServerChoice::Auto => "auto",
            ServerChoice::Local => "local",
            ServerChoice::Docker => "docker",
            ServerChoice::Download => "download",
            ServerChoice::Url(_) => "url",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_provider_is_a_word_or_a_connection_string() {
        assert_eq!("docker".parse(), Ok(ServerChoice::Docker));
        assert_eq!("postgres://db".parse(), Ok(ServerChoice::Url("postgres://db".to_owned())));
        assert_eq!("host=db".parse(), Ok(ServerChoice::Url("host=db".to_owned())));
        assert!("dokcer".parse::<ServerChoice>().expect_err("no such provider").contains("local, docker"));
        let provider: ServerChoice = "postgres://me:hush@db".parse().expect("a string");
        assert!(!format!("{provider:?}").contains("hush"));
    }
}
