//! SQL as PostgreSQL prints it: two texts are the same query if PostgreSQL prints them alike, whatever major version or
//! author wrote them. In a database that is in use, where nothing can be made for printing, it plans both.

use pgproof_runner::Sandbox;
use pgproof_server::DatabaseError;
use pgproof_server::session::Row;
use pgproof_sql::quote::identifier;

/// Whether two queries are the same: both are made views, and printed here. False if one is no query.
pub(crate) fn same_query(sandbox: &mut Sandbox, one: &str, other: &str) -> Result<bool, DatabaseError> {
    if sandbox.template().in_use().is_some() {
        let (one, other) = (planned(sandbox, one)?, planned(sandbox, other)?);
        return Ok(one.is_some() && one == other);
    }
    let (one, other) = (printed(sandbox, one)?, printed(sandbox, other)?);
    Ok(one.is_some() && one == other)
}

/// The plan of a query, with every expression; it is not run.
fn planned(sandbox: &mut Sandbox, query: &str) -> Result<Option<Vec<Row>>, DatabaseError> {
    Ok(sandbox.session().attempt_rows(&format!("EXPLAIN (VERBOSE, COSTS OFF) {query}"))?.ok())
}

fn printed(sandbox: &mut Sandbox, query: &str) -> Result<Option<String>, DatabaseError> {
    let name = identifier("pgproof_printed");
    let sql = format!("CREATE TEMP VIEW {name} AS {query}");
    let result = sandbox.undone(|sandbox| {
        sandbox.run(&sql)?;
        sandbox.value(&format!("SELECT pg_get_viewdef('pg_temp.{name}'::regclass)"))
    });
    match result {
        Ok(text) => Ok(text),
        Err(DatabaseError::Reported(_)) => Ok(None),
        Err(error) => Err(error),
    }
}
