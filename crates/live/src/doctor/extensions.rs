//! The extensions that the migrations create: whether the server has them, whether they are created already, and whether
//! this role may create them.

use pgproof_runner::Schema;
use pgproof_server::{DatabaseError, Session};
use pgproof_sql::quote::literal;
use pgproof_sql::{Identifier, Migration, extensions_created};

use super::{Check, IntoCheck, Outcome, Problem, Subject};
use crate::Target;

/// The installed version, the version that would be created, whether it needs a superuser, whether it is trusted, and
/// whether the role is a superuser and may create in the database.
const EXTENSION: &str = "SELECT a.installed_version, v.version, v.superuser, v.trusted,
        (SELECT rolsuper FROM pg_roles WHERE rolname = current_user),
        has_database_privilege(current_database(), 'CREATE'),
        EXISTS (SELECT FROM pg_roles WHERE rolname = ANY (:services) AND pg_has_role(oid, 'MEMBER'))
    FROM pg_available_extensions a
    LEFT JOIN pg_available_extension_versions v ON v.name = a.name AND v.version = a.default_version
    WHERE a.name = :name";

/// The roles of managed services whose members may create more extensions than PostgreSQL itself allows.
const SERVICES: &str =
    "ARRAY['neon_superuser', 'rds_superuser', 'cloudsqlsuperuser', 'azure_pg_admin', 'alloydbsuperuser', 'doadmin']";

/// One check an extension, or one that says there are none.
pub(super) fn extensions(
    session: &mut Session,
    schema: &Schema,
    migrations: &[Migration],
    target: &Target,
) -> Vec<Check> {
    let created = extensions_created(migrations);
    // What an administrator creates beforehand, the migrations do not.
    let beforehand: Vec<String> =
        schema.extensions.iter().filter(|name| schema.owner.is_some() && !created.contains(name)).cloned().collect();
    if created.is_empty() && beforehand.is_empty() {
        let outcome = Outcome::Fine("the migrations create none".to_owned());
        return vec![Check { subject: Subject::Extensions, outcome }];
    }
    let all = created.iter().map(|name| (name, true)).chain(beforehand.iter().map(|name| (name, false)));
    all.map(|(name, by_migrations)| {
        extension(session, name, by_migrations, target).into_check(Subject::Extension(name.clone()))
    })
    .collect()
}

fn extension(
    session: &mut Session,
    name: &str,
    by_migrations: bool,
    target: &Target,
) -> Result<Outcome, DatabaseError> {
    let query = EXTENSION.replace(":services", SERVICES).replace(":name", &literal(name));
    let Some(row) = session.rows(&query)?.into_iter().next() else {
        return Ok(Outcome::Problem(Problem::new(
            "the server does not have it",
            [
                "install the package that provides it (Debian: postgresql-contrib, for those of PostgreSQL itself)",
                "on a managed database, enable it in the console; SELECT * FROM pg_available_extensions lists what is there",
            ],
        )));
    };
    let text = |at: usize| row.get(at).cloned().flatten().unwrap_or_default();
    let is = |at: usize| text(at) == "t";
    let (needs_superuser, trusted, superuser, may_create, of_service) = (is(2), is(3), is(4), is(5), is(6));
    let quoted = Identifier::new(name).sql();
    let database = Identifier::new(target.database()).sql();
    let role = Identifier::new(target.address.get("user").unwrap_or_default()).sql();
    if !text(0).is_empty() {
        return Ok(Outcome::Fine(format!("created, version {}", text(0))));
    }
    let by_administrator = format!("have an administrator run, in {}: CREATE EXTENSION {quoted}", target.database());
    Ok(if !by_migrations {
        Outcome::Problem(Problem::new(
            "not created, and pgproof.toml says that it is created beforehand",
            [by_administrator],
        ))
    } else if superuser || !needs_superuser || trusted && may_create {
        let how = if trusted { ", trusted" } else { "" };
        Outcome::Fine(format!("available (version {}{how}), and the role may create it", text(1)))
    } else if of_service {
        Outcome::Warning(Problem::new(
            "PostgreSQL wants a superuser for it; the service may allow it to this role all the same",
            [format!("see the service's list of extensions, or try CREATE EXTENSION {quoted} in another database")],
        ))
    } else if trusted {
        Outcome::Problem(Problem::new(
            "available and trusted, but the role has no CREATE on the database",
            [format!("GRANT CREATE ON DATABASE {database} TO {role}"), format!("or {by_administrator}")],
        ))
    } else {
        Outcome::Problem(Problem::new("available, but not trusted: only a superuser may create it", [by_administrator]))
    })
}
