//! Index builds on large tables that do not keep others from writing: `CREATE INDEX` with CONCURRENTLY added
//! (documentation, "Building Indexes Concurrently").

use pgproof_server::{DatabaseError, Session};
use pgproof_sql::quote::literal;
use pgproof_sql::{Statement, Transaction};

/// A `CREATE INDEX` that can be run with CONCURRENTLY.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct IndexBuild {
    /// The statement with CONCURRENTLY.
    pub(super) text: String,
    /// The name of the index as it is written, if it has one.
    index: Option<String>,
    /// The table as it is written.
    table: String,
}

impl IndexBuild {
    /// The statement with CONCURRENTLY, if it builds an index outside a transaction.
    pub(super) fn of(statement: &Statement, transaction: Transaction) -> Option<IndexBuild> {
        if transaction == Transaction::File || statement.needs_no_transaction() {
            return None;
        }
        let mut rest = Words { text: &statement.text, at: 0 };
        rest.demand("CREATE")?;
        rest.skip("UNIQUE");
        rest.demand("INDEX")?;
        let after = rest.at;
        if rest.skip("IF") {
            rest.demand("NOT")?;
            rest.demand("EXISTS")?;
        }
        let index = if rest.skip("ON") { None } else { Some(rest.next()?.to_owned()) };
        if index.is_some() {
            rest.demand("ON")?;
        }
        rest.skip("ONLY");
        let table = rest.next()?.to_owned();
        let text = format!("{} CONCURRENTLY{}", &statement.text[..after], &statement.text[after..]);
        Some(IndexBuild { text, index, table })
    }

    /// Whether its table has this many bytes or more. PostgreSQL has no concurrent build for partitioned tables.
    pub(super) fn is_large(&self, session: &mut Session, least: u64) -> Result<bool, DatabaseError> {
        let query = format!(
            "SELECT pg_table_size(oid) >= {least} AND relkind <> 'p' FROM pg_class WHERE oid = to_regclass({})",
            literal(&self.table)
        );
        Ok(session.value(&query)?.as_deref() == Some("t"))
    }

    /// Removes what an earlier build of the index has left, which IF NOT EXISTS would take for it.
    pub(super) fn clear(&self, session: &mut Session) -> Result<(), DatabaseError> {
        let Some(index) = &self.index else { return Ok(()) };
        let invalid = format!(
            "SELECT i.indexrelid::regclass FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid \
             JOIN pg_class t ON t.oid = i.indrelid WHERE NOT i.indisvalid AND t.oid = to_regclass({}) \
             AND c.oid = to_regclass(quote_ident((SELECT n.nspname FROM pg_namespace n WHERE n.oid = t.relnamespace)) || '.' || {})",
            literal(&self.table),
            literal(index)
        );
        match session.value(&invalid)? {
            Some(index) => session.run(&format!("DROP INDEX CONCURRENTLY IF EXISTS {index}")),
            None => Ok(()),
        }
    }
}

/// The words of a statement: names with their quotation marks, up to whitespace or a parenthesis.
struct Words<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Words<'a> {
    fn next(&mut self) -> Option<&'a str> {
        let rest = &self.text[self.at..];
        let start = self.at + (rest.len() - rest.trim_start().len());
        let mut is_quoted = false;
        let ends = |(_, c): &(usize, char)| {
            is_quoted ^= *c == '"';
            !is_quoted && (c.is_whitespace() || *c == '(')
        };
        let end = self.text[start..].char_indices().find(ends).map_or(self.text.len(), |(at, _)| start + at);
        self.at = end;
        (end > start).then(|| &self.text[start..end])
    }

    /// Skips this word, if it is next.
    fn skip(&mut self, word: &str) -> bool {
        let before = self.at;
        let is_next = self.next().is_some_and(|next| next.eq_ignore_ascii_case(word));
        if !is_next {
            self.at = before;
        }
        is_next
    }

    fn demand(&mut self, word: &str) -> Option<()> {
        self.skip(word).then_some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pgproof_sql::{Source, split};

    fn build(text: &str) -> Option<(String, Option<String>, String)> {
        let source = Source { path: "x.sql".into(), shown: "x.sql".into(), text: text.to_owned() };
        let statements = split(source, std::path::Path::new(".")).expect("statements");
        let build = IndexBuild::of(&statements[0], Transaction::Statement)?;
        Some((build.text, build.index, build.table))
    }

    #[test]
    fn an_index_is_built_concurrently_where_that_is_possible() {
        let of = |text: &str, index: Option<&str>, table: &str| {
            Some((text.to_owned(), index.map(str::to_owned), table.to_owned()))
        };
        assert_eq!(build("CREATE INDEX a ON t (x)"), of("CREATE INDEX CONCURRENTLY a ON t (x)", Some("a"), "t"));
        assert_eq!(
            build("create unique index if not exists \"A b\" on only s.\"T (1)\"(x)"),
            of(
                "create unique index CONCURRENTLY if not exists \"A b\" on only s.\"T (1)\"(x)",
                Some("\"A b\""),
                "s.\"T (1)\""
            )
        );
        assert_eq!(
            build("CREATE INDEX ON t USING gin (x)"),
            of("CREATE INDEX CONCURRENTLY ON t USING gin (x)", None, "t")
        );
        for other in ["CREATE INDEX CONCURRENTLY a ON t (x)", "CREATE TABLE t (x int)", "REINDEX INDEX a"] {
            assert_eq!(build(other), None, "{other}");
        }
    }
}
