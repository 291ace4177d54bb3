//! Attacks by a session without a tenant: its setting was never set, is empty, is not a value of the type, or does not
//! name a tenant. Also attacks by a session that was switched to another tenant.

use super::attack::Attack;
use super::attacker::{Attacker, Attempted};
use super::cell::Verdict;
use super::ownership::TenantTable;
use super::probe::{Answer, Context};
use super::reads::{Objects, Reading};
use super::seeds::Party;
use super::{TenancyError, writes};

impl Attacker<'_> {
    /// The contexts without a tenant, except the one in which the setting was never set.
    pub(super) fn contexts(&self) -> Vec<(Attack, Context)> {
        vec![
            (Attack::Empty, Context::Set(String::new())),
            (Attack::Malformed, Context::Set("not a tenant".to_owned())),
            (Attack::Unknown, Context::Set(self.seeds.nobody.clone())),
        ]
    }

    /// Reads and writes every table without a tenant.
    pub(super) fn attack_in_context(
        &mut self,
        attack: Attack,
        context: &Context,
        objects: &Objects,
        before: &Reading,
    ) -> Result<(), TenancyError> {
        let after = self.read(objects, context)?;
        self.compare(objects, attack, context, before, &after);
        self.probe.prepare_others(None)?;
        self.before = self.probe.others()?;
        let ownership = self.probe.ownership;
        for table in ownership.tables.iter().filter(|table| table.is_attacked()) {
            let name = table.relation.sql();
            let draft = self.seeds.drafts.get(&(Party::Other, table.relation.qualified_name())).cloned();
            let Some(draft) = draft else { continue };
            let touch = writes::touch(self.catalog, table, &draft);
            if let Some(column) = table.nullable_tenant() {
                let row = draft.with(column, pgproof_catalog::row::Value::Null).sql();
                self.write(&Attempted::new(table, attack, context, &row).of_no_tenant())?;
            }
            {
                self.with_room(table, Party::Other, |attacker| {
                    Ok(attacker.write(&Attempted::new(table, attack, context, &draft.sql()))?)
                })?;
            }
            for sql in [format!("UPDATE {name} SET {touch}"), format!("DELETE FROM {name}")] {
                self.write(&Attempted::new(table, attack, context, &sql))?;
            }
        }
        Ok(())
    }

    /// Reads a table for one tenant and then, with the same prepared plan, for the other.
    pub(super) fn attack_by_switching(&mut self, table: &TenantTable) -> Result<(), TenancyError> {
        if !table.is_tenants() {
            return Ok(());
        }
        let name = table.relation.sql();
        let own = self.own();
        let other = self.seeds.other.clone();
        let (mine, theirs) = (self.texts(table, Party::Own)?, self.texts(table, Party::Other)?);
        // A cached plan must not contain the first tenant.
        let sql = format!(
            "SET LOCAL plan_cache_mode = force_generic_plan; PREPARE again AS SELECT t::text FROM {name} t; \
             EXECUTE again; {}SELECT 'switched'; EXECUTE again",
            self.probe.switch(&other)
        );
        let answer = self.probe.ask(&own, &sql)?;
        // If it was created, it survives the rollback.
        self.db().attempt("DEALLOCATE again")?;
        let attempted = Attempted::new(table, Attack::Switched, &own, &sql);
        let (verdict, note) = match answer {
            Answer::Refused(report) => (Verdict::Refused, report.brief()),
            Answer::Rows(rows) => {
                let rows: Vec<String> = rows.into_iter().flatten().flatten().collect();
                let at = rows.iter().position(|row| row == "switched").unwrap_or(rows.len());
                let (first, second) = rows.split_at(at);
                let sees = |rows: &[String], whose: &[String]| rows.iter().any(|row| whose.contains(row));
                if sees(second, &mine) || sees(first, &theirs) {
                    (Verdict::Leaks, "after the switch, it gives rows of the tenant before".to_owned())
                } else if !sees(second, &theirs) {
                    (Verdict::Hides, "after the switch, the tenant does not see its own row".to_owned())
                } else {
                    (Verdict::Isolated, String::new())
                }
            }
        };
        self.note(&attempted, verdict, note);
        Ok(())
    }

    /// The rows of a tenant in a table, as text.
    fn texts(&mut self, table: &TenantTable, party: Party) -> Result<Vec<String>, TenancyError> {
        let tenant = self.seeds.tenant(party);
        let condition = self.probe.ownership.belongs(table, tenant);
        let rows = self.probe.db.rows(&format!("SELECT t::text FROM {} t WHERE {condition}", table.relation.sql()))?;
        Ok(rows.into_iter().flatten().flatten().collect())
    }
}
