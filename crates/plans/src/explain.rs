//! Obtains a plan from PostgreSQL: as the application's role, with the example parameters (*custom*) or for any
//! parameters (*generic*).

use std::fmt;

use pgproof_runner::Sandbox;
use pgproof_server::DatabaseError;
use pgproof_sql::quote::identifier;
use serde_json::Value;

use super::Node;
use super::workload::WorkloadQuery;

/// For which parameters a plan is made (PREPARE's reference page, "Notes").
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// For the example parameters.
    Custom,
    /// For any parameters.
    Generic,
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Mode::Custom => "custom plan",
            Mode::Generic => "generic plan",
        })
    }
}

/// A plan and the planner's estimates.
#[derive(Debug, Clone, PartialEq)]
pub struct Explained {
    /// The plan.
    pub plan: Node,
    /// Its estimated total cost. It varies with the statistics, so it is shown but never compared.
    pub cost: f64,
}

impl WorkloadQuery {
    /// A query without parameters that does not come from a file.
    pub fn unnamed(sql: String) -> WorkloadQuery {
        WorkloadQuery { name: String::new(), title: String::new(), sql, parameters: Vec::new() }
    }

    /// The modes in which this query can be planned: without parameters there is only one plan.
    pub fn modes(&self) -> &'static [Mode] {
        if self.parameters.is_empty() { &[Mode::Custom] } else { &[Mode::Custom, Mode::Generic] }
    }

    /// The plan of the query in this mode, as `role` if one is given.
    pub fn explain(&self, sandbox: &mut Sandbox, mode: Mode, role: Option<&str>) -> Result<Explained, DatabaseError> {
        let result = sandbox.undone(|sandbox| {
            // A function that claims to be immutable runs while a query is planned.
            sandbox.run("SET LOCAL transaction_read_only = on")?;
            if let Some(role) = role {
                sandbox.run(&format!("SET LOCAL ROLE {}", identifier(role)))?;
            }
            if self.parameters.is_empty() {
                return explained(sandbox, &self.sql);
            }
            let cache_mode = match mode {
                Mode::Custom => "force_custom_plan",
                Mode::Generic => "force_generic_plan",
            };
            let types: Vec<_> = self.parameters.iter().map(|parameter| parameter.ty.as_str()).collect();
            let examples: Vec<_> = self.parameters.iter().map(super::workload::Parameter::sql).collect();
            sandbox.run(&format!("SET LOCAL plan_cache_mode = {cache_mode}"))?;
            sandbox.session().run_one(&format!("PREPARE pgproof_query ({}) AS {}", types.join(", "), self.sql))?;
            explained(sandbox, &format!("EXECUTE pgproof_query ({})", examples.join(", ")))
        });
        // A prepared statement survives a rollback.
        sandbox.run("DEALLOCATE ALL")?;
        result
    }
}

fn explained(sandbox: &mut Sandbox, sql: &str) -> Result<Explained, DatabaseError> {
    let answer: Value = sandbox.session().json_of_one(&format!("EXPLAIN (FORMAT JSON) {sql}"))?;
    let plan = &answer[0]["Plan"];
    if plan.is_null() {
        return Err(DatabaseError::Answer { query: sql.to_owned(), problem: "EXPLAIN gave no plan".to_owned() });
    }
    Ok(Explained { plan: Node::from_json(plan), cost: plan["Total Cost"].as_f64().unwrap_or(0.0) })
}

#[cfg(test)]
mod tests {
    use pgproof_runner::isolation::Template;
    use pgproof_server::SqlState;

    use super::*;
    use crate::workload::Parameter;

    fn rejected(sandbox: &mut Sandbox, query: &WorkloadQuery) -> String {
        let error = query.explain(sandbox, Mode::Custom, None).expect_err("an error");
        error.sqlstate().unwrap_or_default().to_owned()
    }

    #[test]
    fn a_second_statement_is_not_run_and_planning_writes_nothing() {
        let mut sandbox = Sandbox::on(Template::scratch().expect("a server")).expect("a sandbox");
        let objects = "CREATE TABLE t (a int);
            CREATE FUNCTION g() RETURNS int LANGUAGE plpgsql AS 'BEGIN INSERT INTO t VALUES (1); RETURN 1; END';
            CREATE FUNCTION f() RETURNS int IMMUTABLE LANGUAGE plpgsql AS 'BEGIN RETURN g(); END'";
        sandbox.run(objects).expect("objects");
        let two = WorkloadQuery::unnamed("SELECT 1; DROP TABLE t".to_owned());
        assert_eq!(rejected(&mut sandbox, &two), SqlState::SYNTAX_ERROR.code());
        let parameters = vec![Parameter { ty: "int".to_owned(), example: "1".to_owned() }];
        let two = WorkloadQuery { parameters, ..WorkloadQuery::unnamed("SELECT $1; DROP TABLE t".to_owned()) };
        assert_eq!(rejected(&mut sandbox, &two), SqlState::SYNTAX_ERROR.code());
        let writes = WorkloadQuery::unnamed("SELECT f()".to_owned());
        assert_eq!(rejected(&mut sandbox, &writes), SqlState::READ_ONLY_SQL_TRANSACTION.code());
        // A query that would write is planned all the same, and nothing is read-only afterwards.
        let insert = WorkloadQuery::unnamed("INSERT INTO t SELECT 1".to_owned());
        insert.explain(&mut sandbox, Mode::Custom, None).expect("a plan");
        sandbox.run("INSERT INTO t VALUES (1)").expect("a row");
    }
}
