//! A function: its signature and attributes, and that it runs. Many functions are created without errors and fail only
//! when called: PL/pgSQL does not check their statements earlier.

use pgproof_runner::Sandbox;
use pgproof_server::Attempt;
use pgproof_sql::{ObjectId, ObjectKind, Property, QualifiedName};

use crate::declared::Declared;
use crate::pin::Pin;
use crate::pin::looked_at;
use crate::{
    assertion::Assertion, assertion::Differences, assertion::Failure, assertion::Subject, assertion::failing,
    assertion::listed, assertion::refuted,
};
use pgproof_catalog::{Catalog, Volatility};

/// Begins a sentence about a function.
pub fn function(name: impl Into<QualifiedName>) -> FunctionRef {
    FunctionRef { name: name.into() }
}

/// A function, the subject of a sentence.
#[must_use = "a subject without a sentence asserts nothing"]
#[derive(Debug, Clone)]
pub struct FunctionRef {
    name: QualifiedName,
}

impl FunctionRef {
    /// It has these arguments and this result, both as PostgreSQL prints them: `a integer, b text DEFAULT ''::text`.
    /// Unless declared otherwise it is VOLATILE, runs with the privileges of its caller, is called on NULL, PARALLEL
    /// UNSAFE and not LEAKPROOF.
    pub fn is(self, arguments: impl Into<String>, result: impl Into<String>) -> FunctionIs {
        FunctionIs {
            name: self.name,
            arguments: arguments.into(),
            result: result.into(),
            volatility: Volatility::Volatile,
            security_definer: false,
            search_path: None,
            declared: Declared::unless_said(&[
                (Property::Strict, Some("false")),
                (Property::Parallel, Some("UNSAFE")),
                (Property::Leakproof, Some("false")),
            ]),
        }
    }

    /// A call with these arguments, as SQL, does not fail.
    pub fn runs(self, arguments: impl Into<String>) -> FunctionRuns {
        FunctionRuns { name: self.name, arguments: arguments.into(), value: None }
    }

    /// A call with these arguments, as SQL, returns this value, in its text form.
    pub fn gives(self, arguments: impl Into<String>, value: impl Into<String>) -> FunctionRuns {
        FunctionRuns { name: self.name, arguments: arguments.into(), value: Some(value.into()) }
    }
}

fn subject(name: &QualifiedName) -> Subject {
    Subject::called(ObjectId::new(ObjectKind::Function, name), format!("function {name}"))
}

/// A function has a signature and attributes.
#[must_use = "a sentence asserts nothing until it is checked"]
#[derive(Debug, Clone)]
pub struct FunctionIs {
    name: QualifiedName,
    arguments: String,
    result: String,
    volatility: Volatility,
    security_definer: bool,
    search_path: Option<String>,
    declared: Declared,
}

impl FunctionIs {
    /// It returns NULL if an argument is NULL, without being called (STRICT).
    pub fn strict(mut self) -> FunctionIs {
        self.declared.say(Property::Strict, "true");
        self
    }

    /// A parallel query may call it (PARALLEL SAFE).
    pub fn parallel_safe(mut self) -> FunctionIs {
        self.declared.say(Property::Parallel, "SAFE");
        self
    }

    /// A parallel query may call it in its leader only (PARALLEL RESTRICTED).
    pub fn parallel_restricted(mut self) -> FunctionIs {
        self.declared.say(Property::Parallel, "RESTRICTED");
        self
    }

    /// It tells nothing of its arguments, so that it may be called before policies are applied (LEAKPROOF).
    pub fn leakproof(mut self) -> FunctionIs {
        self.declared.say(Property::Leakproof, "true");
        self
    }

    /// Its volatility.
    pub fn volatility(mut self, volatility: Volatility) -> FunctionIs {
        self.volatility = volatility;
        self
    }

    /// It runs with the privileges of its owner. That is safe only with its own search path, so one is required.
    pub fn security_definer(mut self, search_path: impl Into<String>) -> FunctionIs {
        self.security_definer = true;
        self.search_path = Some(search_path.into());
        self
    }

    /// It sets its own search path.
    pub fn search_path(mut self, search_path: impl Into<String>) -> FunctionIs {
        self.search_path = Some(search_path.into());
        self
    }
}

impl Assertion for FunctionIs {
    fn subject(&self) -> Subject {
        subject(&self.name)
    }

    fn sentence(&self) -> String {
        let definer = if self.security_definer { ", with its owner's rights" } else { "" };
        let path = self.search_path.as_ref().map(|path| format!(", with search_path {path}")).unwrap_or_default();
        format!(
            "is {} ({}) returning {}{definer}{path}{}",
            self.volatility,
            self.arguments,
            self.result,
            self.declared.sentence()
        )
    }

    fn pins(&self, catalog: &Catalog) -> Vec<Pin> {
        let called = catalog.functions_called(&self.name);
        let found = called.iter().find(|function| function.arguments == self.arguments);
        let properties =
            [Property::Arguments, Property::Result, Property::Volatility, Property::Security, Property::Settings];
        let pins = |id: &ObjectId| looked_at(id, &properties).into_iter().chain(self.declared.pins(id)).collect();
        found.map(|function| pins(&function.id())).unwrap_or_default()
    }

    fn check(&self, sandbox: &mut Sandbox) -> Result<(), Failure> {
        let catalog = Catalog::of(sandbox)?;
        let called = catalog.functions_called(&self.name);
        let Some(found) = called.iter().find(|function| function.arguments == self.arguments) else {
            let signatures = listed(called.iter().map(|function| format!("({})", function.arguments)));
            return Err(refuted(format!("there is none with these arguments; there are: {signatures}")));
        };
        let mut differences = Differences::default();
        let rights = |definer: bool| if definer { "its owner's" } else { "its caller's" }.to_owned();
        let path = found.settings.iter().find_map(|setting| setting.strip_prefix("search_path=")).map(str::to_owned);
        let text = |path: Option<String>| path.unwrap_or("none".to_owned());
        differences.compare("its result", found.result.clone().unwrap_or("none".to_owned()), self.result.clone());
        differences.compare("its volatility", found.volatility.to_string(), self.volatility.to_string());
        differences.compare("whose rights it runs with", rights(found.security_definer), rights(self.security_definer));
        differences.compare("its search_path", text(path), text(self.search_path.clone()));
        self.declared.compare(&catalog, &found.id(), &mut differences);
        differences.verdict_on(found.id())
    }
}

/// A function runs.
#[must_use = "a sentence asserts nothing until it is checked"]
#[derive(Debug, Clone)]
pub struct FunctionRuns {
    name: QualifiedName,
    arguments: String,
    value: Option<String>,
}

impl Assertion for FunctionRuns {
    fn subject(&self) -> Subject {
        subject(&self.name)
    }

    fn sentence(&self) -> String {
        match &self.value {
            Some(value) => format!("gives {value} for ({})", self.arguments),
            None => format!("runs with ({})", self.arguments),
        }
    }

    fn pins(&self, catalog: &Catalog) -> Vec<Pin> {
        // If several functions share the name, it is unknown which of them a call denotes.
        match catalog.functions_called(&self.name).as_slice() {
            [function] => vec![Pin::acted_out(function.id(), Property::Body)],
            _ => Vec::new(),
        }
    }

    fn check(&self, sandbox: &mut Sandbox) -> Result<(), Failure> {
        let call = format!("SELECT * FROM {}({})", self.name.sql(), self.arguments);
        let Some(value) = &self.value else {
            return match sandbox.attempt(&call)? {
                Attempt::Accepted => Ok(()),
                Attempt::Refused(refusal) => {
                    Err(refuted(format!("it fails with {}: {}", refusal.condition(), refusal.message)))
                }
            };
        };
        let rows = sandbox.rows(&call).map_err(failing)?;
        match rows.as_slice() {
            [row] if row.len() == 1 && row[0].as_deref() == Some(value) => Ok(()),
            [row] if row.len() == 1 => Err(refuted(format!("it gives {}", row[0].as_deref().unwrap_or("NULL")))),
            rows => Err(refuted(format!("it gives {} rows, not one value", rows.len()))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{testing::proven, testing::refuted, testing::scratch};

    const SCHEMA: &str = "CREATE FUNCTION twice(n integer) RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT n * 2';
        CREATE FUNCTION broken() RETURNS void LANGUAGE plpgsql AS $$ BEGIN DELETE FROM nowhere; END $$;
        CREATE FUNCTION safe() RETURNS text LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public AS 'SELECT ''x''::text';
        CREATE FUNCTION unsafe() RETURNS text LANGUAGE sql SECURITY DEFINER AS 'SELECT ''x''::text';";

    #[test]
    fn a_function_has_a_signature_and_attributes() {
        let mut db = scratch(SCHEMA);
        proven(&mut db, function("twice").is("n integer", "integer").volatility(Volatility::Immutable));
        proven(&mut db, function("safe").is("", "text").volatility(Volatility::Stable).security_definer("public"));
        insta::assert_snapshot!(refuted(&mut db, function("twice").is("n bigint", "bigint")), @"
        refuted: function twice is VOLATILE (n bigint) returning bigint
          there is none with these arguments; there are: (n integer)
        ");
        insta::assert_snapshot!(refuted(&mut db, function("unsafe").is("", "integer").security_definer("public")), @"
        refuted: function unsafe is VOLATILE () returning integer, with its owner's rights, with search_path public
          its result is text, not integer
          its search_path is none, not public
        ");
    }

    #[test]
    fn a_function_that_fails_when_it_is_called_is_found() {
        let mut db = scratch(SCHEMA);
        proven(&mut db, function("twice").runs("4"));
        proven(&mut db, function("twice").gives("4", "8"));
        insta::assert_snapshot!(refuted(&mut db, function("broken").runs("")), @r#"
        refuted: function broken runs with ()
          it fails with 42P01 undefined_table: relation "nowhere" does not exist
        "#);
        insta::assert_snapshot!(refuted(&mut db, function("twice").gives("4", "9")), @"
        refuted: function twice gives 9 for (4)
          it gives 8
        ");
    }
}
