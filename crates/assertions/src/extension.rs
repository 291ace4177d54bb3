//! An installed extension.

use pgproof_runner::Sandbox;
use pgproof_sql::{ObjectId, ObjectKind, Property};

use crate::pin::Pin;
use crate::{assertion::Assertion, assertion::Failure, assertion::Subject, assertion::listed, assertion::refuted};
use pgproof_catalog::Catalog;

/// Begins a sentence about an extension.
pub fn extension(name: impl Into<String>) -> ExtensionRef {
    ExtensionRef { name: name.into() }
}

/// An extension, the subject of a sentence.
#[must_use = "a subject without a sentence asserts nothing"]
#[derive(Debug, Clone)]
pub struct ExtensionRef {
    name: String,
}

impl ExtensionRef {
    /// It is installed.
    pub fn is_installed(self) -> ExtensionInstalled {
        ExtensionInstalled { name: self.name }
    }
}

/// An extension is installed.
#[must_use = "a sentence asserts nothing until it is checked"]
#[derive(Debug, Clone)]
pub struct ExtensionInstalled {
    name: String,
}

impl Assertion for ExtensionInstalled {
    fn subject(&self) -> Subject {
        Subject::of(ObjectId::global(ObjectKind::Extension, &self.name))
    }

    fn sentence(&self) -> String {
        "is installed".to_owned()
    }

    fn pins(&self, _: &Catalog) -> Vec<Pin> {
        vec![Pin::looked_at(self.subject().object, Property::Existence)]
    }

    fn check(&self, sandbox: &mut Sandbox) -> Result<(), Failure> {
        let catalog = Catalog::of(sandbox)?;
        if catalog.extensions.iter().any(|extension| extension.name == self.name) {
            return Ok(());
        }
        let names = listed(catalog.extensions.iter().map(|extension| &extension.name));
        Err(refuted(format!("installed are: {names}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{testing::proven, testing::refuted, testing::scratch};

    #[test]
    fn an_extension_is_installed() {
        let mut db = scratch("");
        proven(&mut db, extension("plpgsql").is_installed());
        insta::assert_snapshot!(refuted(&mut db, extension("postgis").is_installed()), @"
        refuted: extension postgis is installed
          installed are: plpgsql
        ");
    }
}
