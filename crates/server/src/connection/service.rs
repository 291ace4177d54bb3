//! Connection service files (documentation, "libpq": "The Connection Service File").

use std::path::{Path, PathBuf};

use super::AddressError;

/// The parameters of a service: from the user's file, else from the system's.
pub(super) fn find(name: &str, users: &Path) -> Result<Vec<(String, String)>, AddressError> {
    let systems =
        std::env::var_os("PGSYSCONFDIR").map_or_else(|| PathBuf::from("/etc/postgresql-common"), PathBuf::from);
    let looked = vec![users.to_path_buf(), systems.join("pg_service.conf")];
    for path in &looked {
        if let Ok(text) = pgproof_sql::files::read_text(path)
            && let Some(parameters) = section(&text, name)
        {
            return Ok(parameters);
        }
    }
    Err(AddressError::Service { name: name.to_owned(), looked })
}

/// The `keyword=value` lines below `[name]`.
fn section(text: &str, name: &str) -> Option<Vec<(String, String)>> {
    let header = |line: &str| line.strip_prefix('[').and_then(|line| line.strip_suffix(']')).map(str::to_owned);
    let mut lines = text.lines().map(str::trim).skip_while(|line| header(line).as_deref() != Some(name));
    lines.next()?;
    let inside = lines.take_while(|line| header(line).is_none());
    let pairs = inside.filter(|line| !line.starts_with('#')).filter_map(|line| line.split_once('='));
    Some(pairs.map(|(keyword, value)| (keyword.trim().to_owned(), value.trim().to_owned())).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_is_a_section_of_a_file() {
        let text = "[a]\nhost=one\n\n# comment = x\n[b]\nhost = two\nport=5433\n[c]\n";
        let pairs = section(text, "b").expect("b");
        assert_eq!(pairs, [("host", "two"), ("port", "5433")].map(|(k, v)| (k.to_owned(), v.to_owned())));
        assert_eq!(section(text, "d"), None);
        let error = find("nobody", Path::new("/nowhere")).expect_err("no such service").to_string();
        assert!(error.starts_with("service nobody is defined neither in /nowhere nor in "), "{error}");
    }
}
