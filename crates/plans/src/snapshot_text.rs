//! The text of a snapshot file: the query, its plans, and metadata that is never compared.

use pgproof_assertions::snapshot::pending::header_and_content;

use super::explain::Mode;
use super::node::Node;

/// The content of a snapshot file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SnapshotText {
    /// Costs and numbers of rows, separated by `; `. Never compared.
    pub description: String,
    /// The query and its plans.
    pub content: String,
}

impl SnapshotText {
    /// Reads the content of a file in insta's format.
    pub fn parse(text: &str) -> SnapshotText {
        let (header, content) = header_and_content(text);
        let description = header.lines().find_map(|line| line.strip_prefix("description: ")).unwrap_or_default();
        SnapshotText { description: description.trim_matches('"').to_owned(), content: content.trim_end().to_owned() }
    }

    /// The plan of a mode; `None` if the query has none, or if the file was edited and what it holds is no plan.
    pub fn plan(&self, mode: Mode) -> Option<Node> {
        let (_, rest) = self.content.split_once(&format!("\n{mode}\n"))?;
        Node::parse(rest.split("\n\n").next().unwrap_or(rest))
    }

    /// The query, above its plans.
    pub fn query(&self) -> &str {
        self.content.split("\n\ncustom plan\n").next().unwrap_or_default()
    }

    /// The estimated cost of a mode's plan.
    pub fn cost(&self, mode: Mode) -> Option<f64> {
        self.noted(&format!("{mode} costs "))?.parse().ok()
    }

    /// The number of rows of a table that is read sequentially.
    pub fn rows(&self, table: &str) -> Option<u64> {
        self.noted(&format!("{table} has "))?.trim_end_matches(" rows").parse().ok()
    }

    /// The major version of the server that planned it.
    pub fn major(&self) -> Option<u16> {
        self.noted("PostgreSQL ")?.parse().ok()
    }

    fn noted(&self, label: &str) -> Option<&str> {
        self.description.split("; ").find_map(|note| note.strip_prefix(label))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "---\nsource: q.sql\ndescription: \"custom plan costs 8.30; t has 5000 rows; PostgreSQL 15\"\n---\n\
                        -- Title\nSELECT 1\n\ncustom plan\n  Seq Scan on t\n\ngeneric plan\n  Index Scan using i on t\n";

    #[test]
    fn reads_a_snapshot() {
        let snapshot = SnapshotText::parse(FILE);
        assert_eq!(snapshot.query(), "-- Title\nSELECT 1");
        assert_eq!(snapshot.plan(Mode::Custom).map(|plan| plan.render()).as_deref(), Some("Seq Scan on t"));
        assert_eq!(snapshot.plan(Mode::Generic).map(|plan| plan.render()).as_deref(), Some("Index Scan using i on t"));
        assert_eq!(
            (snapshot.cost(Mode::Custom), snapshot.rows("t"), snapshot.major()),
            (Some(8.3), Some(5000), Some(15))
        );
    }
}
