//! What belongs to a database itself and is in no dump of its contents: its owner, locale, privileges and settings.

use pgproof_server::{DatabaseError, Session};
use pgproof_sql::quote::{identifier, literal};
use serde::{Deserialize, Serialize};

const READ: &str = include_str!("database.sql");

/// Settings whose value is a list of names (source, GUC_LIST_QUOTE): each name is quoted by itself.
const LISTS: &[&str] = &[
    "search_path",
    "temp_tablespaces",
    "local_preload_libraries",
    "session_preload_libraries",
    "shared_preload_libraries",
    "unix_socket_directories",
];

/// The properties of a database.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DatabaseProperties {
    /// Its owner.
    pub owner: String,
    encoding: String,
    collate: String,
    ctype: String,
    provider: String,
    locale: Option<String>,
    connection_limit: i64,
    comment: Option<String>,
    /// Whether it has other privileges than a new database.
    has_privileges: bool,
    privileges: Option<Vec<Privilege>>,
    settings: Vec<Setting>,
}

/// A privilege on the database that its owner has granted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Privilege {
    /// None for PUBLIC.
    grantee: Option<String>,
    name: String,
    with_grant_option: bool,
}

/// `ALTER DATABASE … SET`, or `ALTER ROLE … IN DATABASE … SET`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Setting {
    /// None for everybody.
    role: Option<String>,
    name: String,
    value: String,
}

impl DatabaseProperties {
    /// Those of a session's database.
    pub(super) fn of(session: &mut Session) -> Result<DatabaseProperties, DatabaseError> {
        session.json(READ)
    }

    /// The statement that creates an empty database of this owner and locale.
    pub(super) fn create(&self, name: &str, major: u16) -> String {
        let mut sql = format!(
            "CREATE DATABASE {} OWNER {} TEMPLATE template0 ENCODING {} LC_COLLATE {} LC_CTYPE {}",
            identifier(name),
            identifier(&self.owner),
            literal(&self.encoding),
            literal(&self.collate),
            literal(&self.ctype)
        );
        if major >= 15 {
            sql.push_str(&format!(" LOCALE_PROVIDER {}", self.provider()));
            match (self.provider(), &self.locale) {
                ("icu", Some(locale)) => sql.push_str(&format!(" ICU_LOCALE {}", literal(locale))),
                ("builtin", Some(locale)) => sql.push_str(&format!(" BUILTIN_LOCALE {}", literal(locale))),
                _ => {}
            }
        }
        sql
    }

    /// The same with a locale that every server has.
    pub(super) fn in_c_locale(&self) -> DatabaseProperties {
        let (collate, ctype) = ("C".to_owned(), "C".to_owned());
        DatabaseProperties { collate, ctype, provider: "libc".to_owned(), locale: None, ..self.clone() }
    }

    /// The statements that give a database of the same owner everything else.
    pub(super) fn give(&self, name: &str) -> Vec<String> {
        let database = identifier(name);
        let mut statements: Vec<String> = Vec::new();
        if self.has_privileges {
            statements.push(format!("REVOKE ALL ON DATABASE {database} FROM PUBLIC"));
        }
        for granted in self.privileges.iter().flatten() {
            let grantee = granted.grantee.as_deref().map_or_else(|| "PUBLIC".to_owned(), identifier);
            let option = if granted.with_grant_option { " WITH GRANT OPTION" } else { "" };
            // A word such as CONNECT; whatever else stands in the file is no privilege.
            let word: String = granted.name.chars().filter(char::is_ascii_alphabetic).collect();
            statements.push(format!("GRANT {word} ON DATABASE {database} TO {grantee}{option}"));
        }
        if let Some(comment) = &self.comment {
            statements.push(format!("COMMENT ON DATABASE {database} IS {}", literal(comment)));
        }
        if self.connection_limit >= 0 {
            statements.push(format!("ALTER DATABASE {database} CONNECTION LIMIT {}", self.connection_limit));
        }
        statements.extend(self.settings.iter().map(|setting| setting.statement(&database)));
        statements
    }

    /// Only what is a provider is written into a statement.
    fn provider(&self) -> &'static str {
        match self.provider.as_str() {
            "icu" => "icu",
            "builtin" => "builtin",
            _ => "libc",
        }
    }
}

impl Setting {
    fn statement(&self, database: &str) -> String {
        let whose = match &self.role {
            Some(role) => format!("ALTER ROLE {} IN DATABASE {database}", identifier(role)),
            None => format!("ALTER DATABASE {database}"),
        };
        let name: Vec<String> = self.name.split('.').map(identifier).collect();
        let value = if LISTS.contains(&self.name.as_str()) {
            names(&self.value).iter().map(|name| literal(name)).collect::<Vec<_>>().join(", ")
        } else {
            literal(&self.value)
        };
        let value = if value.is_empty() { "''".to_owned() } else { value };
        format!("{whose} SET {} TO {value}", name.join("."))
    }
}

/// The names in a list such as `"$user", public`; a quote within quotes is doubled.
fn names(list: &str) -> Vec<String> {
    let mut names = Vec::new();
    let mut name = String::new();
    let mut is_quoted = false;
    let mut characters = list.chars().peekable();
    while let Some(c) = characters.next() {
        match c {
            '"' if is_quoted && characters.peek() == Some(&'"') => name.extend(characters.next()),
            '"' => is_quoted = !is_quoted,
            ',' if !is_quoted => names.push(std::mem::take(&mut name)),
            c if c.is_whitespace() && !is_quoted => {}
            c => name.push(c),
        }
    }
    names.push(name);
    names.retain(|name| !name.is_empty());
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_set_name_by_name() {
        let of = |role: Option<&str>, name: &str, value: &str| {
            let (name, value) = (name.to_owned(), value.to_owned());
            Setting { role: role.map(str::to_owned), name, value }.statement("\"d\"")
        };
        let path = of(None, "search_path", "\"$user\", public, \"a\"\"b, c\"");
        assert_eq!(path, "ALTER DATABASE \"d\" SET \"search_path\" TO '$user', 'public', 'a\"b, c'");
        assert_eq!(of(None, "search_path", "\"\""), "ALTER DATABASE \"d\" SET \"search_path\" TO ''");
        let own = of(Some("me"), "app.name", "it's");
        assert_eq!(own, "ALTER ROLE \"me\" IN DATABASE \"d\" SET \"app\".\"name\" TO 'it''s'");
    }
}
