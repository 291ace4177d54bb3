//! The prerequisites of working on a database that is in use, one check each. Nothing is changed there; how to show the
//! results is left to the command.

mod capacity;
mod check;
mod connection;
mod environment;
mod extensions;
mod migrations;
mod pooler;
mod privileges;
mod role;
mod server;
mod traffic;

use pgproof_runner::migration::select;
use pgproof_runner::{Config, Schema};
use pgproof_server::DatabaseError;

use crate::{Target, TargetError};

pub use check::{Check, Outcome, Problem, Subject, Unchecked};
pub use connection::Unreachable;
pub use environment::environment_file;
pub use migrations::migration_files;

/// What is checked once there is a connection, in the order in which it is shown.
const WITH_A_CONNECTION: [Subject; 11] = [
    Subject::Server,
    Subject::Writable,
    Subject::Pooler,
    Subject::Role,
    Subject::DatabasePrivileges,
    Subject::SchemaPrivileges,
    Subject::Ownership,
    Subject::Extensions,
    Subject::Connections,
    Subject::Disk,
    Subject::Traffic,
];

/// The check of a connection string that is not there or unusable; none if the error is one of the configuration, or of a
/// name that it does not have.
pub fn missing_target(error: &TargetError) -> Option<Check> {
    let remedy = match error {
        TargetError::Config(_) | TargetError::Unknown { .. } => return None,
        TargetError::Unset { variable, file, .. } => {
            vec![format!("export {variable}='postgresql://…', or add the line {variable}=… to {}", file.display())]
        }
        TargetError::Address { .. } => {
            vec!["URL-encode special characters in user and password: @ is %40, / is %2F, # is %23".to_owned()]
        }
        _ => Vec::new(),
    };
    let problem = Problem { found: pgproof_sql::with_causes(error), remedy, failure: None };
    Some(Check { subject: Subject::Target, outcome: Outcome::Problem(problem) })
}

/// Checks a database for the migrations of a schema. A check that needs a connection says so if there is none: it is not
/// tried again.
pub fn examine(config: &Config, schema: &Schema, target: &Target) -> Vec<Check> {
    let (mut session, connected) = match connection::open(target) {
        Ok(opened) => opened,
        Err(failed) => {
            let not_checked = WITH_A_CONNECTION
                .map(|subject| Check { subject, outcome: Outcome::Unchecked(Unchecked::NoConnection) });
            return [vec![*failed], not_checked.to_vec()].concat();
        }
    };
    // Without migrations, nothing is known to be created; that they cannot be read is a check of its own.
    let migrations = select(config, schema).unwrap_or_default();
    let mut checks = vec![connected];
    checks.push(server::version(&mut session, schema).into_check(Subject::Server));
    checks.push(server::writable(&mut session, target).into_check(Subject::Writable));
    checks.push(pooler::pooler(&mut session, target).into_check(Subject::Pooler));
    // A transaction pooler may keep none of this; the transactions of these checks change nothing in any case.
    if let Err(error) = session.run(connection::READ_ONLY) {
        let unchecked = |subject: Subject| Check { subject, outcome: error_of(&error) };
        checks.extend(WITH_A_CONNECTION.into_iter().skip(3).map(unchecked));
        return checks;
    }
    checks.push(role::role(&mut session).into_check(Subject::Role));
    checks.extend(privileges::privileges(&mut session, schema, &migrations, target));
    checks.extend(extensions::extensions(&mut session, schema, &migrations, target));
    checks.push(capacity::connections(&mut session).into_check(Subject::Connections));
    checks.push(capacity::disk(&mut session).into_check(Subject::Disk));
    checks.push(traffic::traffic(&mut session).into_check(Subject::Traffic));
    checks
}

/// What a check found, or why it could not ask.
trait IntoCheck {
    fn into_check(self, subject: Subject) -> Check;
}

impl IntoCheck for Result<Outcome, DatabaseError> {
    fn into_check(self, subject: Subject) -> Check {
        Check { subject, outcome: self.unwrap_or_else(|error| error_of(&error)) }
    }
}

fn error_of(error: &DatabaseError) -> Outcome {
    Outcome::Unchecked(Unchecked::Failed(pgproof_sql::with_causes(error)))
}
