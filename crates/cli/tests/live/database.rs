//! A database that is in use, and the project whose schema it has.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use pgproof_server::{Server, ServerChoice, ServerOptions, Session};

use crate::project::{Ended, Project};

/// A database of this process's server, owned by a role that may do nothing else, as a managed service gives it.
pub struct InUse {
    pub project: Project,
    /// Its name, and that of its owner.
    pub name: String,
}

/// The server of these tests. Its watchdog ends it with the process.
fn server() -> &'static Server {
    static SERVER: OnceLock<Server> = OnceLock::new();
    let local = ServerOptions { provider: ServerChoice::Local, ..ServerOptions::default() };
    SERVER.get_or_init(|| Server::start(&local).expect("a server"))
}

impl InUse {
    /// An empty database for the schema of a project. `[databases.live]` of its configuration names it, with these lines.
    pub fn of(project: Project, lines: &str) -> InUse {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let name = format!("live_{}", NUMBER.fetch_add(1, Ordering::Relaxed));
        let mut maintenance = server().handle().maintenance().expect("a session");
        maintenance.run(&format!("CREATE ROLE {name} LOGIN")).expect("a role");
        maintenance.run(&format!("CREATE DATABASE {name} OWNER {name}")).expect("a database");
        let in_use = InUse { project, name };
        let table = format!("\n[databases.live]\nconnection = \"{}\"\n{lines}\n", in_use.conninfo());
        // Before the table, so that `lines` may begin another one.
        in_use.project.append("pgproof.toml", &table);
        in_use
    }

    /// The opportunity schema, migrated with psql's means: file by file, by the owner.
    pub fn migrated() -> InUse {
        InUse::migrated_of("opportunity")
    }

    /// The same for this schema.
    pub fn migrated_of(schema: &str) -> InUse {
        let in_use = InUse::of(Project::of(schema), "");
        in_use.migrate_by_hand();
        in_use
    }

    /// Applies the migrations without pgproof's commands.
    pub fn migrate_by_hand(&self) {
        self.migrate_by_hand_until(usize::MAX);
    }

    /// Applies the first of them.
    pub fn migrate_by_hand_until(&self, count: usize) {
        // A project of these tests has one schema.
        let schemas = std::fs::read_dir(self.project.path("sql")).expect("a directory");
        let schema = schemas.map(|entry| entry.expect("an entry").path()).next().expect("a schema");
        let mut files: Vec<_> = std::fs::read_dir(schema)
            .expect("a directory")
            .map(|entry| entry.expect("an entry").path())
            .filter(|path| path.is_file())
            .collect();
        files.sort();
        for file in files.into_iter().take(count) {
            self.run(&std::fs::read_to_string(file).expect("a file"));
        }
    }

    /// A connection string for its owner.
    pub fn conninfo(&self) -> String {
        self.conninfo_as(&self.name)
    }

    /// A connection string for another role.
    pub fn conninfo_as(&self, role: &str) -> String {
        format!("host={} user={role} dbname={}", server().directory().display(), self.name)
    }

    /// A session of the owner.
    pub fn session(&self) -> Session {
        let address = pgproof_server::connection::Address::parse(&self.conninfo()).expect("an address");
        Session::open(&address, &self.name).expect("a session")
    }

    /// A session of the superuser.
    pub fn superuser(&self) -> Session {
        server().handle().open(&self.name).expect("a session")
    }

    /// Runs SQL as the owner.
    #[track_caller]
    pub fn run(&self, sql: &str) {
        self.session().run(sql).expect("it runs");
    }

    /// The first column of a query, as the superuser.
    pub fn column(&self, sql: &str) -> Vec<String> {
        self.superuser().column(sql).expect("rows")
    }

    /// Everything that a change would change: the versions of the catalog's rows, and the rows of tables.
    pub fn state(&self) -> Vec<String> {
        let rows = "SELECT c.oid::regclass || ' ' || md5(query_to_xml('SELECT xmin, * FROM ' || c.oid::regclass, true, true, '')::text) FROM pg_class c";
        let tables = "c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace";
        let catalogs = "c.oid IN ('pg_class'::regclass, 'pg_attribute'::regclass, 'pg_constraint'::regclass, 'pg_namespace'::regclass)";
        self.column(&format!("{rows} WHERE {tables} OR {catalogs} ORDER BY 1"))
    }

    /// Runs pgproof in the project.
    pub fn pgproof(&self, arguments: &[&str]) -> Ended {
        self.project.run(arguments)
    }
}
