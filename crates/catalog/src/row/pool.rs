//! The values among which a search chooses for one column: what its rules' texts suggest for its type, and what is
//! usual for the type. A pool is a list of texts; which are valid, and which the rules accept, PostgreSQL decides.

use super::candidates::{dictionary, lengths, literals, matching_many};
use super::documents::documents;
use super::types::{Shape, array, composite, range, sample_of, shape};
use super::value::{integer_range, unqualified_parts};
use crate::Catalog;

/// How much is tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Breadth {
    /// What is likely.
    Usual,
    /// Whatever there is: likely values are in the table already.
    Wide,
}

/// How many values a pool has at most.
const USUAL: usize = 400;
const WIDE: usize = 4000;

/// How many parts a value of several is put together from.
const PARTS: usize = 12;

/// Values of the type `name`, likelier ones first; `next` is the number of the next sample.
pub(super) fn pool(catalog: &Catalog, name: &str, texts: &[&str], breadth: Breadth, next: u64) -> Vec<String> {
    let mut found = match shape(catalog, name) {
        Shape::Scalar => scalars(name, texts, breadth),
        Shape::Enum(labels) => {
            let said: Vec<String> = texts.iter().flat_map(|text| literals(text)).collect();
            let (first, rest): (Vec<_>, Vec<_>) = labels.into_iter().partition(|label| said.contains(label));
            first.into_iter().chain(rest).collect()
        }
        Shape::Domain(base, checks) => {
            let all: Vec<&str> = texts.iter().copied().chain(checks.iter().map(String::as_str)).collect();
            pool(catalog, &base, &all, breadth, next)
        }
        Shape::Array(element) => arrays(&pool(catalog, &element, texts, Breadth::Usual, next), texts),
        Shape::Composite(attributes) => {
            let each: Vec<_> = attributes.iter().map(|ty| pool(catalog, ty, texts, Breadth::Usual, next)).collect();
            composites(&each)
        }
        Shape::Range(subtype) => ranges(&pool(catalog, &subtype, texts, Breadth::Usual, next)),
        Shape::Multirange(one) => {
            let ranges = pool(catalog, &one, texts, Breadth::Usual, next).into_iter();
            std::iter::once("{}".to_owned()).chain(ranges.map(|range| format!("{{{range}}}"))).collect()
        }
    };
    let mut samples: Vec<u64> = vec![next];
    if breadth == Breadth::Wide {
        // A table with rows has most likely those with small numbers.
        samples.extend((1..300).map(|step| next + step));
        samples.extend((8..40).map(|power| next + (1 << power)));
    }
    found.extend(samples.into_iter().filter_map(|n| sample_of(catalog, name, n, "value")));
    let mut seen = std::collections::HashSet::new();
    found.retain(|text| seen.insert(text.clone()));
    found.truncate(if breadth == Breadth::Wide { WIDE } else { USUAL });
    found
}

fn scalars(name: &str, texts: &[&str], breadth: Breadth) -> Vec<String> {
    let (base, modifiers) = unqualified_parts(name);
    if matches!(base.as_str(), "json" | "jsonb") {
        return documents(texts);
    }
    let said: Vec<String> = texts.iter().flat_map(|text| literals(text)).collect();
    if base == "bytea" {
        return bytes(&said);
    }
    let mut found = said.clone();
    if integer_range(&base).is_some() || matches!(base.as_str(), "numeric" | "real" | "double precision" | "money") {
        found.extend(arithmetic(&said));
        if breadth == Breadth::Wide {
            found.extend(between(&said));
        }
    }
    if matches!(base.as_str(), "text" | "character varying" | "character" | "citext" | "name") {
        let lengths: Vec<usize> = texts.iter().flat_map(|text| lengths(text)).collect();
        found.extend(lengths.iter().map(|length| "a".repeat(*length)));
        found.extend(joined(&said, &lengths));
        if breadth == Breadth::Wide {
            found.extend(texts.iter().flat_map(|text| matching_many(text)));
            found.extend(letters().chain(letters().flat_map(|a| letters().map(move |b| format!("{a}{b}")))));
        }
    }
    if matches!(base.as_str(), "bit" | "bit varying") {
        let width = modifiers.first().and_then(|width| usize::try_from(*width).ok()).unwrap_or(1);
        found.extend(["0", "1"].map(|bit| bit.repeat(width)));
    }
    if base == "\"char\"" {
        found.extend((33_u8..127).map(|byte| char::from(byte).to_string()));
    }
    found.extend(dictionary(&base).iter().map(|text| (*text).to_owned()));
    found
}

fn letters() -> impl Iterator<Item = String> {
    (b'A'..=b'Z').chain(b'a'..=b'z').chain(b'0'..=b'9').map(|byte| char::from(byte).to_string())
}

/// Byte strings of the lengths that are named, and those that begin with a literal.
fn bytes(said: &[String]) -> Vec<String> {
    const LONGEST: usize = 8192;
    let numbers = said.iter().filter_map(|text| text.parse::<usize>().ok()).filter(|length| *length <= LONGEST);
    let lengths: Vec<usize> = numbers.chain([0, 1, 8, 12, 16, 20, 32, 33, 48, 64]).collect();
    let prefixes: Vec<&str> = said.iter().filter_map(|text| text.strip_prefix("\\x")).chain([""]).collect();
    let of = |prefix: &str, length: usize| format!("\\x{prefix:0<width$}", width = length * 2);
    lengths.iter().flat_map(|length| prefixes.iter().map(|prefix| of(prefix, *length))).collect()
}

/// Literals one after the other, and filled up to the lengths that are named.
fn joined(said: &[String], lengths: &[usize]) -> Vec<String> {
    let words: Vec<&String> = said.iter().filter(|text| text.len() <= 40).take(PARTS).collect();
    let pairs = words.iter().flat_map(|a| words.iter().map(move |b| format!("{a}{b}")));
    let middles = words.iter().flat_map(|a| words.iter().map(move |b| format!("{a}a{b}")));
    let filled = words.iter().flat_map(|word| {
        lengths.iter().flat_map(move |length| {
            ["a", "0"].map(|fill| {
                let missing = length.saturating_sub(word.chars().count());
                format!("{word}{}", fill.repeat(missing))
            })
        })
    });
    let longer = words
        .iter()
        .flat_map(|word| [format!("{word}a"), format!("{word}1"), word.to_lowercase(), word.to_uppercase()]);
    pairs.chain(middles).chain(filled).chain(longer).collect()
}

/// Parts, multiples, sums, differences, products and quotients of the numbers that are named.
fn arithmetic(said: &[String]) -> Vec<String> {
    let mut numbers: Vec<f64> = said.iter().filter_map(|text| text.parse().ok()).collect();
    numbers.retain(|number: &f64| number.is_finite() && number.abs() < 1e15);
    numbers.dedup();
    numbers.truncate(PARTS * 2);
    let mut found: Vec<f64> =
        numbers.iter().flat_map(|n| [n / 2.0, n / 4.0, n / 3.0, n * 2.0, n * 3.0, n * 10.0, -n]).collect();
    for (at, a) in numbers.iter().enumerate() {
        for b in &numbers[at + 1..] {
            found.extend([a + b, a - b, b - a, a * b]);
            found.extend((*b != 0.0).then(|| a / b));
            found.extend((*a != 0.0).then(|| b / a));
        }
    }
    // An integer is accepted by every numeric type.
    let (whole, broken): (Vec<f64>, Vec<f64>) = found.into_iter().partition(|number| number.fract() == 0.0);
    whole.into_iter().chain(broken).map(|number| number.to_string()).collect()
}

/// The integers between the smallest and the largest number that is named.
fn between(said: &[String]) -> Vec<String> {
    const MOST: i64 = 2500;
    let numbers: Vec<i64> = said.iter().filter_map(|text| text.parse().ok()).collect();
    let (Some(least), Some(most)) = (numbers.iter().min(), numbers.iter().max()) else { return Vec::new() };
    (*least..=*most.min(&least.saturating_add(MOST))).map(|number| number.to_string()).collect()
}

fn arrays(elements: &[String], texts: &[&str]) -> Vec<String> {
    const LONGEST: usize = 64;
    let few: Vec<String> = elements.iter().take(PARTS * 2).cloned().collect();
    let said: Vec<String> = texts.iter().flat_map(|text| literals(text)).collect();
    let lengths = said.iter().filter_map(|text| text.parse::<usize>().ok()).filter(|length| *length <= LONGEST);
    let lengths: std::collections::BTreeSet<usize> = lengths.chain([2, 3]).collect();
    let literal: Vec<String> = said.iter().filter(|text| elements.contains(text)).cloned().collect();
    let mut found = vec!["{}".to_owned()];
    found.extend(few.iter().map(|element| array(std::slice::from_ref(element))));
    found.push(array(&literal));
    for length in lengths {
        found.push(array(&few.iter().cycle().take(length).cloned().collect::<Vec<_>>()));
        found.extend(few.iter().take(PARTS).map(|element| array(&vec![element.clone(); length])));
    }
    found.extend(few.iter().take(PARTS).map(|element| format!("{{{}}}", array(std::slice::from_ref(element)))));
    found
}

fn ranges(points: &[String]) -> Vec<String> {
    const POINTS: usize = 18;
    let few: Vec<&String> = points.iter().filter(|point| !point.is_empty()).take(POINTS).collect();
    let mut found: Vec<String> = few.iter().flat_map(|a| few.iter().map(|b| range(a, Some(b)))).collect();
    found.extend(few.iter().map(|point| range(point, None)));
    found.extend(few.iter().flat_map(|point| [format!("[\"{point}\",)"), format!("(,\"{point}\"]")]));
    found.extend(["(,)".to_owned(), "empty".to_owned()]);
    found
}

fn composites(each: &[Vec<String>]) -> Vec<String> {
    let mut product = 1;
    while (product + 1_usize)
        .checked_pow(u32::try_from(each.len().max(1)).unwrap_or(u32::MAX))
        .is_some_and(|all| all <= USUAL)
    {
        product += 1;
    }
    let mut rows: Vec<Vec<String>> = vec![Vec::new()];
    for values in each {
        let values: Vec<&String> = values.iter().take(product).collect();
        rows = rows
            .iter()
            .flat_map(|row| values.iter().map(move |value| row.iter().cloned().chain([(*value).clone()]).collect()))
            .collect();
    }
    rows.iter().map(|row| composite(row)).collect()
}
