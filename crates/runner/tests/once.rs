//! A process reads its inputs once: what changes in the files meanwhile does not divide it. This is the only test here,
//! because it has the working directory of its process to itself.

use std::sync::Arc;

use pgproof_runner::Config;
use pgproof_runner::config::{Part, Subsystem};
use pgproof_runner::isolation::SchemaContext;

#[derive(Debug, serde::Deserialize)]
struct Tenants {
    role: String,
}

impl Part for Tenants {
    const OF: Subsystem = Subsystem::Tenancy;
}

#[test]
fn inputs_are_read_once() {
    let dir = tempfile::tempdir().unwrap();
    let write = |file: &str, text: &str| {
        let path = dir.path().join(file);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    write(
        "pgproof.toml",
        "[schemas.shop]\nmigrations = \"sql\"\nrollback = \"down\"\noptional = \"more\"\n\
         suite = { package = \"p\", test = \"t\" }\ntenancy.role = \"one\"\n",
    );
    for file in ["sql/001_orders.sql", "down/001_orders.sql", "more/archive.sql"] {
        write(file, "SELECT 1;\n");
    }
    std::env::set_current_dir(dir.path()).unwrap();
    let context = || {
        let config = Config::find().unwrap();
        let shop = config.schema("shop").unwrap().clone();
        SchemaContext::of(config, shop)
    };
    let shop = context();
    let tenants = shop.part::<Tenants>().unwrap().unwrap();
    let (migrations, rollbacks) = (shop.migrations().unwrap(), shop.rollbacks().unwrap());
    shop.optional("archive").unwrap();

    for file in ["pgproof.toml", "sql/001_orders.sql", "down/001_orders.sql", "more/archive.sql"] {
        write(file, "'");
    }
    let other = context();
    assert!(Arc::ptr_eq(&tenants, &other.part::<Tenants>().unwrap().unwrap()), "{}", tenants.role);
    assert!(Arc::ptr_eq(&migrations, &shop.migrations().unwrap()));
    assert!(Arc::ptr_eq(&rollbacks, &shop.rollbacks().unwrap()));
    assert_eq!(shop.optional("archive").unwrap().statements.len(), 1);
}
