//! Values that a column should reject if it accepts only a set: near misses of the members, values of other columns, and
//! what the column's own CHECKs mention. For a CHECK that is more than comparisons, many more are evaluated, and those
//! that it accepts are tried.

use std::collections::BTreeSet;

use pgproof_catalog::row::{candidates, length_limit, literals, sample};
use pgproof_catalog::{Catalog, Column, ConstraintKind};
use pgproof_runner::Sandbox;
use pgproof_server::DatabaseError;

use crate::admission::Admission;

/// The longest text that is tried because a CHECK may look at lengths.
const LONGEST: usize = 4096;

/// Words that are often accepted by mistake.
const WORDS: [&str; 14] =
    ["", " ", "null", "NULL", "unknown", "none", "default", "true", "0", "1", "-1", "deleted", "é", "x"];

/// Values other than the members, in a fixed order. Some may be no values of the type.
pub(crate) fn strangers(
    sandbox: &mut Sandbox,
    catalog: &Catalog,
    column: &Column,
    admission: &Admission<'_>,
    members: &[String],
) -> Result<Vec<String>, DatabaseError> {
    let mut crowd: BTreeSet<String> = members.iter().flat_map(|member| near_misses(member)).collect();
    crowd.extend(members.windows(2).map(|pair| format!("{},{}", pair[0], pair[1])));
    crowd.extend(WORDS.map(str::to_owned));
    // Values that another column accepts, or that this column's rule mentions, are likely mistakes.
    let checks = catalog.constraints.iter().filter(|c| c.kind == ConstraintKind::Check);
    crowd.extend(checks.flat_map(|check| literals(&check.definition)));
    crowd.extend(catalog.types.iter().flat_map(|ty| ty.labels.clone()));
    crowd.extend(admission.constants().iter().cloned());
    let definitions = admission.definitions();
    crowd.extend(candidates(&column.ty, &definitions));
    crowd.extend((1..4).filter_map(|number| sample(&column.ty, number, &column.name)));
    if admission.is_open() {
        let mut many: Vec<String> = searched(column, &definitions, members).into_iter().collect();
        many.retain(|value| fits(column, value) && !members.contains(value));
        // What the conditions accept is found by evaluating them; a condition that fails is tried on a few.
        let accepted = admission.admits(sandbox, &many)?;
        crowd.extend(accepted.unwrap_or(many).into_iter().take(MOST_ACCEPTED));
    }
    crowd.retain(|value| !members.contains(value) && fits(column, value));
    Ok(crowd.into_iter().collect())
}

/// How many of the values that a CHECK accepts are tried.
const MOST_ACCEPTED: usize = 20;

fn near_misses(member: &str) -> Vec<String> {
    let mut shorter = member.to_owned();
    shorter.pop();
    vec![
        shorter,
        member.to_uppercase(),
        member.to_lowercase(),
        format!("{member} "),
        format!(" {member}"),
        format!("{member}s"),
        format!("{member}_"),
        format!("not_{member}"),
        member.replace('_', " "),
        member.replace('_', "-"),
        member.chars().rev().collect(),
        member.chars().skip(1).collect(),
    ]
}

/// Whether a text can be a value of the column, as far as that is known here.
fn fits(column: &Column, value: &str) -> bool {
    (column.ty.category != 'N' || value.parse::<f64>().is_ok_and(f64::is_finite))
        && length_limit(&column.ty.base).is_none_or(|limit| value.chars().count() <= limit)
}

/// Texts of every length that the definitions mention, numbers around and beyond theirs, and combinations of their
/// literals.
fn searched(column: &Column, definitions: &[&str], members: &[String]) -> BTreeSet<String> {
    let mentioned: Vec<String> = definitions.iter().flat_map(|definition| literals(definition)).collect();
    if column.ty.category == 'N' {
        return numbers(&mentioned);
    }
    let mut found: BTreeSet<String> = (0..=70).flat_map(texts_of_length).collect();
    let lengths = mentioned.iter().filter_map(|text| text.parse::<usize>().ok()).filter(|length| *length <= LONGEST);
    found.extend(lengths.flat_map(texts_of_length));
    let words: Vec<&String> = mentioned.iter().chain(members).collect();
    for word in &words {
        found.extend([
            word.to_uppercase(),
            word.to_lowercase(),
            format!("{word}x"),
            format!("x{word}"),
            format!("x{word}x"),
        ]);
        found.extend(words.iter().take(40).flat_map(|other| [format!("{word}{other}"), format!("{word} {other}")]));
    }
    found.extend((' '..='~').map(|c| c.to_string()));
    found.extend((0..300).map(|number| number.to_string()));
    found
}

fn texts_of_length(length: usize) -> impl Iterator<Item = String> {
    ["a", "A", "0", " ", "_", "é"].into_iter().map(move |letter| letter.repeat(length))
}

/// Small numbers, powers of ten, and sums and multiples of the mentioned ones.
pub(crate) fn numbers(mentioned: &[String]) -> BTreeSet<String> {
    let mut found: BTreeSet<String> = (-3000..=3000).map(|number: i64| number.to_string()).collect();
    found.extend((3..16).flat_map(|power| [10_i64.pow(power), -(10_i64.pow(power))]).map(|number| number.to_string()));
    let known: BTreeSet<i64> = mentioned.iter().filter_map(|text| text.parse().ok()).collect();
    for number in known.iter().take(60) {
        let multiples = (-40..=40).filter_map(|times: i64| number.checked_mul(times));
        found.extend(
            multiples
                .flat_map(|product| [product.checked_sub(1), Some(product), product.checked_add(1)])
                .flatten()
                .map(|n| n.to_string()),
        );
        found.extend(known.iter().take(60).filter_map(|other| number.checked_add(*other)).map(|sum| sum.to_string()));
    }
    found
}
