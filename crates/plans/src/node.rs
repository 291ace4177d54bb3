//! A plan in its normal form: what EXPLAIN (FORMAT JSON) reports of nodes, relations, indexes and conditions, without
//! what varies between two runs (costs, rows, widths) and without notational differences between major versions.

use serde_json::Value;

/// A node of a plan, with its child nodes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Node {
    /// Its type, with its variant: `Index Scan`, `Hash Join (Left)`, `Aggregate (Hashed)`.
    pub kind: String,
    /// The relation it reads.
    pub relation: Option<String>,
    /// The alias of the relation in the query, if it differs from its name.
    pub alias: Option<String>,
    /// The index it reads.
    pub index: Option<String>,
    /// Its relationship to the parent node, if it is more than an input: `InitPlan 1`, `CTE recent`.
    pub role: Option<String>,
    /// Conditions and keys, labelled, in a fixed order.
    pub details: Vec<(&'static str, String)>,
    /// The nodes from which it reads its rows.
    pub inputs: Vec<Node>,
}

/// The details that are kept, by their names in EXPLAIN, and their labels in a rendered plan. The names are those of
/// `src/backend/commands/explain.c`; anything not listed varies or does not affect the meaning of the plan.
const DETAILS: &[(&str, &str)] = &[
    ("Index Cond", "index cond"),
    ("Recheck Cond", "recheck"),
    ("Hash Cond", "hash cond"),
    ("Merge Cond", "merge cond"),
    ("TID Cond", "tid cond"),
    ("Order By", "order by"),
    ("Filter", "filter"),
    ("Join Filter", "join filter"),
    ("One-Time Filter", "one-time filter"),
    ("Sort Key", "sort key"),
    ("Presorted Key", "presorted key"),
    ("Group Key", "group key"),
    ("Grouping Sets", "grouping sets"),
    ("Cache Key", "cache key"),
    ("Hash Key", "hash key"),
    ("Function Name", "function"),
    ("CTE Name", "cte"),
    ("Run Condition", "run condition"),
    ("Window", "window"),
    ("Conflict Resolution", "on conflict"),
    ("Conflict Arbiter Indexes", "conflict index"),
    ("Conflict Filter", "conflict filter"),
    ("Subplans Removed", "partitions removed"),
];

impl Node {
    /// The normal form of one `Plan` object of EXPLAIN.
    pub fn from_json(plan: &Value) -> Node {
        let mut node = read(plan);
        let mut parameters = Vec::new();
        collect_parameters(&mut node, &mut parameters);
        rename_parameters(&mut node, &parameters);
        node
    }

    /// This node and all its descendants.
    pub fn all(&self) -> Vec<&Node> {
        let mut nodes = vec![self];
        nodes.extend(self.inputs.iter().flat_map(Node::all));
        nodes
    }

    /// The nodes that read an index, each with the relation whose rows it finds: for a bitmap index scan, that of the
    /// bitmap heap scan above it.
    pub fn index_scans(&self) -> Vec<(&str, &Node)> {
        fn walk<'a>(node: &'a Node, heap: Option<&'a str>, found: &mut Vec<(&'a str, &'a Node)>) {
            let heap = node.relation.as_deref().or(heap);
            if node.index.is_some() {
                found.push((heap.unwrap_or_default(), node));
            }
            for input in &node.inputs {
                walk(input, heap, found);
            }
        }
        let mut found = Vec::new();
        walk(self, None, &mut found);
        found
    }
}

/// The labels of details in a rendered plan.
pub(super) fn labels() -> impl Iterator<Item = &'static str> {
    DETAILS.iter().map(|(_, label)| *label)
}

fn text(plan: &Value, name: &str) -> Option<String> {
    plan.get(name)?.as_str().map(str::to_owned)
}

fn read(plan: &Value) -> Node {
    let relation = text(plan, "Relation Name");
    let alias = text(plan, "Alias").filter(|alias| relation.as_ref() != Some(alias));
    let inputs: Vec<Node> = plan["Plans"].as_array().into_iter().flatten().map(read).collect();
    // A bitmap scan repeats its recheck condition below.
    let repeated = inputs.iter().any(|input| input.details.iter().any(|(label, _)| *label == "index cond"));
    let details = DETAILS
        .iter()
        .filter(|(name, _)| *name != "Recheck Cond" || !repeated)
        .filter_map(|(name, label)| Some((*label, detail(plan.get(*name)?)?)))
        .collect();
    let role = text(plan, "Subplan Name").map(|name| name.split(" (returns").next().unwrap_or_default().to_owned());
    Node { kind: kind(plan), alias, index: text(plan, "Index Name"), relation, role, details, inputs }
        .with_returns(plan)
}

impl Node {
    /// Records, during parsing, the parameters that an init plan returns in major versions up to 16.
    fn with_returns(mut self, plan: &Value) -> Node {
        if let Some((name, returns)) =
            text(plan, "Subplan Name").as_deref().and_then(|name| name.split_once(" (returns "))
        {
            let _ = name;
            self.details.push((RETURNS, returns.trim_end_matches(')').to_owned()));
        }
        self
    }
}

const RETURNS: &str = "returns";

fn detail(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Array(items) => Some(items.iter().filter_map(detail).collect::<Vec<_>>().join(", ")),
        Value::Number(number) if number.as_u64() != Some(0) => Some(number.to_string()),
        Value::Object(_) => Some(value.to_string()),
        _ => None,
    }
}

fn kind(plan: &Value) -> String {
    let mut kind = text(plan, "Node Type").unwrap_or_default();
    if let Some(operation) = text(plan, "Operation").filter(|operation| *operation != "Select") {
        kind = operation;
    }
    if text(plan, "Scan Direction").as_deref() == Some("Backward") {
        kind.push_str(" Backward");
    }
    let mut variants = Vec::new();
    variants.extend(text(plan, "Join Type").filter(|join| join != "Inner"));
    variants.extend(text(plan, "Strategy").filter(|strategy| strategy != "Plain"));
    variants.extend(text(plan, "Partial Mode").filter(|mode| mode != "Simple"));
    variants.extend(text(plan, "Command"));
    if plan["Disabled"].as_bool() == Some(true) {
        variants.push("Disabled".to_owned());
    }
    if variants.is_empty() { kind } else { format!("{kind} ({})", variants.join(", ")) }
}

/// Up to 16, the result of an init plan is written `$0`; from 17 on, `(InitPlan 1).col1`.
fn collect_parameters(node: &mut Node, found: &mut Vec<(String, String)>) {
    if let Some(at) = node.details.iter().position(|(label, _)| *label == RETURNS) {
        let (_, returns) = node.details.remove(at);
        let role = node.role.clone().unwrap_or_default();
        for (number, parameter) in returns.split(',').enumerate() {
            found.push((parameter.trim().to_owned(), format!("({role}).col{}", number + 1)));
        }
    }
    for input in &mut node.inputs {
        collect_parameters(input, found);
    }
}

fn rename_parameters(node: &mut Node, parameters: &[(String, String)]) {
    for (_, detail) in &mut node.details {
        for (old, new) in parameters {
            *detail = replace_parameter(detail, old, new);
        }
    }
    for input in &mut node.inputs {
        rename_parameters(input, parameters);
    }
}

/// Replaces `$1`, but not the beginning of `$10`.
fn replace_parameter(text: &str, old: &str, new: &str) -> String {
    let mut result = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(old) {
        let after = &rest[at + old.len()..];
        result.push_str(&rest[..at]);
        result.push_str(if after.starts_with(|c: char| c.is_ascii_digit()) { old } else { new });
        rest = after;
    }
    result + rest
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn majors_agree_on_the_notation_of_an_init_plan() {
        let plan = |name: &str, parameter: &str, direction: &str| {
            json!({"Node Type": "Index Scan", "Scan Direction": direction, "Relation Name": "t", "Alias": "t", "Index Name": "by_a",
                   "Index Cond": format!("(a = {parameter})"), "Total Cost": 8.3, "Plan Rows": 5,
                   "Plans": [{"Node Type": "Result", "Parent Relationship": "InitPlan", "Subplan Name": name}]})
        };
        let old = Node::from_json(&plan("InitPlan 1 (returns $0)", "$0", "NoMovement"));
        let new = Node::from_json(&plan("InitPlan 1", "(InitPlan 1).col1", "Forward"));
        assert_eq!(old, new);
        insta::assert_snapshot!(new.render(), @"
        Index Scan using by_a on t
            index cond: (a = (InitPlan 1).col1)
          InitPlan 1: Result
        ");
    }

    #[test]
    fn a_bitmap_scan_is_attributed_to_its_heap() {
        let node = Node::from_json(&json!({
            "Node Type": "Bitmap Heap Scan", "Relation Name": "t", "Alias": "x", "Recheck Cond": "(a = 1)", "Filter": "(b > 2)",
            "Plans": [{"Node Type": "Bitmap Index Scan", "Index Name": "by_a", "Index Cond": "(a = 1)"}]
        }));
        let scans: Vec<_> = node.index_scans().into_iter().map(|(heap, node)| (heap, node.index.as_deref())).collect();
        assert_eq!(scans, [("t", Some("by_a"))]);
        insta::assert_snapshot!(node.render(), @"
        Bitmap Heap Scan on t x
            filter: (b > 2)
          Bitmap Index Scan using by_a
              index cond: (a = 1)
        ");
    }

    #[test]
    fn a_parameter_is_not_the_beginning_of_another() {
        assert_eq!(replace_parameter("$1 + $10 + $1", "$1", "x"), "x + $10 + x");
    }
}
