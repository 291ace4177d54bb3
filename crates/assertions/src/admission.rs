//! What the CHECKs on one column alone admit: which of them decide it by comparisons with constants, and which values
//! they accept. PostgreSQL evaluates the conditions, without inserting anything.

use pgproof_catalog::{Catalog, Column, ConstraintKind, Relation};
use pgproof_runner::Sandbox;
use pgproof_server::DatabaseError;
use pgproof_sql::constants_compared;
use pgproof_sql::quote::{identifier, literal};

/// The CHECKs on one column alone, those of its domain included.
pub(crate) struct Admission<'a> {
    column: &'a Column,
    /// Those that only compare with constants.
    deciding: Vec<Condition>,
    /// The others.
    other: Vec<Condition>,
    constants: Vec<String>,
}

/// A CHECK.
struct Condition {
    /// Its name, or that of the domain.
    name: String,
    definition: String,
    expression: String,
}

impl<'a> Admission<'a> {
    pub(crate) fn of(catalog: &Catalog, relation: &Relation, column: &'a Column) -> Admission<'a> {
        let mut admission = Admission { column, deciding: Vec::new(), other: Vec::new(), constants: Vec::new() };
        let of_column = [column.name.clone()];
        let checks = catalog.constraints_of(relation).filter(|check| check.kind == ConstraintKind::Check);
        for check in checks.filter(|check| check.columns == of_column) {
            let expression = check.expression.clone().unwrap_or("true".to_owned());
            let (name, definition) = (check.name.clone(), check.definition.clone());
            admission.add(Condition { name, definition, expression }, &column.name);
        }
        for definition in column.ty.domain_checks.iter().flatten() {
            let expression = definition.trim_start_matches("CHECK ").trim_end_matches(" NOT VALID").to_owned();
            let name = format!("domain {}", column.ty.domain.as_deref().unwrap_or_default());
            admission.add(Condition { name, definition: definition.clone(), expression }, "value");
        }
        admission
    }

    fn add(&mut self, condition: Condition, column: &str) {
        match constants_compared(&condition.expression, column) {
            Some(constants) => {
                self.deciding.push(condition);
                self.constants.extend(constants);
            }
            None => self.other.push(condition),
        }
    }

    /// The constants with which the column is compared.
    pub(crate) fn constants(&self) -> &[String] {
        &self.constants
    }

    /// The definitions of all CHECKs on the column alone.
    pub(crate) fn definitions(&self) -> Vec<&str> {
        self.deciding.iter().chain(&self.other).map(|check| check.definition.as_str()).collect()
    }

    /// Whether there is a CHECK whose behaviour cannot be told from a few values.
    pub(crate) fn is_open(&self) -> bool {
        !self.other.is_empty()
    }

    /// Of these values, all valid for the type, those that every CHECK accepts. `None` if a condition fails for one.
    pub(crate) fn admits(
        &self,
        sandbox: &mut Sandbox,
        values: &[String],
    ) -> Result<Option<Vec<String>>, DatabaseError> {
        self.accepted(sandbox, values, self.deciding.iter().chain(&self.other))
    }

    /// Why nothing decides what values other than these strangers are rejected; `None` if comparisons with constants
    /// do.
    pub(crate) fn undecided(
        &self,
        sandbox: &mut Sandbox,
        strangers: &[String],
    ) -> Result<Option<String>, DatabaseError> {
        let accepted = self.accepted(sandbox, strangers, self.deciding.iter())?;
        if !self.deciding.is_empty() && accepted.is_some_and(|accepted| accepted.is_empty()) {
            return Ok(None);
        }
        let tried = strangers.len();
        Ok(Some(match self.other.first() {
            Some(check) => format!(
                "{} is more than comparisons with constants: {}; {tried} other values were tried",
                check.name, check.definition
            ),
            None => format!("no CHECK on this column alone says it; {tried} other values were tried"),
        }))
    }

    fn accepted<'c>(
        &self,
        sandbox: &mut Sandbox,
        values: &[String],
        checks: impl Iterator<Item = &'c Condition>,
    ) -> Result<Option<Vec<String>>, DatabaseError> {
        let conditions = checks.map(|check| format!("({}) IS NOT FALSE", check.expression));
        let conditions = conditions.chain(["true".to_owned()]).collect::<Vec<_>>().join(" AND ");
        let texts: Vec<_> = values.iter().map(|value| literal(value)).collect();
        let name = identifier(&self.column.name);
        // A domain's condition calls the value VALUE. No other name may be the column's.
        let names = if self.column.name == "value" { vec![name] } else { vec![name, "value".to_owned()] };
        let typed = names.iter().map(|name| format!("pgproof_value::{} AS {name}", self.column.ty.base));
        let sql = format!(
            "SELECT pgproof_value FROM unnest(ARRAY[{}]::text[]) AS pgproof_v (pgproof_value), \
             LATERAL (SELECT {}) AS pgproof_row WHERE {conditions}",
            texts.join(", "),
            typed.collect::<Vec<_>>().join(", "),
        );
        Ok(sandbox.session().attempt_rows(&sql)?.ok().map(|rows| rows.into_iter().flatten().flatten().collect()))
    }
}
