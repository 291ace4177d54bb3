//! Command tags, as psql prints them after each statement (documentation, "Message Formats", CommandComplete). The driver
//! passes on their number only.

use pgproof_sql::Statement;

/// The tag of a statement that has affected this many rows.
pub fn command_tag(statement: &Statement, rows: u64) -> String {
    let kind = statement.kind();
    match kind.as_str() {
        "INSERT" => format!("INSERT 0 {rows}"),
        "UPDATE" | "DELETE" | "MERGE" | "COPY" => format!("{kind} {rows}"),
        kind => match kind.split_once(' ') {
            Some(("COMMENT", _)) => "COMMENT".to_owned(),
            _ => kind.to_owned(),
        },
    }
}
