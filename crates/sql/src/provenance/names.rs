//! Names in syntax trees, as PostgreSQL reads them, and types as it prints them.

use squawk_lexer::{TokenKind, tokenize};
use squawk_syntax::SyntaxNode;

use crate::name::{Identifier, QualifiedName};

/// The identifiers of an optionally qualified name, folded as PostgreSQL folds them.
pub(super) fn identifiers(text: &str) -> Vec<Identifier> {
    let mut found = Vec::new();
    let mut at = 0;
    for token in tokenize(text) {
        let end = at + token.len as usize;
        if matches!(token.kind, TokenKind::Ident | TokenKind::QuotedIdent { .. }) {
            found.push(Identifier::folded(&text[at..end]));
        }
        at = end;
    }
    // ONLY may precede the name of a table.
    if found.len() > 1 && !text.contains('.') {
        found.retain(|name| *name != "only");
    }
    found
}

/// The name in a node; the schema defaults to this one.
pub(super) fn qualified(node: &SyntaxNode, schema: &Identifier) -> Option<QualifiedName> {
    let mut found = identifiers(&node.text().to_string());
    let name = found.pop()?;
    let schema = found.pop().unwrap_or_else(|| schema.clone());
    Some(QualifiedName::in_schema(schema.as_str(), name.as_str()))
}

/// The single identifier in a node: the last part of its name.
pub(super) fn simple(node: &SyntaxNode) -> Option<Identifier> {
    identifiers(&node.text().to_string()).pop()
}

/// A type as `format_type` prints it without modifiers (documentation, table "Data Types").
pub(super) fn formatted_type(written: &str) -> String {
    let mut text = String::new();
    let mut depth = 0;
    for c in written.to_lowercase().chars() {
        match c {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ if depth == 0 => text.push(c),
            _ => {}
        }
    }
    let words: Vec<&str> = text.split_whitespace().collect();
    let text = words.join(" ");
    let (base, array) = match text.find('[') {
        Some(at) => (text[..at].trim().to_owned(), "[]"),
        None => match text.strip_suffix(" array") {
            Some(base) => (base.to_owned(), "[]"),
            None => (text, ""),
        },
    };
    let base = base.strip_prefix("pg_catalog.").or_else(|| base.strip_prefix("public.")).unwrap_or(&base);
    let base = match base {
        "int" | "int4" => "integer",
        "int2" => "smallint",
        "int8" => "bigint",
        "bool" => "boolean",
        "float" | "float8" => "double precision",
        "float4" => "real",
        "decimal" => "numeric",
        "varchar" | "char varying" => "character varying",
        "char" | "bpchar" => "character",
        "timestamptz" => "timestamp with time zone",
        "timestamp" => "timestamp without time zone",
        "timetz" => "time with time zone",
        "time" => "time without time zone",
        "varbit" => "bit varying",
        other => other,
    };
    format!("{base}{array}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_as_postgresql_prints_them() {
        for (written, printed) in [
            ("INT", "integer"),
            ("varchar(20)", "character varying"),
            ("numeric(10, 2)[]", "numeric[]"),
            ("timestamp (3) with time zone", "timestamp with time zone"),
            ("int4 ARRAY", "integer[]"),
            ("mood", "mood"),
        ] {
            assert_eq!(formatted_type(written), printed);
        }
    }
}
