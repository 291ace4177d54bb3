//! Attacks through functions and procedures, called with what is known of the other tenant. What they give must be the
//! same as if the other's rows were not there, and they must not change any of those.

use std::collections::BTreeSet;

use pgproof_runner::DatabaseError;
use pgproof_runner::session::{Row, identifier, literal};

use super::TenancyError;
use super::attack::{Attack, Verdict};
use super::attacker::{Attacker, Attempted, judge};
use super::ownership::TenantTable;
use super::probe::{Answer, Context};
use super::seeds::{Party, Seeds};

/// The most calls of one function: its arguments can be combined in many ways.
const MOST_CALLS: usize = 16;

/// Functions and procedures of the schema that a query can call, with the names and types of their arguments.
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

/// One call, and what came of it while the other's rows were there.
struct Call<'a> {
    callable: &'a Callable,
    sql: String,
    answer: Result<Vec<Row>, String>,
    /// Whether a second call gave the same.
    repeatable: bool,
}

impl Attacker<'_> {
    /// Calls every function and procedure.
    pub(super) fn attack_by_calling(&mut self) -> Result<(), TenancyError> {
        let callables = self.callables()?;
        let own = self.own();
        let mut calls = Vec::new();
        for callable in &callables {
            for sql in self.calls_of(callable) {
                for table in self.mentioned(callable) {
                    let by = Some(callable.name.as_str());
                    let attempted = Attempted { table: &table, attack: Attack::Function, by, context: &own, sql: &sql };
                    let before = std::mem::take(&mut self.before);
                    let cells = self.probe.act(&own, &sql, |probe, answer| judge(probe, answer, &attempted, &before));
                    self.before = before;
                    self.cells.extend(cells?);
                }
                let answer = self.called(&own, &sql)?;
                let repeatable = self.called(&own, &sql)? == answer;
                calls.push(Call { callable, sql, answer, repeatable });
            }
        }
        // Without the other's rows, the same calls give the same.
        let seeds = self.seeds.clone();
        self.in_state(|attacker| {
            let tables = &attacker.probe.ownership.tables;
            let emptied: Vec<String> = tables.iter().map(|t| format!("DELETE FROM {}", t.relation.sql())).collect();
            attacker.db().run(&format!("SET LOCAL session_replication_role = replica; {}", emptied.join("; ")))?;
            Seeds::put(attacker.db(), seeds.of(Party::Own, None).into_iter().chain(seeds.of(Party::Nobody, None)))?;
            for call in &calls {
                let without = attacker.called(&own, &call.sql)?;
                if call.repeatable && without != call.answer {
                    attacker.interferes(call, &own);
                }
            }
            Ok(())
        })?;
        let ownership = self.probe.ownership;
        for table in &ownership.tables {
            let attacked = |cell: &super::Cell| cell.table == table.name && cell.attack == Attack::Function;
            if !self.cells.iter().any(attacked) {
                self.not_applicable(table, Attack::Function, "no function of the schema names it");
            }
        }
        Ok(())
    }

    fn interferes(&mut self, call: &Call<'_>, own: &Context) {
        let (name, sql) = (&call.callable.name, &call.sql);
        let gives = match &call.answer {
            Ok(rows) => format!("{} rows", rows.len()),
            Err(refused) => refused.clone(),
        };
        for table in self.mentioned(call.callable) {
            let attempted = Attempted { table: &table, attack: Attack::Function, by: Some(name), context: own, sql };
            let note = format!("{name} gives something else while another tenant has rows: {gives}");
            self.note(&attempted, Verdict::Leaks, note);
        }
    }

    fn called(&mut self, own: &Context, sql: &str) -> Result<Result<Vec<Row>, String>, DatabaseError> {
        Ok(match self.probe.ask(own, sql)? {
            Answer::Rows(rows) => Ok(rows),
            Answer::Refused(report) => Err(report.brief()),
        })
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
                let name = self.catalog.shown(&schema, &name);
                callables.push(Callable { oid, name, sql, is_procedure: kind == "p", source, arguments: Vec::new() });
            }
            if let Some(last) = callables.last_mut().filter(|_| !argument.ty.is_empty()) {
                last.arguments.push(argument);
            }
        }
        Ok(callables)
    }

    /// The tables that a function names; those of the tenants if it names none.
    fn mentioned(&self, callable: &Callable) -> Vec<TenantTable> {
        let words: BTreeSet<&str> = callable.source.split(|c: char| !c.is_alphanumeric() && c != '_').collect();
        let ownership = self.probe.ownership;
        let tenants = || ownership.tables.iter().filter(|table| table.is_tenants());
        let named: Vec<TenantTable> = tenants().filter(|t| words.contains(t.relation.name.as_str())).cloned().collect();
        if named.is_empty() {
            let root = ownership.root.as_ref().and_then(|(root, _)| ownership.table(root));
            return root.or_else(|| tenants().next()).cloned().into_iter().collect();
        }
        named
    }

    /// Calls with what the other tenant's rows have in columns of the arguments' names.
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
        if column == self.probe.tenancy.column {
            return vec![typed(&self.seeds.other)];
        }
        let of_rows: BTreeSet<String> = self
            .mentioned(callable)
            .iter()
            .flat_map(|table| self.seeds.of(Party::Other, Some(&table.relation.full_name())))
            .filter_map(|seed| seed.values.get(column).cloned().flatten())
            .map(|text| typed(&text))
            .collect();
        if !of_rows.is_empty() {
            return of_rows.into_iter().collect();
        }
        match category.as_str() {
            // What the function itself compares with is what it knows to handle.
            "S" => {
                let quoted =
                    callable.source.split('\'').skip(1).step_by(2).filter(|text| !text.is_empty() && text.len() < 64);
                let texts: BTreeSet<String> = quoted.map(typed).collect();
                if texts.is_empty() { vec![typed("x")] } else { texts.into_iter().collect() }
            }
            "N" => vec![typed("1")],
            "B" => vec![typed("true")],
            "U" if ty == "uuid" => vec![typed(&self.seeds.other)],
            _ => vec![format!("NULL::{ty}")],
        }
    }
}
