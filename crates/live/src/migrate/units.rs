//! What is tried again as a whole when a lock is not obtained: a statement, or all statements of one transaction.

use std::ops::Range;

use pgproof_sql::{Migration, Statement, Transaction};

/// Statements of one file that succeed or fail together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Unit {
    /// Which statements of the file.
    pub(super) statements: Range<usize>,
    /// Whether BEGIN and COMMIT have to be added.
    pub(super) is_wrapped: bool,
}

/// The units of a file, in order.
pub(super) fn units(migration: &Migration, transaction: Transaction) -> Vec<Unit> {
    let statements = &migration.statements;
    if migration.is_one_transaction(transaction) {
        return vec![Unit { statements: 0..statements.len(), is_wrapped: true }];
    }
    let mut units = Vec::new();
    let mut at = 0;
    while at < statements.len() {
        let block = statements[at..].iter().position(Statement::ends_transaction);
        let length =
            if statements[at].begins_transaction() { block.map_or(statements.len() - at, |end| end + 1) } else { 1 };
        units.push(Unit { statements: at..at + length, is_wrapped: false });
        at += length;
    }
    units
}
