//! The meaning of a plan change, in words: an index no longer used, a new sequential scan, a new sort, the cost.

use std::collections::BTreeSet;

use super::explain::Mode;
use super::node::Node;
use super::snapshot_text::SnapshotText;

const MODES: [Mode; 2] = [Mode::Custom, Mode::Generic];

/// Sentences about a change; what applies to both modes is reported once.
pub fn meaning(old: &SnapshotText, new: &SnapshotText) -> Vec<String> {
    let mut sentences = Vec::new();
    if old.query() != new.query() {
        sentences.push("the query itself has changed".to_owned());
    }
    let [custom, generic] = MODES.map(|mode| of_mode(mode, old, new));
    for sentence in &custom {
        let mode = if generic.contains(sentence) || new.plan(Mode::Generic).is_none() { "" } else { "custom plan: " };
        sentences.push(format!("{mode}{sentence}"));
    }
    sentences
        .extend(generic.iter().filter(|s| !custom.contains(s)).map(|sentence| format!("generic plan: {sentence}")));
    if sentences.is_empty() {
        sentences.push("the same nodes, with other conditions or keys".to_owned());
    }
    sentences.extend(costs(old, new));
    sentences
}

fn of_mode(mode: Mode, old: &SnapshotText, new: &SnapshotText) -> Vec<String> {
    let (Some(before), Some(after)) = (old.plan(mode), new.plan(mode)) else { return Vec::new() };
    let mut sentences = Vec::new();
    let (lost, gained) = differing(&indexes(&before), &indexes(&after));
    sentences.extend(lost.iter().map(|index| format!("index {index} is no longer used")));
    sentences.extend(gained.iter().map(|index| format!("index {index} is used now")));
    let (spared, read) = differing(&read_whole(&before), &read_whole(&after));
    sentences.extend(read.iter().map(|table| {
        let rows = new.rows(table).map(|rows| format!(", all {rows} rows")).unwrap_or_default();
        format!("{table} is read whole now{rows}")
    }));
    sentences.extend(spared.iter().map(|table| format!("{table} is no longer read whole")));
    match (sorts(&before), sorts(&after)) {
        (before, after) if before < after => sentences.push("a sort has appeared".to_owned()),
        (before, after) if before > after => sentences.push("a sort is gone".to_owned()),
        _ => {}
    }
    let (lost, gained) = differing(&joins(&before), &joins(&after));
    if !lost.is_empty() || !gained.is_empty() {
        let listed = |joins: &[String]| if joins.is_empty() { "none".to_owned() } else { joins.join(", ") };
        sentences.push(format!("joins: {} before, {} now", listed(&lost), listed(&gained)));
    }
    sentences
}

/// How the estimates compare, if they differ.
fn costs(old: &SnapshotText, new: &SnapshotText) -> Option<String> {
    let told: Vec<_> = MODES
        .iter()
        .filter_map(|mode| {
            let (before, after) = (old.cost(*mode)?, new.cost(*mode)?);
            let ratio = after / before.max(0.01);
            (!(0.99..=1.01).contains(&ratio)).then(|| format!("{mode} {ratio:.1} times ({before:.2} -> {after:.2})"))
        })
        .collect();
    (!told.is_empty()).then(|| format!("estimated cost: {}", told.join(", ")))
}

fn differing(before: &BTreeSet<String>, after: &BTreeSet<String>) -> (Vec<String>, Vec<String>) {
    (before.difference(after).cloned().collect(), after.difference(before).cloned().collect())
}

fn indexes(plan: &Node) -> BTreeSet<String> {
    plan.all().into_iter().filter_map(|node| node.index.clone()).collect()
}

fn read_whole(plan: &Node) -> BTreeSet<String> {
    let scans = plan.all().into_iter().filter(|node| node.kind.starts_with("Seq Scan"));
    scans.filter_map(|node| node.relation.clone()).collect()
}

fn sorts(plan: &Node) -> usize {
    plan.all()
        .into_iter()
        .filter(|node| ["Sort", "Incremental Sort"].iter().any(|kind| node.kind.starts_with(kind)))
        .count()
}

fn joins(plan: &Node) -> BTreeSet<String> {
    let is_join =
        |node: &&Node| ["Nested Loop", "Hash Join", "Merge Join"].iter().any(|kind| node.kind.starts_with(kind));
    plan.all().into_iter().filter(is_join).map(|node| node.kind.clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sentences(before: &str, after: &str) -> Vec<String> {
        let old = SnapshotText::parse(&format!(
            "---\ndescription: \"custom plan costs 8.30\"\n---\nSELECT 1\n\ncustom plan\n{before}"
        ));
        let new = SnapshotText::parse(&format!(
            "---\ndescription: \"custom plan costs 102.00; t has 5000 rows\"\n---\nSELECT 1\n\ncustom plan\n{after}"
        ));
        meaning(&old, &new)
    }

    #[test]
    fn a_lost_index_is_told_with_what_it_costs() {
        let before = "  Limit\n    Index Scan using by_a on t\n        index cond: (a = 1)\n";
        let after = "  Limit\n    Sort\n        sort key: a\n      Seq Scan on t\n          filter: (a = 1)\n";
        assert_eq!(
            sentences(before, after),
            [
                "index by_a is no longer used",
                "t is read whole now, all 5000 rows",
                "a sort has appeared",
                "estimated cost: custom plan 12.3 times (8.30 -> 102.00)"
            ]
        );
    }

    #[test]
    fn a_change_of_conditions_is_told_as_such() {
        let plan = |condition: &str| format!("  Seq Scan on t\n      filter: {condition}\n");
        assert_eq!(sentences(&plan("(a = 1)"), &plan("(a = 2)"))[0], "the same nodes, with other conditions or keys");
    }
}
