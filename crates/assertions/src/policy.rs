//! A policy as it is in the catalog: its command, roles, kind and expressions.

use pgproof_runner::Sandbox;
use pgproof_sql::{Identifier, ObjectId, ObjectKind, Property, QualifiedName};

use crate::pin::Pin;
use crate::pin::looked_at;
use crate::{
    assertion::Assertion, assertion::Differences, assertion::Failure, assertion::Subject, assertion::listed,
    assertion::refuted_by,
};
use crate::{table::TableRef, table::find};
use pgproof_catalog::{Catalog, PolicyCommand};

impl TableRef {
    /// Its policy with this name applies to this command. Unless declared otherwise it is permissive and applies to
    /// PUBLIC.
    pub fn policy(self, name: impl Into<String>, command: PolicyCommand) -> PolicyIs {
        PolicyIs {
            table: self.name,
            name: name.into(),
            command,
            roles: vec!["public".to_owned()],
            permissive: true,
            using: None,
            with_check: None,
        }
    }
}

/// A policy has a definition.
#[must_use = "a sentence asserts nothing until it is checked"]
#[derive(Debug, Clone)]
pub struct PolicyIs {
    table: QualifiedName,
    name: String,
    command: PolicyCommand,
    roles: Vec<String>,
    permissive: bool,
    using: Option<String>,
    with_check: Option<String>,
}

impl PolicyIs {
    /// It applies to these roles.
    pub fn to<R: Into<String>>(mut self, roles: impl IntoIterator<Item = R>) -> PolicyIs {
        self.roles = roles.into_iter().map(Into::into).collect();
        self.roles.sort();
        self
    }

    /// It is restrictive: it hides rows that other policies would allow.
    pub fn restrictive(mut self) -> PolicyIs {
        self.permissive = false;
        self
    }

    /// Rows that satisfy this condition are visible; as PostgreSQL prints it.
    pub fn using(mut self, expression: impl Into<String>) -> PolicyIs {
        self.using = Some(expression.into());
        self
    }

    /// Rows that satisfy this condition may be written; as PostgreSQL prints it.
    pub fn with_check(mut self, expression: impl Into<String>) -> PolicyIs {
        self.with_check = Some(expression.into());
        self
    }
}

impl Assertion for PolicyIs {
    fn subject(&self) -> Subject {
        Subject::of(ObjectId::of(ObjectKind::Policy, &self.table, Identifier::new(&self.name)))
    }

    fn sentence(&self) -> String {
        let kind = if self.permissive { "permissive" } else { "restrictive" };
        let part = |label: &str, expression: &Option<String>| {
            expression.as_ref().map(|expression| format!(", {label} {expression}")).unwrap_or_default()
        };
        format!(
            "is {kind} for {} to {}{}{}",
            self.command,
            listed(&self.roles),
            part("using", &self.using),
            part("with check", &self.with_check)
        )
    }

    fn pins(&self, _: &Catalog) -> Vec<Pin> {
        let properties =
            [Property::PolicyKind, Property::Command, Property::Roles, Property::Using, Property::WithCheck];
        let mut pins = looked_at(&self.subject().object, &properties);
        pins.push(Pin::looked_at(ObjectId::table(&self.table), Property::RowSecurity));
        pins
    }

    fn check(&self, sandbox: &mut Sandbox) -> Result<(), Failure> {
        let catalog = Catalog::of(sandbox)?;
        let relation = find(&catalog, &self.table)?;
        let Some(policy) = catalog.policies_of(relation).find(|policy| policy.name == self.name) else {
            let others = listed(catalog.policies_of(relation).map(|policy| &policy.name));
            let table = ObjectId::table(&self.table);
            return Err(refuted_by(table, format!("it does not exist; {} has {others}", self.table)));
        };
        let mut differences = Differences::default();
        let kind = |permissive: bool| if permissive { "permissive" } else { "restrictive" }.to_owned();
        let text = |expression: &Option<String>| expression.clone().unwrap_or("none".to_owned());
        differences.compare("its kind", kind(policy.permissive), kind(self.permissive));
        differences.compare("its command", policy.command.to_string(), self.command.to_string());
        differences.compare("its role", listed(&policy.roles), listed(&self.roles));
        differences.compare("USING", text(&policy.using), text(&self.using));
        differences.compare("WITH CHECK", text(&policy.with_check), text(&self.with_check));
        if !relation.row_security {
            differences.tell(format!("row security of {} is not enabled, so it holds for nobody", self.table));
        }
        differences.verdict()
    }
}

#[cfg(test)]
mod tests {
    use crate::table::table;
    use crate::{testing::proven, testing::refuted, testing::scratch};
    use pgproof_catalog::PolicyCommand;

    #[test]
    fn every_difference_of_a_policy_is_named() {
        let mut db = scratch(
            "CREATE TABLE t (x int); ALTER TABLE t ENABLE ROW LEVEL SECURITY; CREATE ROLE pgproof_tenant;
             CREATE POLICY own ON t FOR UPDATE TO pgproof_tenant USING (x = 1) WITH CHECK (x > 0);
             CREATE POLICY never ON t AS RESTRICTIVE USING (x <> 13);",
        );
        let own = || table("t").policy("own", PolicyCommand::Update).to(["pgproof_tenant"]);
        proven(&mut db, own().using("(x = 1)").with_check("(x > 0)"));
        proven(&mut db, table("t").policy("never", PolicyCommand::All).restrictive().using("(x <> 13)"));
        insta::assert_snapshot!(refuted(&mut db, table("t").policy("own", PolicyCommand::All).using("true")), @"
        refuted: policy t.own is permissive for ALL to public, using true
          its command is UPDATE, not ALL
          its role is pgproof_tenant, not public
          USING is (x = 1), not true
          WITH CHECK is (x > 0), not none
        ");
        insta::assert_snapshot!(refuted(&mut db, table("t").policy("gone", PolicyCommand::All)), @"
        refuted: policy t.gone is permissive for ALL to public
          it does not exist; t has never, own
        ");
        db.alter("ALTER TABLE t DISABLE ROW LEVEL SECURITY").unwrap();
        insta::assert_snapshot!(refuted(&mut db, own().using("(x = 1)").with_check("(x > 0)")), @"
        refuted: policy t.own is permissive for UPDATE to pgproof_tenant, using (x = 1), with check (x > 0)
          row security of t is not enabled, so it holds for nobody
        ");
    }
}
