//! Rows of two tenants, and rows without a tenant, in every table. They are created once, recorded as they are, and
//! inserted again whenever an attack needs them, so that a table can be read before and after the other tenant has a
//! row in it.

use std::collections::{BTreeMap, BTreeSet};

use pgproof_runner::Sandbox;
use pgproof_server::DatabaseError;
use pgproof_sql::QualifiedName;
use pgproof_sql::{quote::identifier, quote::literal};

use super::TenancyError;
use super::attack::Attack;
use super::cell::{Cell, Verdict};
use super::config::Tenancy;
use super::ownership::{Owner, Ownership, TenantTable};
use pgproof_catalog::{Catalog, Constraint, ConstraintKind, Relation};
use pgproof_catalog::{row::Draft, row::Row, row::RowError, row::RowGenerator, row::Value};

/// The owner of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Party {
    /// The tenant that attacks.
    Own,
    /// The tenant that is attacked.
    Other,
    /// No tenant.
    Nobody,
}

/// A row as it was made.
#[derive(Debug, Clone)]
pub(super) struct Seed {
    pub(super) party: Party,
    /// The qualified name of the table in the matrix to which it is attributed.
    pub(super) table: QualifiedName,
    /// The table that stores it: that table or one of its descendants.
    relation: Relation,
    /// The values of its columns in text form.
    pub(super) values: BTreeMap<String, Option<String>>,
}

/// The tenants and their rows.
#[derive(Debug, Clone)]
pub(super) struct Seeds {
    pub(super) own: String,
    pub(super) other: String,
    /// A value of the tenants' type that does not name a tenant.
    pub(super) nobody: String,
    pub(super) rows: Vec<Seed>,
    /// New rows of the two tenants, by table, that a superuser could insert in addition to these.
    pub(super) drafts: BTreeMap<(Party, QualifiedName), Draft>,
    /// Tables that limit a tenant's rows, so that a new row requires deleting the existing ones.
    pub(super) full: BTreeSet<QualifiedName>,
    /// Tables for which no row could be generated, with the reason.
    pub(super) untried: BTreeMap<String, String>,
    /// Findings during creation: rows that a trigger assigned to another tenant.
    pub(super) found: Vec<Cell>,
}

impl Seed {
    /// Its value in a column.
    pub(super) fn value(&self, column: &str) -> Option<String> {
        self.values.get(column).cloned().flatten()
    }

    /// Whether it is stored in a descendant of the table to which it is attributed.
    pub(super) fn is_in_child(&self) -> bool {
        self.relation.qualified_name() != self.table
    }

    /// Inserts the row again, unchanged: no trigger fires and no key is checked.
    fn sql(&self) -> String {
        let columns = self.relation.columns.iter().filter(|column| column.generated_as.is_none());
        let (names, values): (Vec<String>, Vec<String>) = columns
            .map(|column| {
                let value = self.value(&column.name);
                (identifier(&column.name), value.map_or("NULL".to_owned(), |text| literal(&text)))
            })
            .unzip();
        format!(
            "INSERT INTO {} ({}) OVERRIDING SYSTEM VALUE VALUES ({});",
            self.relation.sql(),
            names.join(", "),
            values.join(", ")
        )
    }
}

impl Seeds {
    /// Creates the rows, and rolls this back.
    pub(super) fn make(
        db: &mut Sandbox,
        catalog: &Catalog,
        tenancy: &Tenancy,
        ownership: &Ownership,
    ) -> Result<Seeds, TenancyError> {
        let column = tenancy.column.as_str();
        db.undone(|db| {
            let mut maker = Maker {
                generator: RowGenerator::of(db)?,
                catalog,
                ownership,
                rows: Vec::new(),
                found: Vec::new(),
                untried: BTreeMap::new(),
            };
            let mut tenants = Vec::new();
            for _ in 0..2 {
                tenants.push(maker.tenant(db, column)?);
            }
            let nobody = maker.unknown_tenant(column)?;
            for (party, tenant) in [(Party::Own, 0), (Party::Other, 1), (Party::Nobody, 1)] {
                // A trigger may take a row's tenant from the setting.
                let (name, tenant) = (literal(&tenancy.setting), &tenants[tenant]);
                db.run(&format!("SELECT set_config({name}, {}, true)", literal(tenant)))?;
                for table in &ownership.tables {
                    // Its rows are on another server, and a test must not change them.
                    if table.is_foreign() {
                        if table.is_operator_only() {
                            maker.untried.insert(table.name.clone(), "its rows are on another server".to_owned());
                        }
                        continue;
                    }
                    match maker.fill(db, table, party, tenant) {
                        Err(TenancyError::Synth(error)) if !matches!(error, RowError::Database(_)) => {
                            // If rows without a tenant cannot be generated, they are left out.
                            if party != Party::Nobody || table.is_operator_only() {
                                maker.untried.insert(table.name.clone(), error.to_string());
                            }
                        }
                        other => other?,
                    }
                }
            }
            let (drafts, full) = maker.new_rows(db, &tenants)?;
            let Maker { rows, found, untried, .. } = maker;
            let [own, other] = tenants.try_into().unwrap_or_default();
            Ok(Seeds { own, other, nobody, rows, drafts, full, untried, found })
        })
    }

    /// The tenant that owns a party's rows or, for rows without a tenant, the one that is attacked.
    pub(super) fn tenant(&self, party: Party) -> &str {
        if party == Party::Own { &self.own } else { &self.other }
    }

    /// The rows of a party in one table or in all tables.
    pub(super) fn of(&self, party: Party, table: Option<&QualifiedName>) -> Vec<&Seed> {
        let rows = self.rows.iter();
        rows.filter(|seed| seed.party == party && table.is_none_or(|table| seed.table == *table)).collect()
    }

    /// The first row of a party in a table.
    pub(super) fn row(&self, party: Party, table: &QualifiedName) -> Option<&Seed> {
        self.rows.iter().find(|seed| seed.party == party && seed.table == *table)
    }

    /// Inserts rows.
    pub(super) fn put<'a>(db: &mut Sandbox, rows: impl IntoIterator<Item = &'a Seed>) -> Result<(), DatabaseError> {
        let sql: String = rows.into_iter().map(Seed::sql).collect();
        db.run(&without_triggers(&sql))
    }
}

type Drafts = BTreeMap<(Party, QualifiedName), Draft>;

/// Statements that disable triggers and key checks.
pub(super) fn without_triggers(sql: &str) -> String {
    let role = "SET LOCAL session_replication_role";
    format!("{role} = replica; {sql}; {role} = origin")
}

struct Maker<'a> {
    generator: RowGenerator,
    catalog: &'a Catalog,
    ownership: &'a Ownership,
    rows: Vec<Seed>,
    found: Vec<Cell>,
    untried: BTreeMap<String, String>,
}

impl Maker<'_> {
    /// A new tenant: its key.
    fn tenant(&mut self, db: &mut Sandbox, column: &str) -> Result<String, TenancyError> {
        let Some((root, key)) = self.ownership.root.clone() else { return self.unknown_tenant(column) };
        let missing = || RowError::NoTable { table: root.to_string() };
        let row = self.generator.insert(db, &root, &[])?;
        let party = if self.rows.is_empty() { Party::Own } else { Party::Other };
        let relation = self.catalog.table(&root).ok_or_else(missing)?;
        self.rows.push(seed(party, &root, relation, &row));
        row.value(&key).map(str::to_owned).ok_or_else(|| missing().into())
    }

    /// A value of the tenants' type that does not name a tenant.
    fn unknown_tenant(&mut self, column: &str) -> Result<String, TenancyError> {
        let mut typed = self.ownership.tables.iter().filter(|table| table.names_tenant(column));
        let column = typed.find_map(|table| table.relation.column(column));
        match column.and_then(|column| self.generator.another(column)) {
            Some(Value::Text(text)) => Ok(text),
            _ => Err(TenancyError::TenantType),
        }
    }

    /// A row of a party in a table, and one in each of its descendants.
    fn fill(&mut self, db: &mut Sandbox, table: &TenantTable, party: Party, tenant: &str) -> Result<(), TenancyError> {
        let is_root = self.ownership.root.as_ref().is_some_and(|(root, _)| *root == table.relation.qualified_name());
        let wanted = match (&table.owner, party) {
            (Owner::Shared(_) | Owner::Undecided, party) => party == Party::Own,
            (Owner::OperatorOnly(_), party) => party == Party::Nobody,
            (_, Party::Nobody) => table.nullable_tenant().is_some(),
            (_, _) => !is_root,
        };
        if !wanted {
            return Ok(());
        }
        let given = given(self.catalog, self.ownership, table, tenant, |parent| self.parent(party, parent));
        let name = table.relation.qualified_name();
        let draft = match self.draft(db, table, &given) {
            Ok(draft) => draft,
            Err(RowError::Database(error)) => return Err(error.into()),
            Err(_) => {
                // A trigger has created the only row that a key allows.
                self.make_room(db, table, tenant)?;
                self.draft(db, table, &given)?
            }
        };
        let row = draft.insert(db)?;
        let mut made = seed(party, &name, &table.relation, &row);
        if let Owner::Column(column) = &table.owner {
            let given_to = made.value(column);
            if given_to.as_deref() != Some(tenant) && party != Party::Nobody {
                self.found.push(Cell {
                    table: table.name.clone(),
                    no_tenant: false,
                    attack: Attack::Insert,
                    verdict: Verdict::Leaks,
                    by: None,
                    note: format!(
                        "a row that is inserted for tenant {tenant} belongs to {}: a trigger overwrites {column}",
                        given_to.map_or("no tenant".to_owned(), |other| format!("tenant {other}"))
                    ),
                    statement: draft.sql(),
                });
            }
            made.values.insert(column.clone(), (party != Party::Nobody).then(|| tenant.to_owned()));
        }
        self.rows.push(made);
        if party == Party::Nobody {
            return Ok(());
        }
        for child in &table.children {
            let mut given = given.clone();
            given.extend(partition_value(table, child));
            // A default partition may have no room for a row: it is attacked with its existing rows.
            let row =
                self.generator.draft(db, child.qualified_name(), &borrowed(&given)).and_then(|draft| draft.insert(db));
            if let Ok(row) = row {
                self.rows.push(seed(party, &name, child, &row));
            }
        }
        Ok(())
    }

    /// A new row for each tenant and table.
    fn new_rows(
        &mut self,
        db: &mut Sandbox,
        tenants: &[String],
    ) -> Result<(Drafts, BTreeSet<QualifiedName>), TenancyError> {
        let (mut drafts, mut full) = (BTreeMap::new(), BTreeSet::new());
        for table in &self.ownership.tables {
            if !table.is_attacked() {
                continue;
            }
            let name = table.relation.qualified_name();
            for (party, tenant) in [Party::Own, Party::Other].into_iter().zip(tenants) {
                let given = given(self.catalog, self.ownership, table, tenant, |parent| self.parent(party, parent));
                let draft = match self.draft(db, table, &given) {
                    Err(RowError::Database(error)) => return Err(error.into()),
                    Ok(draft) => Some(draft),
                    Err(_) => {
                        // If a key allows only one row per tenant, the first one is deleted to make room.
                        let draft = db.undone(|db| -> Result<Option<Draft>, DatabaseError> {
                            self.make_room(db, table, tenant)?;
                            Ok(self.draft(db, table, &given).ok())
                        })?;
                        full.extend(draft.is_some().then(|| name.clone()));
                        draft
                    }
                };
                let Some(draft) = draft else { continue };
                drafts.insert((party, name.clone()), draft);
            }
        }
        Ok((drafts, full))
    }

    /// A draft with a value in each column of a unique key, so that keys can collide.
    fn draft(&mut self, db: &mut Sandbox, table: &TenantTable, given: &[(String, Value)]) -> Result<Draft, RowError> {
        let in_keys: Vec<String> = self
            .catalog
            .indexes_of(&table.relation)
            .filter(|index| index.unique)
            .flat_map(|index| &index.keys)
            .filter_map(|key| table.relation.column(key.column.as_deref()?))
            .filter(|column| !column.not_null && column.default.is_none())
            .map(|column| column.name.clone())
            .collect();
        self.generator.draft_with(db, table.relation.qualified_name(), &borrowed(given), &in_keys)
    }

    /// Deletes a tenant's rows from a table.
    fn make_room(&self, db: &mut Sandbox, table: &TenantTable, tenant: &str) -> Result<(), DatabaseError> {
        let theirs = self.ownership.belongs(table, tenant);
        db.run(&without_triggers(&format!("DELETE FROM {} WHERE {theirs}", table.relation.sql())))
    }

    /// A row that a row of this party can reference.
    fn parent(&self, party: Party, table: &QualifiedName) -> Option<BTreeMap<String, Option<String>>> {
        let party = if party == Party::Nobody { Party::Other } else { party };
        let row = |party| self.rows.iter().find(|seed| seed.party == party && seed.table == *table);
        // A shared row was created along with the first tenant's rows.
        let everybodys = || row(Party::Own).filter(|_| self.ownership.table(table).is_some_and(|t| !t.is_tenants()));
        row(party).or_else(everybodys).map(|seed| seed.values.clone())
    }
}

/// What a new row of a tenant must specify: its tenant, and references to the tenant's own rows.
pub(super) fn given(
    catalog: &Catalog,
    ownership: &Ownership,
    table: &TenantTable,
    tenant: &str,
    parent: impl Fn(&QualifiedName) -> Option<BTreeMap<String, Option<String>>>,
) -> Vec<(String, Value)> {
    let mut given: Vec<(String, Value)> = Vec::new();
    let is_root = ownership.root.as_ref().is_some_and(|(root, _)| *root == table.relation.qualified_name());
    if is_root {
        return given;
    }
    if let Owner::Column(column) = &table.owner {
        given.push((column.clone(), Value::text(tenant)));
    }
    for key in foreign_keys(catalog, table) {
        let Some(references) = &key.references else { continue };
        let Some(row) = parent(&references.qualified_name()) else { continue };
        for (column, referenced) in key.columns.iter().zip(&references.columns) {
            if !given.iter().any(|(name, _)| name == column) {
                given.push((column.clone(), row.get(referenced).cloned().flatten().into()));
            }
        }
    }
    given
}

/// The foreign keys of a table, except the one that names the tenant.
pub(super) fn foreign_keys<'a>(catalog: &'a Catalog, table: &'a TenantTable) -> impl Iterator<Item = &'a Constraint> {
    let names_tenant = |key: &Constraint| matches!(key.columns.as_slice(), [column] if table.names_tenant(column));
    catalog
        .constraints_of(&table.relation)
        .filter(move |key| key.kind == ConstraintKind::ForeignKey && !names_tenant(key))
}

fn borrowed(given: &[(String, Value)]) -> Vec<(&str, Value)> {
    given.iter().map(|(column, value)| (column.as_str(), value.clone())).collect()
}

fn seed(party: Party, table: &QualifiedName, relation: &Relation, row: &Row) -> Seed {
    let value = |name: &String| (name.clone(), row.value(name).map(str::to_owned));
    let values = relation.columns.iter().map(|column| value(&column.name)).collect();
    Seed { party, table: table.to_owned(), relation: relation.clone(), values }
}

/// A value that routes a row to this partition: the lower bound of a range, the first value of a list.
fn partition_value(table: &TenantTable, child: &Relation) -> Option<(String, Value)> {
    let key = table.relation.partition_key.as_ref()?;
    let column = key.split_once('(')?.1.strip_suffix(')')?.trim_matches('"').to_owned();
    table.relation.column(&column)?;
    let bound = child.bound.as_ref()?;
    let list = bound.split_once("FROM (").or_else(|| bound.split_once("IN ("))?.1;
    let first = list.split([',', ')']).next()?.trim().trim_matches('\'');
    (first != "MINVALUE" && first != "NULL").then(|| (column, Value::text(first)))
}
