//! Values that a CHECK might accept: the literals in its definition and their neighbours, texts that match its
//! patterns, and a small dictionary. `solve` asks PostgreSQL which of them it accepts.

use rand::SeedableRng;
use rand::distr::Distribution;
use squawk_lexer::{LiteralKind, TokenKind, tokenize};

use super::value::{integer_range, length_limit, parts};
use crate::ColumnType;

/// How many examples of a pattern are tried.
const EXAMPLES: usize = 24;

/// Texts that CHECKs commonly require.
const TEXTS: &[&str] = &[
    "a",
    "",
    "A",
    "abc",
    "a1",
    "a-b",
    "a_b",
    "a@example.com",
    "https://example.com/a",
    "+15550000000",
    "US",
    "USD",
    "en",
    "en-US",
    "0",
    "1",
    "#000000",
    "2001-01-01",
    "12:00",
    "UTC",
    "00000000-0000-4000-8000-000000000001",
    "{}",
    "192.0.2.1",
    "00000",
    "0123456789abcdef0123456789abcdef",
    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
];
/// Values of types other than text.
const OTHERS: &[(&str, &[&str])] = &[
    ("uuid", &["00000000-0000-4000-8000-000000000001", "00000000-0000-0000-0000-000000000000"]),
    ("inet", &["192.0.2.1", "2001:db8::1", "10.0.0.1", "192.0.2.0/24", "10.0.0.1/24"]),
    ("cidr", &["192.0.2.0/24", "10.0.0.0/8", "2001:db8::/32", "192.0.2.1/32"]),
    ("macaddr", &["02:00:00:00:00:01", "00:00:00:00:00:00"]),
    ("point", &["(0,0)", "(1,0)", "(1,1)", "(0.5,0.5)", "(-1,-1)", "(10,10)", "(100,50)"]),
    ("box", &["((2,2),(0,0))", "((1000,1000),(-1000,-1000))"]),
    ("circle", &["<(0,0),1>", "<(0,0),100>", "<(0,0),1000>", "<(0,0),0.5>"]),
    ("polygon", &["((0,0),(1,0),(1,1),(0,1))", "((0,0),(1,0),(0,1))", "((0,0),(2,0),(3,1),(1,2),(0,1))"]),
    ("path", &["[(0,0),(1,1)]", "((0,0),(1,0),(0,1))"]),
    ("lseg", &["[(0,0),(1,1)]", "[(0,0),(100,0)]"]),
    ("tsvector", &["'a':1 'b':2", "'a':1", ""]),
    ("xml", &["<a/>", "<a b=\"c\">d</a>"]),
];
const TIMES: &[&str] = &["09:00", "17:00", "00:00", "23:59:59", "12:30"];
const NUMBERS: &[&str] = &["0", "1", "-1", "2", "10", "100", "0.5", "1000"];
const DAYS: &[&str] =
    &["2001-01-01", "2001-01-02", "2000-12-31", "2030-01-01", "1990-01-01", "2001-02-01", "2001-01-15", "2002-01-01"];
const DOCUMENTS: &[&str] = &["{}", "[]", "\"a\"", "1", "true", "null", "[1]", "{\"a\": 1}"];
const SPANS: &[&str] = &["1 day", "1 hour", "0", "1 month", "-1 day", "30 minutes", "1 minute", "1 year"];

/// Values of type `ty` that conditions with these definitions might accept, likelier ones first. All are valid for the
/// type.
pub fn candidates(ty: &ColumnType, definitions: &[&str]) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for definition in definitions {
        found.extend(literals(definition));
    }
    found.extend(dictionary(&parts(&ty.base).0).iter().map(|text| (*text).to_owned()));
    for length in definitions.iter().flat_map(|definition| lengths(definition)) {
        found.push("a".repeat(length));
    }
    if let Some(labels) = &ty.labels {
        found.extend(labels.iter().cloned());
    }
    if ty.category == 'A' {
        found.extend(["{}".to_owned(), "{1}".to_owned(), "{1,2}".to_owned()]);
    }
    let mut seen = std::collections::HashSet::new();
    found.retain(|text| is_valid(ty, text) && seen.insert(text.clone()));
    found
}

/// The literals in a definition, plus the neighbours of numbers and examples of patterns.
pub fn literals(definition: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut at = 0;
    let mut operator = String::new();
    for token in tokenize(definition) {
        let spelled = &definition[at..at + token.len as usize];
        at += token.len as usize;
        match token.kind {
            TokenKind::Tilde | TokenKind::Star | TokenKind::Bang => operator.push_str(spelled),
            TokenKind::Whitespace | TokenKind::OpenParen => {}
            TokenKind::Ident if spelled.starts_with("similar_to") => "~similar".clone_into(&mut operator),
            TokenKind::Literal { kind: LiteralKind::Str { .. } } => {
                let text = spelled.trim_matches('\'').replace("''", "'");
                match operator.as_str() {
                    "~" | "~*" => found.extend(matching(&text, EXAMPLES)),
                    "~similar" => found.extend(matching(&text.replace('%', ".*").replace('_', "."), EXAMPLES)),
                    "~~" | "~~*" => found.push(text.replace('%', "").replace('_', "a")),
                    _ => {
                        found.extend(neighbours(&text));
                        found.push(text);
                    }
                }
                operator.clear();
            }
            TokenKind::Literal { kind: LiteralKind::Int { .. } | LiteralKind::Numeric { .. } } => {
                found.push(spelled.to_owned());
                found.extend(neighbours(spelled));
                operator.clear();
            }
            _ => operator.clear(),
        }
    }
    found
}

/// A number minus one and plus one; for a fraction, closer neighbours too; for a day, the days around it.
fn neighbours(text: &str) -> Vec<String> {
    if is_day(text) {
        return days_around(text);
    }
    if let Ok(number) = text.parse::<i64>() {
        return [number.checked_sub(1), number.checked_add(1)].into_iter().flatten().map(|n| n.to_string()).collect();
    }
    match text.parse::<f64>() {
        Ok(number) if number.is_finite() => {
            [-0.01, 0.01, -0.1, 0.1, -1.0, 1.0].iter().map(|step| (number + step).to_string()).collect()
        }
        _ => Vec::new(),
    }
}

/// Days before and after a day, close and far. The 28th exists in every month.
fn days_around(text: &str) -> Vec<String> {
    let number = |from: usize, to: usize| text.get(from..to).and_then(|digits| digits.parse::<i64>().ok());
    let (Some(year), Some(month), Some(day)) = (number(0, 4), number(5, 7), number(8, 10)) else { return Vec::new() };
    let rest = text.get(10..).unwrap_or_default();
    let shown = |months: i64, day: i64| {
        let months = year * 12 + month - 1 + months;
        format!("{:04}-{:02}-{day:02}{rest}", months.div_euclid(12), months.rem_euclid(12) + 1)
    };
    let next = if day < 28 { shown(0, day + 1) } else { shown(1, 1) };
    let previous = if day > 1 { shown(0, day - 1) } else { shown(-1, 28) };
    vec![
        next,
        previous,
        shown(0, day.clamp(8, 28)),
        shown(1, day.min(28)),
        shown(12, day.min(28)),
        shown(-12, day.min(28)),
    ]
}

/// Texts that match a regular expression, as far as PostgreSQL's and Rust's syntax agree; deterministic.
fn matching(pattern: &str, count: usize) -> Vec<String> {
    const MOST_REPETITIONS: u32 = 8;
    // Anchors add nothing when the whole text must match, and the generator rejects them.
    let inner = pattern.trim_start_matches('^').trim_end_matches('$');
    // ASCII only: the two differ in what \w and \d match beyond it.
    let parsed = regex_of(inner, MOST_REPETITIONS);
    let Some(generator) = parsed else { return Vec::new() };
    let mut random = rand::rngs::SmallRng::seed_from_u64(0);
    (0..count).map(|_| generator.sample(&mut random)).filter(|text: &String| !text.contains(char::from(0))).collect()
}

/// Many examples of the patterns in a definition.
pub(super) fn matching_many(definition: &str) -> Vec<String> {
    const MANY: usize = 300;
    let (mut found, mut at, mut is_pattern) = (Vec::new(), 0, false);
    for token in tokenize(definition) {
        let spelled = &definition[at..at + token.len as usize];
        at += token.len as usize;
        match token.kind {
            TokenKind::Tilde => is_pattern = true,
            TokenKind::Whitespace | TokenKind::Star | TokenKind::OpenParen => {}
            TokenKind::Literal { kind: LiteralKind::Str { .. } } if is_pattern => {
                found.extend(matching(&spelled.trim_matches('\'').replace("''", "'"), MANY));
                is_pattern = false;
            }
            _ => is_pattern = false,
        }
    }
    found
}

fn regex_of(pattern: &str, most: u32) -> Option<rand_regex::Regex> {
    let ascii = format!("(?-u:{pattern})");
    rand_regex::Regex::compile(&ascii, most).or_else(|_| rand_regex::Regex::compile(pattern, most)).ok()
}

/// Small numbers in a definition: a text length may be compared with them.
pub(super) fn lengths(definition: &str) -> Vec<usize> {
    const LONGEST: usize = 512;
    if !definition.contains("length") {
        return Vec::new();
    }
    literals(definition).iter().filter_map(|text| text.parse().ok()).filter(|length| *length <= LONGEST).collect()
}

/// Usual values of a type, by its name without modifiers.
pub(super) fn dictionary(base: &str) -> &'static [&'static str] {
    match base {
        "text" | "character varying" | "character" | "citext" | "name" => TEXTS,
        "date" | "timestamp without time zone" | "timestamp with time zone" => DAYS,
        "time without time zone" | "time with time zone" => TIMES,
        "interval" => SPANS,
        "boolean" => &["true", "false"],
        "json" | "jsonb" => DOCUMENTS,
        "money" | "numeric" | "real" | "double precision" => NUMBERS,
        _ if integer_range(base).is_some() => NUMBERS,
        _ => OTHERS.iter().find(|(name, _)| *name == base).map_or(&[], |(_, values)| values),
    }
}

/// Whether a text is a value of the type; `None` if only PostgreSQL knows.
pub(super) fn is_sure(ty: &ColumnType, text: &str) -> Option<bool> {
    let (base, _) = parts(&ty.base);
    let known = ty.kind == 'e'
        || integer_range(&base).is_some()
        || matches!(
            base.as_str(),
            "numeric"
                | "real"
                | "double precision"
                | "boolean"
                | "json"
                | "jsonb"
                | "text"
                | "character varying"
                | "character"
        );
    (known && ty.domain.is_none() && matches!(ty.kind, 'b' | 'e')).then(|| is_valid(ty, text))
}

/// Whether the type's input function accepts the text. If unsure, no.
fn is_valid(ty: &ColumnType, text: &str) -> bool {
    let (base, modifiers) = parts(&ty.base);
    if ty.kind == 'e' {
        return ty.labels.as_ref().is_some_and(|labels| labels.iter().any(|label| label == text));
    }
    if let Some((least, most)) = integer_range(&base) {
        return text.parse::<i128>().is_ok_and(|number| (least..=most).contains(&number));
    }
    match base.as_str() {
        "numeric" => text.parse::<f64>().is_ok_and(|number| number.is_finite() && fits(number, &modifiers)),
        "real" | "double precision" => text.parse::<f64>().is_ok_and(f64::is_finite),
        "boolean" => matches!(text, "true" | "false"),
        "date" | "timestamp without time zone" | "timestamp with time zone" => is_day(text),
        "interval" => SPANS.contains(&text),
        "json" | "jsonb" => serde_json::from_str::<serde_json::Value>(text).is_ok(),
        "text[]" | "integer[]" | "bigint[]" => matches!(text, "{}" | "{1}" | "{1,2}"),
        _ if ty.category == 'S' => length_limit(&ty.base).is_none_or(|limit| text.chars().count() <= limit),
        _ => false,
    }
}

fn fits(number: f64, modifiers: &[i64]) -> bool {
    let [precision, scale] = *modifiers else { return true };
    let digits = i32::try_from(precision - scale).unwrap_or(0);
    number.abs() < 10_f64.powi(digits)
}

fn is_day(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.len() >= 10
        && bytes[..10].iter().enumerate().all(|(at, byte)| match at {
            4 | 7 => *byte == b'-',
            _ => byte.is_ascii_digit(),
        })
        && bytes[10..].iter().all(|byte| byte.is_ascii_digit() || b" :.+-".contains(byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_literals_neighbours_and_patterns_from_a_definition() {
        assert_eq!(literals("CHECK (((n >= 5) AND (s = 'o''k'::text)))"), ["5", "4", "6", "o'k"]);
        assert_eq!(literals("CHECK ((s ~~ 'ab%'::text))"), ["ab"]);
        let examples = literals("CHECK ((code ~ '^[A-Z]{3}[0-9]+$'::text))");
        assert!(!examples.is_empty());
        for text in examples {
            let (letters, digits) = text.split_at(3);
            assert!(letters.bytes().all(|b| b.is_ascii_uppercase()), "{text}");
            assert!(!digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()), "{text}");
        }
    }
}
