//! A plan as EXPLAIN (FORMAT JSON) gives it, without what varies between two runs: costs, rows, widths.

use pgproof_runner::{DatabaseError, Sandbox};
use serde::Deserialize;

/// A node of a plan, with those below it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Node {
    /// What it does, as in `Index Scan`.
    #[serde(rename = "Node Type")]
    pub kind: String,
    /// The relation that it reads.
    #[serde(rename = "Relation Name")]
    pub relation: Option<String>,
    /// The index that it reads.
    #[serde(rename = "Index Name")]
    pub index: Option<String>,
    /// What it looks up in the index.
    #[serde(rename = "Index Cond")]
    pub index_condition: Option<String>,
    /// What it throws away after reading.
    #[serde(rename = "Filter")]
    pub filter: Option<String>,
    /// What it sorts by.
    #[serde(rename = "Sort Key")]
    pub sort_key: Option<Vec<String>>,
    /// The nodes that it takes its rows from.
    #[serde(rename = "Plans", default)]
    pub inputs: Vec<Node>,
}

#[derive(Deserialize)]
struct Explained {
    #[serde(rename = "Plan")]
    plan: Node,
}

impl Node {
    /// The plan of a query.
    pub fn of(sandbox: &mut Sandbox, sql: &str) -> Result<Node, DatabaseError> {
        let mut explained: Vec<Explained> =
            sandbox.session().json(&format!("EXPLAIN (FORMAT JSON, COSTS OFF) {sql}"))?;
        explained
            .pop()
            .map(|explained| explained.plan)
            .ok_or_else(|| DatabaseError::Answer { query: sql.to_owned(), problem: "EXPLAIN gave no plan".to_owned() })
    }

    /// This node and all below it.
    pub fn all(&self) -> Vec<&Node> {
        let mut nodes = vec![self];
        nodes.extend(self.inputs.iter().flat_map(Node::all));
        nodes
    }

    /// The tree, a node a line, inputs indented.
    pub fn render(&self) -> String {
        let mut text = String::new();
        self.render_into(&mut text, 0);
        text.truncate(text.trim_end().len());
        text
    }

    fn render_into(&self, text: &mut String, depth: usize) {
        let indent = "  ".repeat(depth);
        text.push_str(&format!("{indent}{}", self.kind));
        if let Some(index) = &self.index {
            text.push_str(&format!(" using {index}"));
        }
        if let Some(relation) = &self.relation {
            text.push_str(&format!(" on {relation}"));
        }
        text.push('\n');
        let sort_key = self.sort_key.as_ref().map(|keys| keys.join(", "));
        for (label, detail) in
            [("index cond", &self.index_condition), ("filter", &self.filter), ("sort key", &sort_key)]
        {
            if let Some(detail) = detail {
                text.push_str(&format!("{indent}    {label}: {detail}\n"));
            }
        }
        for input in &self.inputs {
            input.render_into(text, depth + 1);
        }
    }
}
