//! JSON documents that a condition might accept: those that have the keys which it names, with values of every kind.

use serde_json::{Map, Value, json};
use squawk_lexer::{LiteralKind, TokenKind, tokenize};

use super::candidates::literals;

/// How many documents there are at most for one condition.
const MOST: usize = 800;

/// Documents for conditions with these definitions, likelier ones first.
pub(super) fn documents(texts: &[&str]) -> Vec<String> {
    let mut paths: Vec<Vec<String>> = Vec::new();
    let (mut given, mut values) = (Vec::new(), Vec::new());
    for text in texts {
        let (found, rest) = paths_and_literals(text);
        paths.extend(found);
        for literal in rest {
            match serde_json::from_str::<Value>(&literal) {
                Ok(value @ (Value::Object(_) | Value::Array(_))) => given.push(value),
                _ => values.push(json!(literal)),
            }
        }
        let numbers = literals(text).into_iter().filter_map(|text| text.parse::<i64>().ok());
        values.extend(numbers.filter(|number| number.unsigned_abs() < 1_000_000).map(|number| json!(number)));
    }
    let usual = [json!("a"), json!(1), json!([1]), json!({"a": 1}), json!(true), json!([1, 1]), json!([{}]), json!({})];
    let lists = values.iter().filter_map(Value::as_u64).filter(|n| *n <= 64).collect::<Vec<_>>();
    let lists = lists.into_iter().map(|length| Value::Array((0..length).map(|n| json!(n)).collect()));
    let mut kinds: Vec<Value> = usual.to_vec();
    kinds.extend(lists.clone());
    kinds.extend(values.iter().cloned());
    unique(&mut paths);
    unique(&mut kinds);
    let mut found: Vec<Value> = vec![json!({}), json!([])];
    found.extend(given.iter().cloned());
    found.extend(combined(&paths, &kinds));
    // One key alone, too: others may be forbidden.
    for path in &paths {
        found.extend(kinds.iter().take(8).map(|kind| with(json!({}), path, kind.clone())));
    }
    // What is given, with the keys that are named.
    for document in &given {
        found.extend(combined(&paths, &kinds).into_iter().take(50).map(|other| merged(document, &other)));
    }
    found.extend(kinds);
    found.push(Value::Null);
    unique(&mut found);
    found.truncate(MOST);
    found.iter().map(Value::to_string).collect()
}

/// Documents with all keys: the same value for each, then all combinations of values as far as they are few.
fn combined(paths: &[Vec<String>], kinds: &[Value]) -> Vec<Value> {
    if paths.is_empty() {
        return Vec::new();
    }
    let all_same = |kind: &Value| paths.iter().fold(json!({}), |document, path| with(document, path, kind.clone()));
    let mut found: Vec<Value> = kinds.iter().map(all_same).collect();
    let mut each = 1;
    let count = u32::try_from(paths.len()).unwrap_or(u32::MAX);
    while (each + 1_usize).checked_pow(count).is_some_and(|product| product <= MOST / 2) {
        each += 1;
    }
    let mut combinations = vec![json!({})];
    for path in paths {
        combinations = combinations
            .iter()
            .flat_map(|document| kinds.iter().take(each).map(|kind| with(document.clone(), path, kind.clone())))
            .collect();
    }
    found.extend(combinations);
    found
}

/// A document with a value at a path. What is in the way is replaced.
fn with(document: Value, path: &[String], value: Value) -> Value {
    let Some((key, rest)) = path.split_first() else { return value };
    let mut object = match document {
        Value::Object(object) => object,
        _ => Map::new(),
    };
    let inner = object.remove(key).unwrap_or(json!({}));
    let inner = if rest.is_empty() { value } else { with(inner, rest, value) };
    object.insert(key.clone(), inner);
    Value::Object(object)
}

fn merged(one: &Value, other: &Value) -> Value {
    match (one, other) {
        (Value::Object(one), Value::Object(other)) => {
            Value::Object(other.iter().chain(one).map(|(key, value)| (key.clone(), value.clone())).collect())
        }
        _ => one.clone(),
    }
}

/// The paths to the keys that a text names after `->`, `->>`, `#>`, `?` and the like, and its other string literals.
fn paths_and_literals(text: &str) -> (Vec<Vec<String>>, Vec<String>) {
    let (mut paths, mut others) = (Vec::<Vec<String>>::new(), Vec::new());
    let (mut at, mut operator, mut continues) = (0, String::new(), false);
    let mut list = false;
    for token in tokenize(text) {
        let spelled = &text[at..at + token.len as usize];
        at += token.len as usize;
        match token.kind {
            TokenKind::Minus
            | TokenKind::Gt
            | TokenKind::Question
            | TokenKind::Pound
            | TokenKind::Or
            | TokenKind::And => {
                operator.push_str(spelled);
            }
            TokenKind::Literal { kind: LiteralKind::Str { .. } } => {
                let word = spelled.trim_matches('\'').replace("''", "'");
                match operator.as_str() {
                    "->" | "->>" if continues => {
                        if let Some(path) = paths.last_mut() {
                            path.push(word);
                        }
                    }
                    "->" | "->>" | "?" | "-" => paths.push(vec![word]),
                    "#>" | "#>>" => {
                        paths.push(word.trim_matches(['{', '}']).split(',').map(|key| key.trim().to_owned()).collect());
                    }
                    _ if list => paths.push(vec![word]),
                    _ if word.starts_with('$') => paths.extend(of_json_path(&word)),
                    _ => others.push(word),
                }
                continues = matches!(operator.as_str(), "->" | "->>");
                operator.clear();
            }
            // `?& ARRAY['a', 'b']`
            TokenKind::Ident if operator.starts_with('?') => {
                list = true;
                operator.clear();
            }
            TokenKind::CloseBracket => list = false,
            TokenKind::Whitespace | TokenKind::Colon | TokenKind::CloseParen => {}
            TokenKind::Ident if spelled == "text" => {}
            TokenKind::OpenParen => operator.clear(),
            _ => {
                operator.clear();
                continues = false;
            }
        }
    }
    (paths, others)
}

/// The keys of a JSON path such as `$.tags[*]`.
fn of_json_path(path: &str) -> Option<Vec<String>> {
    let end = path.find(['?', ' ', '=']).unwrap_or(path.len());
    let keys: Vec<String> = path[..end]
        .split('.')
        .skip(1)
        .map(|key| key.split('[').next().unwrap_or_default().trim_matches('"').to_owned())
        .filter(|key| !key.is_empty())
        .collect();
    (!keys.is_empty()).then_some(keys)
}

fn unique<T: PartialEq>(items: &mut Vec<T>) {
    let mut kept: Vec<T> = Vec::with_capacity(items.len());
    for item in items.drain(..) {
        if !kept.contains(&item) {
            kept.push(item);
        }
    }
    *items = kept;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_found_wherever_a_condition_names_them() {
        let paths = |text: &str| paths_and_literals(text).0;
        assert_eq!(paths("((c -> 'meta'::text) ->> 'source'::text) IS NOT NULL"), [["meta", "source"]]);
        assert_eq!(paths("(b ? 'name'::text)"), [["name"]]);
        assert_eq!(paths("(c ?& ARRAY['id'::text, 'kind'::text])"), [["id"], ["kind"]]);
        assert_eq!(paths("(a #>> '{owner,id}'::text[])"), [["owner", "id"]]);
        assert_eq!(paths("((b ->> 'kind'::text) = ANY (ARRAY['card'::text]))"), [["kind"]]);
    }
}
