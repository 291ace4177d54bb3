//! Acts as a tenant in a sandbox, rolls it back, and reports which rows of others have changed.

use std::collections::BTreeMap;
use std::fmt;

use pgproof_runner::Sandbox;
use pgproof_server::session::Row;
use pgproof_server::{DatabaseError, Reported};
use pgproof_sql::QualifiedName;
use pgproof_sql::{quote::identifier, quote::literal};

use super::TenancyError;
use super::config::Tenancy;
use super::ownership::{Owner, Ownership, TenantTable};

/// The role that carries out the attacks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Actor {
    /// The role that works for one tenant at a time.
    Role,
    /// The owner of the tables, to whom policies apply only if they are forced.
    Owner,
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Actor::Role => "the role",
            Actor::Owner => "the tables' owner",
        })
    }
}

/// The value of the setting that names the tenant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Context {
    /// It has never been set in this session.
    Unset,
    /// This.
    Set(String),
}

/// The outcome of a statement.
pub(super) enum Answer {
    Rows(Vec<Row>),
    Refused(Box<Reported>),
}

/// Digests of the rows that do not belong to the attacker: by table, for other tenants and for rows without a tenant.
pub(super) type Others = BTreeMap<QualifiedName, (String, String)>;

/// A sandbox with the attacking role.
pub(super) struct Probe<'a> {
    pub(super) db: Sandbox,
    pub(super) tenancy: &'a Tenancy,
    pub(super) ownership: &'a Ownership,
    pub(super) actor: Actor,
    role: String,
}

impl<'a> Probe<'a> {
    /// Prepares the probe. `db` has its own session, in which the setting was never set.
    pub(super) fn new(
        mut db: Sandbox,
        tenancy: &'a Tenancy,
        ownership: &'a Ownership,
        actor: Actor,
    ) -> Result<Probe<'a>, TenancyError> {
        let attributes = format!(
            "SELECT rolsuper, rolbypassrls, \
             (SELECT min(r.rolname) FROM pg_roles r WHERE (r.rolsuper OR r.rolbypassrls) AND pg_has_role(me.oid, r.oid, 'MEMBER')) \
             FROM pg_roles me WHERE rolname = {}",
            literal(tenancy.role.as_str())
        );
        let found = db.rows(&attributes)?.into_iter().next();
        let on = |row: &Row, at: usize| row.get(at).is_some_and(|value| value.as_deref() == Some("t"));
        let unbound = |why| TenancyError::Unbound { role: tenancy.role.clone(), why };
        match found {
            None => return Err(TenancyError::NoRole { role: tenancy.role.clone() }),
            Some(row) if on(&row, 0) => return Err(unbound("a superuser".to_owned())),
            Some(row) if on(&row, 1) => return Err(unbound("a role with BYPASSRLS".to_owned())),
            Some(row) if row.get(2).is_some_and(Option::is_some) => {
                let other = row.get(2).cloned().flatten().unwrap_or_default();
                return Err(unbound(format!("a member of {other}, which policies do not bind")));
            }
            Some(_) => {}
        }
        let mut role = tenancy.role.as_str().to_owned();
        if actor == Actor::Owner {
            // A separate owner, which also has the privileges of the application's role. On an external server its name is
            // the run's: of two transactions that create a role of one name, the second waits for the first.
            let run = db.template().handle().run.as_ref().map(|run| format!("_{run}"));
            role = format!("pgproof_tables_owner{}", run.unwrap_or_default());
            let mut sql = format!(
                "CREATE ROLE {0} NOLOGIN NOSUPERUSER NOBYPASSRLS; GRANT {1} TO {0};",
                identifier(&role),
                tenancy.role.sql()
            );
            let schemas: std::collections::BTreeSet<&String> =
                ownership.tables.iter().map(|table| &table.relation.schema).collect();
            for schema in schemas {
                sql.push_str(&format!(
                    "GRANT USAGE, CREATE ON SCHEMA {} TO {};",
                    identifier(schema),
                    identifier(&role)
                ));
            }
            for table in &ownership.tables {
                for relation in std::iter::once(&table.relation).chain(&table.children) {
                    sql.push_str(&format!("ALTER TABLE {} OWNER TO {};", relation.sql(), identifier(&role)));
                }
            }
            db.run(&sql)?;
        }
        // The rows to be inserted have the first numbers.
        db.run(
            "SELECT setval(format('%I.%I', schemaname, sequencename), least(max_value - 1, greatest(min_value, coalesce(last_value, 0) + 1000))) \
             FROM pg_sequences WHERE increment_by > 0 AND max_value > min_value",
        )?;
        Ok(Probe { db, tenancy, ownership, actor, role })
    }

    /// The columns of each relation that the attacker may read, by qualified name.
    pub(super) fn readable(&mut self) -> Result<BTreeMap<QualifiedName, Vec<String>>, DatabaseError> {
        let sql = format!(
            "SELECT n.nspname, c.relname, a.attname \
             FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_attribute a ON a.attrelid = c.oid \
             WHERE c.relkind IN ('r', 'p', 'v', 'm') AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' \
               AND a.attnum > 0 AND NOT a.attisdropped AND has_column_privilege({}, c.oid, a.attnum, 'SELECT') \
             ORDER BY c.oid, a.attnum",
            literal(&self.role)
        );
        let mut readable: BTreeMap<QualifiedName, Vec<String>> = BTreeMap::new();
        for row in self.db.rows(&sql)? {
            if let [Some(schema), Some(relation), Some(column)] = row.as_slice() {
                readable.entry(QualifiedName::in_schema(schema, relation)).or_default().push(column.clone());
            }
        }
        Ok(readable)
    }

    /// What a tenant's session runs before its work. Inside a transaction only.
    pub(super) fn prelude(&self, context: &Context) -> String {
        let role = identifier(&self.role);
        match context {
            Context::Unset => format!("SET LOCAL ROLE {role}; "),
            Context::Set(tenant) => format!("{}SET LOCAL ROLE {role}; ", self.switch(tenant)),
        }
    }

    /// Sets the tenant of the session.
    pub(super) fn switch(&self, tenant: &str) -> String {
        let name: Vec<String> = self.tenancy.setting.split('.').map(identifier).collect();
        format!("SET LOCAL {} = {}; ", name.join("."), literal(tenant))
    }

    /// Runs statements as a tenant, then `after` as the superuser, and rolls everything back.
    pub(super) fn act<T>(
        &mut self,
        context: &Context,
        sql: &str,
        after: impl FnOnce(&mut Probe<'a>, &Answer) -> Result<T, DatabaseError>,
    ) -> Result<T, DatabaseError> {
        let prelude = self.prelude(context);
        let answer = match self.db.rows(&format!("SAVEPOINT act; {prelude}{sql}\n; RESET ROLE")) {
            Ok(rows) => Answer::Rows(rows),
            Err(DatabaseError::Reported(report)) => {
                self.db.run("ROLLBACK TO act; RELEASE act")?;
                return after(self, &Answer::Refused(report));
            }
            Err(error) => return Err(error),
        };
        let result = after(self, &answer)?;
        self.db.run("ROLLBACK TO act; RELEASE act")?;
        Ok(result)
    }

    /// The same, returning only the result.
    pub(super) fn ask(&mut self, context: &Context, sql: &str) -> Result<Answer, DatabaseError> {
        self.act(context, sql, |_, answer| {
            Ok(match answer {
                Answer::Rows(rows) => Answer::Rows(rows.clone()),
                Answer::Refused(report) => Answer::Refused(report.clone()),
            })
        })
    }

    /// Prepares the digests of rows that do not belong to `tenant`; of all rows if there is none. [`Probe::others`]
    /// reads them.
    pub(super) fn prepare_others(&mut self, tenant: Option<&str>) -> Result<(), DatabaseError> {
        let here = |table: &&TenantTable| !matches!(table.owner, Owner::Shared(_)) && !table.is_foreign();
        let tables = self.ownership.tables.iter().filter(here);
        let digest = |table: &TenantTable| {
            let mine = tenant.map_or("false".to_owned(), |tenant| self.ownership.belongs(table, tenant));
            let nobody = match table.nullable_tenant() {
                Some(column) => format!("{} IS NULL", identifier(column)),
                None => "false".to_owned(),
            };
            let sum =
                |of: &str| format!("count(*) FILTER (WHERE {of}) || ':' || coalesce(sum(h) FILTER (WHERE {of}), 0)");
            // A row that was rewritten with the same values has a different xmin.
            format!(
                "SELECT {}, {}, {} FROM (SELECT hashtextextended(t::text || t.xmin::text, 0) AS h, \
                 ({mine}) IS NOT TRUE AND NOT ({nobody}) AS theirs, ({nobody}) AS nobodys FROM {} t) x",
                literal(&table.relation.qualified_name().to_string()),
                sum("theirs"),
                sum("nobodys"),
                table.relation.sql()
            )
        };
        let sql = tables.map(digest).collect::<Vec<_>>().join(" UNION ALL ");
        self.db.run(&format!("DEALLOCATE ALL; PREPARE others AS {sql}"))
    }

    /// The digests that were prepared.
    pub(super) fn others(&mut self) -> Result<Others, DatabaseError> {
        let mut rows = self.db.rows("EXECUTE others")?.into_iter();
        let text = |row: &mut Row, at: usize| row.get_mut(at).and_then(Option::take).unwrap_or_default();
        let digests = rows
            .by_ref()
            .map(|mut row| (QualifiedName::from(text(&mut row, 0)), (text(&mut row, 1), text(&mut row, 2))));
        Ok(digests.collect())
    }
}
