//! Conditions that only compare one column with constants, as `pg_get_expr` prints them. Which values such a condition
//! accepts depends on nothing but how a value compares with the constants: trying them, and one value between and
//! beside them, decides it. Other conditions (functions, arithmetic, patterns, further columns) are not read here.

use squawk_lexer::{LiteralKind, TokenKind, tokenize};

use crate::name::Identifier;

/// The constants with which a condition compares a column, if it does nothing else.
///
/// Comparisons may be joined by AND, OR and NOT; casts are ignored, as PostgreSQL prints them everywhere.
///
/// ```
/// use pgproof_sql::constants_compared;
/// let check = "((status)::text = ANY ((ARRAY['open'::character varying, 'paid'::character varying])::text[]))";
/// assert_eq!(constants_compared(check, "status"), Some(vec!["open".to_owned(), "paid".to_owned()]));
/// assert_eq!(constants_compared("((status = 'open'::text) OR (length(status) > 40))", "status"), None);
/// ```
pub fn constants_compared(condition: &str, column: &str) -> Option<Vec<String>> {
    let words = words(condition)?;
    let mut reader = Reader { words: &words, column, constants: Vec::new(), depth: 0 };
    let is_condition = matches!(reader.disjunction()?, Part::Truth | Part::Column);
    (is_condition && reader.words.is_empty()).then_some(reader.constants)
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Word {
    Name(Identifier, bool),
    Constant(String),
    Sign(char),
    Operator(String),
}

/// What a part of a condition is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Column,
    Constant,
    Constants,
    Truth,
}

struct Reader<'a> {
    words: &'a [Word],
    column: &'a str,
    constants: Vec<String>,
    depth: usize,
}

/// How deep a condition may be nested: reading it recurses, and the stack of a test's thread is small.
const DEEPEST: usize = 100;

impl Reader<'_> {
    fn disjunction(&mut self) -> Option<Part> {
        self.joined("or", |reader| reader.joined("and", Reader::negation))
    }

    fn joined(&mut self, word: &str, next: impl Fn(&mut Self) -> Option<Part>) -> Option<Part> {
        let mut part = next(self)?;
        while self.keyword(word) {
            let other = next(self)?;
            // A boolean column is a condition by itself.
            let is_condition = |part| matches!(part, Part::Truth | Part::Column);
            part = (is_condition(part) && is_condition(other)).then_some(Part::Truth)?;
        }
        Some(part)
    }

    fn negation(&mut self) -> Option<Part> {
        let mut is_negated = false;
        while self.keyword("not") {
            is_negated = true;
        }
        let part = self.comparison()?;
        if is_negated { matches!(part, Part::Truth | Part::Column).then_some(Part::Truth) } else { Some(part) }
    }

    fn comparison(&mut self) -> Option<Part> {
        let left = self.operand()?;
        if self.keyword("is") {
            self.keyword("not");
            let is_known = ["null", "true", "false", "unknown"].iter().any(|word| self.keyword(word));
            return (is_known && left == Part::Column).then_some(Part::Truth);
        }
        let Some((Word::Operator(operator), rest)) = self.words.split_first() else { return Some(left) };
        if !["=", "<>", "<", "<=", ">", ">="].contains(&operator.as_str()) {
            return None;
        }
        self.words = rest;
        let right = self.operand()?;
        let compares = matches!(
            (left, right),
            (Part::Column, Part::Constant | Part::Constants) | (Part::Constant, Part::Column | Part::Constant)
        );
        compares.then_some(Part::Truth)
    }

    fn operand(&mut self) -> Option<Part> {
        self.depth += 1;
        let part = if self.depth > DEEPEST { None } else { self.operand_here() };
        self.depth -= 1;
        part
    }

    fn operand_here(&mut self) -> Option<Part> {
        if self.sign('(') {
            let part = self.disjunction()?;
            return self.sign(')').then_some(part);
        }
        if self.keyword("any") || self.keyword("all") {
            let part = self.operand()?;
            return matches!(part, Part::Constants | Part::Constant).then_some(Part::Constants);
        }
        if self.keyword("array") {
            self.sign('[').then_some(())?;
            while !self.sign(']') {
                (self.operand()? == Part::Constant).then_some(())?;
                self.sign(',');
            }
            return Some(Part::Constants);
        }
        if self.keyword("true") || self.keyword("false") {
            return Some(Part::Constant);
        }
        let (word, rest) = self.words.split_first()?;
        self.words = rest;
        match word {
            Word::Constant(text) => {
                self.constants.push(text.clone());
                Some(Part::Constant)
            }
            Word::Name(name, _) if name == self.column => Some(Part::Column),
            _ => None,
        }
    }

    fn keyword(&mut self, word: &str) -> bool {
        self.next(|next| matches!(next, Word::Name(name, false) if name == word))
    }

    fn sign(&mut self, sign: char) -> bool {
        self.next(|next| *next == Word::Sign(sign))
    }

    fn next(&mut self, is_it: impl Fn(&Word) -> bool) -> bool {
        match self.words.split_first() {
            Some((next, rest)) if is_it(next) => {
                self.words = rest;
                true
            }
            _ => false,
        }
    }
}

/// The words of a condition, without casts; a sign before a number belongs to it.
fn words(condition: &str) -> Option<Vec<Word>> {
    let mut words: Vec<Word> = Vec::new();
    let tokens: Vec<(TokenKind, &str)> = {
        let mut at = 0;
        let token = |token: squawk_lexer::Token| {
            let spelled = &condition[at..at + token.len as usize];
            at += token.len as usize;
            (token.kind, spelled)
        };
        tokenize(condition).map(token).filter(|(kind, _)| *kind != TokenKind::Whitespace).collect()
    };
    let mut at = 0;
    while let Some((kind, spelled)) = tokens.get(at) {
        at += 1;
        match kind {
            TokenKind::Ident => words.push(Word::Name(Identifier::folded(spelled), false)),
            TokenKind::QuotedIdent { .. } => words.push(Word::Name(Identifier::folded(spelled), true)),
            TokenKind::Literal { kind: LiteralKind::Str { .. } } => {
                words.push(Word::Constant(spelled.trim_matches('\'').replace("''", "'")));
            }
            TokenKind::Literal { kind: LiteralKind::Int { .. } | LiteralKind::Numeric { .. } } => {
                let negative = words.pop_if(|word| *word == Word::Operator("-".to_owned())).is_some();
                words.push(Word::Constant(format!("{}{spelled}", if negative { "-" } else { "" })));
            }
            TokenKind::Colon => {
                let is_cast = tokens.get(at).is_some_and(|(kind, _)| *kind == TokenKind::Colon);
                at = if is_cast { after_type(&tokens, at + 1) } else { return None };
            }
            _ if ["(", ")", "[", "]", ","].contains(spelled) => words.push(Word::Sign(spelled.chars().next()?)),
            _ if spelled.chars().all(|c| "=<>-".contains(c)) => {
                // The lexer gives one character at a time.
                let joined = match words.last() {
                    Some(Word::Operator(before)) if *spelled != "-" && before != "-" => {
                        Some(format!("{before}{spelled}"))
                    }
                    _ => None,
                };
                match joined {
                    Some(joined) => *words.last_mut()? = Word::Operator(joined),
                    None => words.push(Word::Operator((*spelled).to_owned())),
                }
            }
            _ => return None,
        }
    }
    Some(words)
}

/// Where the name of a type ends that begins here: `character varying(20)[]`, `timestamp(3) with time zone`.
fn after_type(tokens: &[(TokenKind, &str)], mut at: usize) -> usize {
    const MORE: [&str; 6] = ["varying", "precision", "with", "without", "time", "zone"];
    let spelled = |at: usize| tokens.get(at).map_or("", |(_, spelled)| *spelled);
    at += 1;
    loop {
        match spelled(at) {
            "." => at += 2,
            word if MORE.contains(&word.to_lowercase().as_str()) => at += 1,
            "(" => {
                while !matches!(spelled(at), ")" | "") {
                    at += 1;
                }
                at += 1;
            }
            "[" => at += 2,
            _ => return at,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn compared(condition: &str, constants: &[&str]) {
        let found = constants_compared(condition, "c");
        assert_eq!(found, Some(constants.iter().map(|text| (*text).to_owned()).collect()), "{condition}");
    }

    #[test]
    fn comparisons_are_read_as_postgresql_prints_them() {
        compared("(c = ANY (ARRAY['a'::text, 'b'::text]))", &["a", "b"]);
        compared("((c >= 0) AND (c <= 100))", &["0", "100"]);
        compared("((c > '-1'::integer) OR (c IS NULL))", &["-1"]);
        compared("((c)::numeric >= (0.5)::numeric(3,1))", &["0.5"]);
        compared(
            "(c <> ALL ((ARRAY['x'::character varying(20), 'it''s'::character varying])::text[]))",
            &["x", "it's"],
        );
        compared("(c >= '2020-01-01 00:00:00'::timestamp(3) without time zone)", &["2020-01-01 00:00:00"]);
        compared("(NOT c)", &[]);
        compared("(c IS NOT TRUE)", &[]);
        compared("((NOT (c = 'a'::text)) AND ('b'::text <> c))", &["a", "b"]);
    }

    #[test]
    fn anything_else_is_not_read() {
        for condition in [
            "(length(c) > 3)",
            "(c ~ '^a'::text)",
            "((c % 2) = 0)",
            "(c = other)",
            "((c = 'a'::text) = (d IS NOT NULL))",
            "((c = 1) OR f(c))",
            "(c = ANY (ARRAY['a'::text, other]))",
            "(c IS DISTINCT FROM 'a'::text)",
            "CASE WHEN (c = 1) THEN true ELSE false END",
            &format!("{}c = 1{}", "(".repeat(50_000), ")".repeat(50_000)),
            &"any ".repeat(50_000),
        ] {
            assert_eq!(constants_compared(condition, "c"), None, "{condition:.60}");
        }
        compared(&format!("{}c = 1", "NOT ".repeat(50_000)), &["1"]);
    }
}
