//! Attacks through functions and procedures, called with known values of the other tenant. Their results must be the
//! same as without the other tenant's rows, and they must not change any of these rows.

use std::collections::BTreeSet;

use pgproof_server::DatabaseError;
use pgproof_sql::QualifiedName;
use pgproof_sql::{quote::identifier, quote::literal};

use super::TenancyError;
use super::attack::Attack;
use super::attacker::{Attacker, Attempted};
use super::cell::Verdict;
use super::ownership::TenantTable;
use super::reads::{Call, Objects};
use super::seeds::{Party, without_triggers};

/// The maximum number of calls of one function: its arguments can be combined in many ways.
const MOST_CALLS: usize = 16;

/// Functions and procedures of the schema that can be called from SQL, with the names and types of their arguments.
const CALLABLE: &str = "
    SELECT p.oid, n.nspname, p.proname, p.prokind, p.prosrc || coalesce(pg_get_function_sqlbody(p.oid), ''),
           coalesce(p.proargnames[a.place], ''), format_type(a.type, NULL), t.typcategory
    FROM pg_proc p
    JOIN pg_namespace n ON n.oid = p.pronamespace
    LEFT JOIN unnest(p.proargtypes) WITH ORDINALITY a (type, place) ON true
    LEFT JOIN pg_type t ON t.oid = a.type
    WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' AND p.prokind IN ('f', 'p')
      AND p.prorettype NOT IN ('trigger'::regtype, 'event_trigger'::regtype)
      AND NOT EXISTS (SELECT FROM pg_depend x WHERE x.classid = 'pg_proc'::regclass AND x.objid = p.oid AND x.deptype = 'e')
    ORDER BY p.oid, a.place";

struct Callable {
    oid: String,
    name: String,
    sql: String,
    is_procedure: bool,
    source: String,
    arguments: Vec<Argument>,
}

struct Argument {
    name: String,
    ty: String,
    category: String,
}

impl Attacker<'_> {
    /// The calls of every function and procedure.
    pub(super) fn calls(&mut self) -> Result<Vec<Call>, TenancyError> {
        let mut calls = Vec::new();
        for callable in self.callables()? {
            let tables = self.mentioned(&callable);
            let unknown = |argument: &&Argument| self.values_for(&callable, argument).is_empty();
            if let Some(argument) = callable.arguments.iter().find(unknown) {
                for table in &tables {
                    let why = format!("{} was not called: no value of type {} is known", callable.name, argument.ty);
                    self.not_applicable(table, Attack::Function, &why);
                }
                continue;
            }
            let names: Vec<QualifiedName> = tables.iter().map(|table| table.relation.qualified_name()).collect();
            for sql in self.calls_of(&callable) {
                calls.push(Call { function: callable.name.clone(), sql, tables: names.clone() });
            }
        }
        Ok(calls)
    }

    /// Calls every function and procedure for the attacking tenant: the results must be the same with and without the
    /// other tenant's rows, and none of these rows may change.
    pub(super) fn attack_by_calling(&mut self, objects: &Objects) -> Result<(), TenancyError> {
        let own = self.own();
        let ownership = self.probe.ownership;
        let mut with = Vec::new();
        for call in &objects.calls {
            for table in call.tables.iter().filter_map(|name| ownership.table(name)) {
                self.write(&Attempted::new(table, Attack::Function, &own, &call.sql).by(&call.function))?;
            }
            with.push(self.call(&own, &call.sql)?);
        }
        let without = self.in_state(|attacker| {
            let decided = ownership.tables.iter().filter(|table| table.is_attacked());
            let emptied: Vec<String> = decided.map(|table| format!("DELETE FROM {}", table.relation.sql())).collect();
            attacker.db().run(&without_triggers(&emptied.join("; ")))?;
            attacker.put(Party::Own)?;
            attacker.put(Party::Nobody)?;
            attacker.refresh(objects)?;
            let mut without = Vec::new();
            for call in &objects.calls {
                without.push(attacker.call(&own, &call.sql)?);
            }
            Ok(without)
        })?;
        for ((call, with), without) in objects.calls.iter().zip(&with).zip(&without) {
            if with == without {
                continue;
            }
            let gives = with.as_ref().map_or_else(Clone::clone, |(count, _)| format!("{count} rows"));
            let note = format!("{} gives something else while another tenant has rows: {gives}", call.function);
            for table in call.tables.iter().filter_map(|name| ownership.table(name)) {
                let attempted = Attempted::new(table, Attack::Function, &own, &call.sql).by(&call.function);
                self.note(&attempted, Verdict::Leaks, note.clone());
            }
        }
        for table in &ownership.tables {
            let attacked = |cell: &super::Cell| cell.table == table.name && cell.attack == Attack::Function;
            if !self.cells.iter().any(attacked) {
                self.not_applicable(table, Attack::Function, "no function of the schema names it");
            }
        }
        Ok(())
    }

    fn callables(&mut self) -> Result<Vec<Callable>, DatabaseError> {
        let mut callables: Vec<Callable> = Vec::new();
        for row in self.db().rows(CALLABLE)? {
            let mut cells = row.into_iter().map(Option::unwrap_or_default);
            let mut next = || cells.next().unwrap_or_default();
            let (oid, schema, name, kind, source) = (next(), next(), next(), next(), next());
            let argument = Argument { name: next(), ty: next(), category: next() };
            let sql = format!("{}.{}", identifier(&schema), identifier(&name));
            if callables.last().is_none_or(|last| last.oid != oid) {
                let name = self.catalog.shown(&QualifiedName::in_schema(&schema, &name)).to_string();
                callables.push(Callable { oid, name, sql, is_procedure: kind == "p", source, arguments: Vec::new() });
            }
            if let Some(last) = callables.last_mut().filter(|_| !argument.ty.is_empty()) {
                last.arguments.push(argument);
            }
        }
        Ok(callables)
    }

    /// The tables that a function names; if it names none, all tables of tenants.
    fn mentioned(&self, callable: &Callable) -> Vec<TenantTable> {
        let words: BTreeSet<&str> = callable.source.split(|c: char| !c.is_alphanumeric() && c != '_').collect();
        let ownership = self.probe.ownership;
        let tenants = || ownership.tables.iter().filter(|table| table.is_tenants());
        let named: Vec<TenantTable> = tenants().filter(|t| words.contains(t.relation.name.as_str())).cloned().collect();
        if named.is_empty() { ownership.tenants().cloned().into_iter().collect() } else { named }
    }

    /// Calls with the values of the other tenant's rows in columns named like the arguments.
    fn calls_of(&self, callable: &Callable) -> Vec<String> {
        let mut lists: Vec<Vec<String>> = vec![Vec::new()];
        for argument in &callable.arguments {
            let values = self.values_for(callable, argument);
            lists = lists
                .iter()
                .flat_map(|list| values.iter().map(move |value| list.iter().chain([value]).cloned().collect()))
                .take(MOST_CALLS)
                .collect();
        }
        let call = |list: &Vec<String>| {
            let arguments = list.join(", ");
            if callable.is_procedure {
                format!("CALL {}({arguments})", callable.sql)
            } else {
                format!("SELECT t::text FROM {}({arguments}) t", callable.sql)
            }
        };
        lists.iter().map(call).collect()
    }

    fn values_for(&self, callable: &Callable, argument: &Argument) -> Vec<String> {
        let Argument { name, ty, category } = argument;
        let typed = |text: &str| format!("{}::{ty}", literal(text));
        let column = ["p_", "in_", "_"].iter().find_map(|prefix| name.strip_prefix(prefix)).unwrap_or(name);
        if self.probe.tenancy.column == *column {
            return vec![typed(&self.seeds.other)];
        }
        let of_rows: BTreeSet<String> = self
            .mentioned(callable)
            .iter()
            .flat_map(|table| self.seeds.of(Party::Other, Some(&table.relation.qualified_name())))
            .filter_map(|seed| seed.value(column))
            .map(|text| typed(&text))
            .collect();
        if !of_rows.is_empty() {
            return of_rows.into_iter().collect();
        }
        match category.as_str() {
            // The literals with which the function compares are values that it handles.
            "S" => {
                let quoted =
                    callable.source.split('\'').skip(1).step_by(2).filter(|text| !text.is_empty() && text.len() < 64);
                let texts: BTreeSet<String> = quoted.map(typed).collect();
                if texts.is_empty() { vec![typed("x")] } else { texts.into_iter().collect() }
            }
            "N" => ["1", "0", "1000000"].map(typed).into(),
            "B" => ["true", "false"].map(typed).into(),
            "D" if ty.starts_with("time ") => ["00:00", "23:59:59"].map(typed).into(),
            "D" => ["-infinity", "infinity"].map(typed).into(),
            "T" => ["0", "100 years"].map(typed).into(),
            "E" => vec![format!("(enum_range(NULL::{ty}))[1]")],
            "A" => vec![typed("{}")],
            "U" if ty == "uuid" => vec![typed(&self.seeds.other)],
            "U" if ty.starts_with("json") => vec![typed("{}")],
            "U" if ty == "bytea" => vec![typed("")],
            _ => Vec::new(),
        }
    }
}
