//! Every column of every table: its type, whether it accepts NULL, and the value of a row that omits it.

use pgproof::prelude::*;
use rstest::rstest;

use crate::tables::TABLES;
use crate::{PARTITIONS, settler};

#[rstest]
fn columns_of_four_tables(#[from(settler)] mut db: Sandbox, #[values(0, 4, 8, 12, 16, 20, 24)] from: usize) {
    for name in &TABLES[from..from + 4] {
        let columns = picked(&db, "columns.csv", |column: &ColumnLine| column.table == *name);
        db.check(table(*name).has_columns(columns.iter().map(|column| &column.column)));
        let partitioned = *name == "audit_logs" && db.context().is_with(PARTITIONS);
        let columns = columns.into_iter().map(|mut column| {
            // The partition key is part of the primary key.
            column.not_null |= partitioned && column.column == "timestamp";
            column
        });
        let assertions: Vec<_> = columns.flat_map(|column| column.assertions()).collect();
        db.check_all(assertions);
    }
}
