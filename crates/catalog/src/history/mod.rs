//! Which statement of the migrations changed what: of objects, and of rows. The migrations are applied once more, and
//! what each statement touched is read after it. So it is known whatever the statement is: a DO block, a function, a
//! rename.

mod objects;
mod rows;

use pgproof_sql::Migration;

pub use objects::History;
pub use rows::RowHistory;

/// The migrations without the statements that create roles: those exist since the migrations ran first, as they belong to
/// no database.
pub fn without_roles(migrations: &[Migration]) -> Vec<Migration> {
    let mut migrations = migrations.to_vec();
    for migration in &mut migrations {
        migration
            .statements
            .retain(|statement| !["CREATE ROLE", "CREATE USER", "CREATE GROUP"].contains(&statement.kind().as_str()));
    }
    migrations
}
