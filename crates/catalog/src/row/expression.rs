//! Boolean expressions as PostgreSQL prints them: their words, the conjuncts of an AND, and equations that give the
//! value of a column. PostgreSQL parenthesises every operator, so that no precedence is needed here.

use squawk_lexer::{TokenKind, tokenize};

use crate::Relation;

/// The identifiers in an expression, as PostgreSQL stores them.
pub(super) fn words(expression: &str) -> Vec<String> {
    tokens(expression)
        .filter_map(|(kind, text, _)| match kind {
            TokenKind::Ident => Some(text.to_lowercase()),
            TokenKind::QuotedIdent { .. } => Some(text.trim_matches('"').replace("\"\"", "\"")),
            _ => None,
        })
        .collect()
}

/// The columns of a table that an expression mentions; those that a generated column is computed from count as well.
pub(super) fn columns_in(table: &Relation, expression: &str) -> Vec<String> {
    // A whole row, as in `f(t.*)`.
    let whole = expression.contains(".*");
    let words = words(expression);
    let mut found: Vec<String> = Vec::new();
    for column in table.columns.iter().filter(|column| whole || words.contains(&column.name)) {
        if let Some(generated) = &column.generated_as {
            found.extend(columns_in(table, generated));
        }
        found.push(column.name.clone());
    }
    let mut seen = std::collections::HashSet::new();
    found.retain(|name| seen.insert(name.clone()));
    found
}

/// The expressions of which an AND consists. Each of them must not be false.
pub(super) fn conjuncts(expression: &str) -> Vec<String> {
    let inner = bare(expression);
    let parts = split(inner, |kind, text| kind == TokenKind::Ident && text.eq_ignore_ascii_case("and"));
    match parts.len() {
        1 => vec![format!("({inner})")],
        _ => parts.iter().flat_map(|part| conjuncts(part)).collect(),
    }
}

/// What an equation says of single columns: the column, and the expression that it equals.
pub(super) fn equations(table: &Relation, conjunct: &str) -> Vec<(String, String)> {
    let sides = split(bare(conjunct), |kind, _| kind == TokenKind::Eq);
    let [left, right] = sides.as_slice() else { return Vec::new() };
    // Part of another operator, as in `>=`, or a list, as in `= ANY (…)`.
    let is_operator = |c: char| "<>!~@#&|?*/%^+-".contains(c);
    let listed = words(right).first().is_some_and(|word| word == "any" || word == "all");
    if listed || left.trim_end().ends_with(is_operator) || right.starts_with(['>', '~']) {
        return Vec::new();
    }
    let mut found = Vec::new();
    isolate(table, left, right, &mut found);
    isolate(table, right, left, &mut found);
    found.retain(|(column, expression)| !columns_in(table, expression).contains(column));
    found
}

/// Moves everything but one column to the right side.
fn isolate(table: &Relation, left: &str, right: &str, found: &mut Vec<(String, String)>) {
    let left = bare(left);
    if let Some(column) = column(table, left) {
        found.push((column, right.trim().to_owned()));
        return;
    }
    for operator in [TokenKind::Plus, TokenKind::Minus, TokenKind::Star] {
        let parts = split(left, |kind, _| kind == operator);
        let [a, b] = parts.as_slice() else { continue };
        if a.trim().is_empty() {
            continue; // a sign
        }
        let (of_a, of_b) = match operator {
            TokenKind::Plus => (format!("({right}) - ({b})"), format!("({right}) - ({a})")),
            TokenKind::Minus => (format!("({right}) + ({b})"), format!("({a}) - ({right})")),
            _ => (format!("({right}) / ({b})"), format!("({right}) / ({a})")),
        };
        isolate(table, a, &of_a, found);
        isolate(table, b, &of_b, found);
        return;
    }
}

/// The column that an expression is, apart from casts.
fn column(table: &Relation, expression: &str) -> Option<String> {
    let uncast = split(expression, |kind, _| kind == TokenKind::Colon);
    let words = words(uncast.first()?);
    let only = tokens(bare(uncast.first()?)).filter(|(kind, ..)| *kind != TokenKind::Whitespace).count() == 1;
    let [word] = words.as_slice() else { return None };
    table.column(word).filter(|_| only && uncast.len() != 2).map(|column| column.name.clone())
}

/// An expression without the parentheses around all of it.
pub(super) fn bare(expression: &str) -> &str {
    let trimmed = expression.trim();
    let Some(inner) = trimmed.strip_prefix('(').and_then(|rest| rest.strip_suffix(')')) else { return trimmed };
    let mut depth = 0_i32;
    for (kind, ..) in tokens(inner) {
        depth += change(kind);
        if depth < 0 {
            return trimmed; // the first parenthesis ends before the last one
        }
    }
    bare(inner)
}

fn split(expression: &str, is_separator: impl Fn(TokenKind, &str) -> bool) -> Vec<&str> {
    let (mut parts, mut depth, mut from) = (Vec::new(), 0_i32, 0);
    for (kind, text, at) in tokens(expression) {
        depth += change(kind);
        if depth == 0 && is_separator(kind, text) {
            parts.push(&expression[from..at]);
            from = at + text.len();
        }
    }
    parts.push(&expression[from..]);
    parts
}

/// How a token changes the depth. CASE … END counts as parentheses do.
fn change(kind: TokenKind) -> i32 {
    match kind {
        TokenKind::OpenParen | TokenKind::OpenBracket => 1,
        TokenKind::CloseParen | TokenKind::CloseBracket => -1,
        _ => 0,
    }
}

fn tokens(expression: &str) -> impl Iterator<Item = (TokenKind, &str, usize)> {
    let mut at = 0;
    tokenize(expression).map(move |token| {
        let from = at;
        at += token.len as usize;
        (token.kind, &expression[from..at], from)
    })
}
