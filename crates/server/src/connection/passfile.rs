//! The password file (documentation, "libpq": "The Password File").

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use super::AddressError;

/// The password for a connection with these parameters; none if no line of the file matches, or there is no file.
pub(super) fn find(path: &Path, parameters: &BTreeMap<String, String>) -> Result<Option<String>, AddressError> {
    let Ok(metadata) = path.metadata() else { return Ok(None) };
    if !metadata.is_file() {
        return Ok(None);
    }
    let text = pgproof_sql::files::read_text(path).map_err(|source| AddressError::File {
        what: "password file",
        path: path.to_path_buf(),
        source,
    })?;
    let wanted = |keyword: &str| parameters.get(keyword).map(String::as_str).unwrap_or_default();
    let host = wanted("host").split(',').next().unwrap_or_default();
    // A socket in its default directory matches localhost.
    let host = if host.is_empty() || host.starts_with("/var/run/") || host.starts_with("/run/") || host == "/tmp" {
        "localhost"
    } else {
        host
    };
    let port = wanted("port").split(',').next().unwrap_or_default();
    let line = [host, port, wanted("dbname"), wanted("user")];
    let Some(password) = text.lines().find_map(|text| password(text, line)) else { return Ok(None) };
    if metadata.permissions().mode() & 0o077 != 0 {
        return Err(AddressError::OpenPasswords { path: path.to_path_buf() });
    }
    Ok(Some(password))
}

/// The password of a line `host:port:database:user:password`, if it matches.
fn password(line: &str, wanted: [&str; 4]) -> Option<String> {
    if line.starts_with('#') {
        return None;
    }
    let mut fields = fields(line).into_iter();
    for wanted in wanted {
        let field = fields.next()?;
        if field != "*" && field != wanted {
            return None;
        }
    }
    fields.next()
}

/// The fields between colons; a backslash escapes the next character.
fn fields(line: &str) -> Vec<String> {
    let mut fields = vec![String::new()];
    let mut characters = line.chars();
    while let Some(c) = characters.next() {
        let field = fields.last_mut();
        match (c, field) {
            (':', _) => fields.push(String::new()),
            ('\\', Some(field)) => field.extend(characters.next()),
            (c, Some(field)) => field.push(c),
            (_, None) => {}
        }
    }
    fields
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parameters() -> BTreeMap<String, String> {
        let given = [("host", "db"), ("port", "5432"), ("dbname", "shop"), ("user", "me")];
        given.into_iter().map(|(keyword, value)| (keyword.to_owned(), value.to_owned())).collect()
    }

    fn found(text: &str, mode: u32) -> Result<Option<String>, String> {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("pgpass");
        std::fs::write(&path, text).expect("a file");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).expect("permissions");
        find(&path, &parameters()).map_err(|error| error.to_string())
    }

    #[test]
    fn the_first_matching_line_counts() {
        let text = "# db:5432:shop:me:no\nother:*:*:*:no\ndb:*:shop:me:a\\:b\\\\c\n*:*:*:*:no\n";
        assert_eq!(found(text, 0o600), Ok(Some("a:b\\c".to_owned())));
        assert_eq!(found("db:5433:*:*:no\n", 0o600), Ok(None));
        assert_eq!(find(Path::new("/nowhere/at/all"), &parameters()).ok(), Some(None));
    }

    #[test]
    fn passwords_readable_by_others_are_ignored() {
        let problem = found("*:*:*:*:secret\n", 0o644).expect_err("open to all");
        assert!(problem.contains("is readable by others") && problem.contains("chmod 600"), "{problem}");
        assert!(!problem.contains("secret"));
        // The permissions of a file without a matching line do not matter.
        assert_eq!(found("other:*:*:*:secret\n", 0o644), Ok(None));
    }
}
