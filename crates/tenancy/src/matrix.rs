//! The matrix of tables and attacks: the attacking roles, the accepted findings, and the resulting assertions.

use pgproof_sql::{Identifier, Property, QualifiedName, is_like};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use pgproof_runner::Sandbox;
use pgproof_runner::{isolation::IsolationError, isolation::Template};
use pgproof_server::DatabaseError;

use super::attack::Attack;
use super::attacker::Attacker;
use super::cell::{Cell, Verdict};
use super::config::{Accepted, Tenancy};
use super::ownership::{Owner, Ownership, TenantTable};
use super::probe::{Actor, Probe};
use super::seeds::Seeds;
use super::text;
use pgproof_assertions::pin::Pin;
use pgproof_assertions::{assertion::Assertion, assertion::Failure, assertion::Subject, assertion::refuted};
use pgproof_catalog::row::RowError;
use pgproof_catalog::{Catalog, Misnamed};

/// Why tenant isolation could not be tested.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TenancyError {
    /// The role bypasses all policies.
    #[error(
        "role {role} is {why}: policies do not bind it, and nothing would be proven; name the role that the application uses (tenancy.role in pgproof.toml)"
    )]
    Unbound {
        /// The role.
        role: Identifier,
        /// What it is.
        why: String,
    },
    /// The role does not exist.
    #[error("role {role} does not exist; make it in the file that tenancy.setup in pgproof.toml names")]
    NoRole {
        /// The role.
        role: Identifier,
    },
    /// The configuration names a table or column that does not exist.
    #[error("tenancy in pgproof.toml names {misnamed}")]
    Misnamed {
        /// What is wrong with the name.
        misnamed: Box<Misnamed>,
    },
    /// The configuration names a column that does not lead to a tenant.
    #[error(
        "no foreign key on {table} ({column}) references a row of a tenant's; correct tenancy.through in pgproof.toml"
    )]
    NoKey {
        /// The table.
        table: String,
        /// The column.
        column: Identifier,
    },
    /// The tenant of a row is ambiguous.
    #[error("{table} references rows of tenants through {}; say in tenancy.through in pgproof.toml which one decides whose a row is", .columns.join(" and "))]
    SeveralKeys {
        /// The table.
        table: String,
        /// The columns of each key.
        columns: Vec<String>,
    },
    /// No table has rows of tenants.
    #[error(
        "no table has a column {column}, so there is nothing to keep apart; correct tenancy.column in pgproof.toml{}",
        .nearest.as_ref().map(|name| format!("; did you mean {name}?")).unwrap_or_default()
    )]
    NoTenantTable {
        /// The column.
        column: Identifier,
        /// The closest name of a column, if one is close.
        nearest: Option<String>,
    },
    /// The type that identifies tenants has no known values.
    #[error("no value is known for the type of the column that names the tenant")]
    TenantType,
    /// No row could be generated for the attacks.
    #[error(transparent)]
    Synth(#[from] RowError),
    /// A database was not available.
    #[error(transparent)]
    Isolation(#[from] IsolationError),
    /// A session failed.
    #[error(transparent)]
    Database(#[from] DatabaseError),
}

/// The outcome of every attack on every table.
#[derive(Debug, Clone)]
pub struct Matrix {
    /// The schema's name.
    pub schema: String,
    /// The role that works for one tenant at a time.
    pub role: Identifier,
    /// A row for each table, and one for the rows without a tenant in each table that can have some.
    pub rows: Vec<MatrixRow>,
    /// What the configuration accepts but was not found.
    pub unfounded: Vec<String>,
}

/// The outcome of every attack on one table.
#[derive(Debug, Clone)]
pub struct MatrixRow {
    /// The table.
    pub table: String,
    /// Whether it concerns rows without a tenant.
    pub no_tenant: bool,
    /// Why the table has no rows of tenants to attack, or what was decided.
    pub decision: Option<String>,
    /// Whether access to the rows is undecided.
    pub undecided: bool,
    /// Why the table could not be attacked.
    pub untried: Option<String>,
    /// The attacks, with the role and the outcome.
    pub cells: Vec<(Actor, Cell)>,
}

impl MatrixRow {
    /// The worst outcome of an attack.
    pub fn verdict(&self, attack: Attack) -> Verdict {
        let of_attack = self.cells.iter().filter(|(_, cell)| cell.attack == attack);
        of_attack.map(|(_, cell)| cell.verdict).max().unwrap_or(Verdict::NotApplicable)
    }
}

/// Tries every attack on every table of a migrated database, as the role and as the tables' owner. The role exists in
/// the database and has the same privileges as in production.
pub fn isolation_matrix(template: &Arc<Template>, tenancy: &Tenancy) -> Result<Matrix, TenancyError> {
    let fresh = || Sandbox::alone::<IsolationError>(template, |_| Ok(()));
    let mut db = fresh()?;
    let catalog = Catalog::of(&mut db)?;
    let schema = db.context().name().to_owned();
    let ownership = Ownership::of(&catalog, tenancy)?;
    let seeds = Seeds::make(&mut fresh()?, &catalog, tenancy, &ownership)?;
    let attacked = |db: Sandbox, actor| -> Result<Vec<(Actor, Cell)>, TenancyError> {
        let probe = Probe::new(db, tenancy, &ownership, actor)?;
        Ok(Attacker::run(probe, &catalog, seeds.clone())?.into_iter().map(|cell| (actor, cell)).collect())
    };
    let (as_role, as_owner) = std::thread::scope(|scope| {
        let owner = scope.spawn(|| attacked(fresh()?, Actor::Owner));
        let role = attacked(db, Actor::Role);
        (role, owner.join())
    });
    let mut cells = as_role?;
    cells.extend(as_owner.unwrap_or_else(|panic| std::panic::resume_unwind(panic))?);
    let mut founded = BTreeSet::new();
    for (_, cell) in &mut cells {
        if let Some(at) = tenancy.accepted.iter().position(|accepted| accepts(&catalog, accepted, cell)) {
            founded.insert(at);
            cell.verdict = Verdict::Accepted;
            cell.note = format!("{}: {}", cell.note, tenancy.accepted[at].reason);
        }
    }
    let unfounded = tenancy.accepted.iter().enumerate().filter(|(at, _)| !founded.contains(at));
    let unfounded = unfounded.map(|(_, accepted)| {
        let tables: Vec<String> = accepted.tables.iter().map(ToString::to_string).collect();
        format!("{} on {}", accepted.attack, tables.join(", "))
    });
    Ok(Matrix {
        schema,
        role: tenancy.role.clone(),
        unfounded: unfounded.collect(),
        rows: rows(&ownership, &cells, &seeds.untried),
    })
}

impl Matrix {
    /// An assertion for each table, and one that the configuration classifies every table and accepts nothing that does
    /// not exist.
    pub fn assertions(&self) -> Vec<Box<dyn Assertion>> {
        let whole = Box::new(Declared { matrix: self.clone() }) as Box<dyn Assertion>;
        let mut tables: BTreeMap<&String, Vec<&MatrixRow>> = BTreeMap::new();
        for row in self.rows.iter().filter(|row| row.undecided || row.untried.is_some() || !row.cells.is_empty()) {
            tables.entry(&row.table).or_default().push(row);
        }
        let of_table = tables.into_iter().map(|(table, rows)| {
            let rows = rows.into_iter().cloned().collect();
            Box::new(KeepsApart { table: table.clone(), rows }) as Box<dyn Assertion>
        });
        std::iter::once(whole).chain(of_table).collect()
    }
}

fn rows(ownership: &Ownership, cells: &[(Actor, Cell)], untried: &BTreeMap<String, String>) -> Vec<MatrixRow> {
    let of = |table: &TenantTable, no_tenant: bool| {
        let theirs = cells.iter().filter(|(_, cell)| cell.table == table.name && cell.no_tenant == no_tenant);
        theirs.cloned().collect::<Vec<_>>()
    };
    let mut rows = Vec::new();
    for table in &ownership.tables {
        let decision = match &table.owner {
            Owner::Shared(reason) | Owner::OperatorOnly(reason) => Some(reason.clone()),
            _ => None,
        };
        let undecided = table.owner == Owner::Undecided;
        let shared = matches!(table.owner, Owner::Shared(_)) || undecided;
        let cells = if shared { Vec::new() } else { of(table, false) };
        let untried = untried.get(&table.name).filter(|_| !shared).cloned();
        rows.push(MatrixRow { table: table.name.clone(), no_tenant: false, decision, undecided, untried, cells });
    }
    for table in ownership.tables.iter().filter(|table| table.nullable_tenant().is_some()) {
        let mut found = of(table, true);
        // These statements were judged for rows without a tenant as well; if they reached none, isolation held.
        for (actor, cell) in of(table, false) {
            let both = matches!(
                cell.attack,
                Attack::Select | Attack::Update | Attack::Delete | Attack::Truncate | Attack::Function | Attack::Child
            );
            if both && matches!(cell.verdict, Verdict::Refused | Verdict::Isolated) {
                found.push((actor, Cell { no_tenant: true, ..cell }));
            }
        }
        rows.push(MatrixRow {
            table: table.name.clone(),
            no_tenant: true,
            decision: None,
            undecided: false,
            untried: None,
            cells: found,
        });
    }
    rows
}

fn accepts(catalog: &Catalog, accepted: &Accepted, cell: &Cell) -> bool {
    let by = if cell.no_tenant { Some("no tenant") } else { cell.by.as_deref() };
    let matches = |pattern: &String| by.is_some_and(|by| is_like(by, pattern));
    cell.verdict == Verdict::Leaks
        && accepted.attack == cell.attack
        && accepted.is_on(catalog, &cell.table)
        && (if accepted.by.is_empty() { !cell.no_tenant } else { accepted.by.iter().any(matches) })
}

/// No tenant reaches another's rows of a table.
#[derive(Debug, Clone)]
struct KeepsApart {
    table: String,
    rows: Vec<MatrixRow>,
}

impl Assertion for KeepsApart {
    fn subject(&self) -> Subject {
        Subject::table(&QualifiedName::from(&self.table))
    }

    fn sentence(&self) -> String {
        "keeps tenants apart".to_owned()
    }

    fn pins(&self, _: &Catalog) -> Vec<Pin> {
        let tried = self.rows.iter().any(|row| !row.cells.is_empty());
        let pin = || Pin::acted_out_both_ways(self.subject().object, Property::Isolation);
        tried.then(pin).into_iter().collect()
    }

    /// The worst outcome of each attack: the outcome, the role, the statement and the reason.
    fn detail(&self) -> Option<serde_json::Value> {
        let cells = self.rows.iter().flat_map(|row| {
            Attack::ALL.iter().filter_map(|attack| {
                let of_attack = row.cells.iter().filter(|(_, cell)| cell.attack == *attack);
                let (actor, cell) = of_attack.max_by_key(|(_, cell)| cell.verdict)?;
                Some(serde_json::json!({
                    "attack": attack.name(),
                    "of_no_tenant": row.no_tenant,
                    "verdict": cell.verdict.name(),
                    "as": actor.to_string(),
                    "by": cell.by,
                    "why": cell.note,
                    "statement": cell.statement,
                }))
            })
        });
        Some(serde_json::Value::Array(cells.collect()))
    }

    fn check(&self, _: &mut Sandbox) -> Result<(), Failure> {
        if self.rows.iter().any(|row| row.undecided) {
            return Err(refuted(
                "whose its rows are is undecided: it has no column that names the tenant, and no key leads to one; \
                 declare it under tenancy.shared or tenancy.operator_only in pgproof.toml, with the reason",
            ));
        }
        if let Some(reason) = self.rows.iter().find_map(|row| row.untried.as_ref()) {
            return Err(Failure::Expectation(format!("it could not be attacked: {reason}")));
        }
        let problems = text::problems(&self.rows);
        if problems.is_empty() { Ok(()) } else { Err(refuted(problems.join("\n"))) }
    }
}

/// The tenant configuration is correct.
#[derive(Debug, Clone)]
struct Declared {
    matrix: Matrix,
}

impl Assertion for Declared {
    fn subject(&self) -> Subject {
        Subject::database(format!("schema {}", self.matrix.schema))
    }

    fn sentence(&self) -> String {
        "accepts of tenants only what they can do".to_owned()
    }

    fn pins(&self, _: &Catalog) -> Vec<Pin> {
        Vec::new()
    }

    fn check(&self, _: &mut Sandbox) -> Result<(), Failure> {
        if self.matrix.unfounded.is_empty() {
            return Ok(());
        }
        let list = self.matrix.unfounded.join("\n");
        Err(refuted(format!("accepted in pgproof.toml, and not found; remove it there:\n{list}")))
    }

    fn exhibit(&self) -> Option<String> {
        Some(text::table(&self.matrix))
    }
}
