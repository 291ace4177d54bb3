//! Splits a file into statements with PostgreSQL's own lexical rules: all kinds of quotes, nested comments,
//! parentheses, `BEGIN ATOMIC` bodies (counted as psql's scanner does), COPY data and psql variables.

use std::path::Path;
use std::sync::Arc;

use squawk_lexer::{LiteralKind, TokenKind, tokenize};

use super::meta::{Meta, Variables, interpret, is_variable_character};
use super::{Source, SourceError, Statement};
use crate::Origin;
use crate::{quote::identifier, quote::literal};

/// The statements of a file in order, including those of included files. `\i` is resolved relative to `root`.
pub fn split(source: Source, root: &Path) -> Result<Vec<Statement>, SourceError> {
    split_with(source, root, &Variables::new())
}

/// The same, with values for psql variables.
pub fn split_with(source: Source, root: &Path, variables: &Variables) -> Result<Vec<Statement>, SourceError> {
    let mut splitter = Splitter { root, variables: variables.clone(), statements: Vec::new(), including: Vec::new() };
    splitter.file(source)?;
    Ok(splitter.statements)
}

struct Splitter<'a> {
    root: &'a Path,
    variables: Variables,
    statements: Vec<Statement>,
    including: Vec<std::path::PathBuf>,
}

/// The statement being read.
#[derive(Default)]
struct Building {
    text: String,
    runs: Vec<(usize, usize)>,
    words: Vec<String>,
    parentheses: usize,
    /// How many BEGIN ATOMIC and CASE are still waiting for their END.
    ends: usize,
}

struct Piece {
    kind: TokenKind,
    start: usize,
    end: usize,
}

impl Splitter<'_> {
    fn file(&mut self, source: Source) -> Result<(), SourceError> {
        let source = Arc::new(source);
        self.including.push(source.path.clone());
        let text = source.text.as_str();
        let mut building = Building::default();
        // Tokenising restarts after anything that is not SQL: a meta-command or COPY data.
        let mut at = 0;
        while at < text.len() {
            at = self.tokens(&source, at, &mut building)?;
        }
        self.finish(&source, &mut building);
        self.including.pop();
        Ok(())
    }

    /// Reads tokens from `from` up to the next text that is not SQL, and returns where SQL resumes.
    fn tokens(&mut self, source: &Arc<Source>, from: usize, building: &mut Building) -> Result<usize, SourceError> {
        let text = source.text.as_str();
        let pieces = pieces(text, from);
        let mut index = 0;
        while let Some(piece) = pieces.get(index) {
            index += 1;
            let spelled = &text[piece.start..piece.end];
            if let Some(what) = unterminated(piece.kind) {
                return Err(SourceError::Unterminated { origin: Origin::at(&source.shown, text, piece.start), what });
            }
            if spelled.starts_with('\\') {
                return self.meta_command(source, piece.start, building);
            }
            match piece.kind {
                TokenKind::Whitespace | TokenKind::LineComment | TokenKind::BlockComment { .. } => {
                    if !building.text.is_empty() {
                        building.push(piece.start, spelled);
                    }
                }
                TokenKind::Semi if building.parentheses == 0 && building.ends == 0 => {
                    if self.finish(source, building) {
                        return Ok(self.copy_data(source, piece.end));
                    }
                }
                TokenKind::Colon => {
                    let used = self.variable(text, piece, &pieces[index..], building);
                    index += used;
                }
                kind => building.token(kind, piece.start, spelled),
            }
        }
        Ok(text.len())
    }

    /// Reads what follows a colon: a psql variable, the second colon of a cast, or anything else. Returns how many more
    /// tokens it consumed.
    fn variable(&self, text: &str, colon: &Piece, next: &[Piece], building: &mut Building) -> usize {
        if let Some(next) = next.first() {
            let spelled = &text[next.start..next.end];
            let value = |name: &str| self.variables.get(name);
            let quoted = |quote: char| value(spelled.strip_prefix(quote)?.strip_suffix(quote)?);
            let replaced = match next.kind {
                TokenKind::Colon => Some("::".to_owned()),
                TokenKind::Ident if spelled.chars().all(is_variable_character) => value(spelled).cloned(),
                TokenKind::Literal { kind: LiteralKind::Str { .. } } => quoted('\'').map(|text| literal(text)),
                TokenKind::QuotedIdent { .. } => quoted('"').map(|text| identifier(text)),
                _ => None,
            };
            if let Some(replaced) = replaced {
                building.push(colon.start, &replaced);
                return 1;
            }
        }
        building.push(colon.start, ":");
        0
    }

    /// Executes the meta-command at `start` and returns where SQL resumes.
    fn meta_command(
        &mut self,
        source: &Arc<Source>,
        start: usize,
        building: &mut Building,
    ) -> Result<usize, SourceError> {
        let text = source.text.as_str();
        let end = text[start..].find('\n').map_or(text.len(), |newline| start + newline + 1);
        let line = text[start..end].trim_end();
        let failed = |problem| SourceError::MetaCommand {
            origin: Origin::at(&source.shown, text, start),
            command: line.split_whitespace().next().unwrap_or(line).to_owned(),
            problem,
        };
        match interpret(line, &mut self.variables).map_err(failed)? {
            Meta::Nothing => {}
            Meta::Execute => {
                self.finish(source, building);
            }
            Meta::Include { path, relative } => {
                let beside = source.path.parent().unwrap_or(self.root).join(&path);
                let below_root = self.root.join(&path);
                let file = if relative || !below_root.is_file() { beside } else { below_root };
                if self.including.contains(&file) {
                    return Err(failed(format!("{path} includes itself")));
                }
                let included = Source::read(self.root, &file).map_err(|error| failed(crate::with_causes(&error)))?;
                self.file(included)?;
            }
        }
        Ok(end)
    }

    /// Ends the statement, if there is one. Returns true if COPY data follows.
    fn finish(&mut self, source: &Arc<Source>, building: &mut Building) -> bool {
        let Building { text, runs, words, .. } = std::mem::take(building);
        let Some((_, first)) = runs.first() else { return false };
        let takes_rows =
            words.first().is_some_and(|word| word == "COPY") && words.windows(2).any(|pair| pair == ["FROM", "STDIN"]);
        self.statements.push(Statement {
            origin: Origin::at(&source.shown, &source.text, *first),
            text: text.trim_end().to_owned(),
            copy_data: None,
            source: Arc::clone(source),
            words,
            runs,
        });
        takes_rows
    }

    /// Consumes the COPY data after the line at `from` up to a line `\.`, and returns where SQL resumes.
    fn copy_data(&mut self, source: &Arc<Source>, from: usize) -> usize {
        let text = source.text.as_str();
        let begin = text[from..].find('\n').map_or(text.len(), |newline| from + newline + 1);
        let mut end = begin;
        let mut next = text.len();
        for line in text[begin..].split_inclusive('\n') {
            if line.trim_end() == "\\." {
                next = end + line.len();
                break;
            }
            end += line.len();
        }
        if let Some(statement) = self.statements.last_mut() {
            statement.copy_data = Some(text[begin..end].to_owned());
        }
        next
    }
}

impl Building {
    fn push(&mut self, in_file: usize, text: &str) {
        self.runs.push((self.text.len(), in_file));
        self.text.push_str(text);
    }

    fn token(&mut self, kind: TokenKind, in_file: usize, spelled: &str) {
        match kind {
            TokenKind::OpenParen => self.parentheses += 1,
            TokenKind::CloseParen => self.parentheses = self.parentheses.saturating_sub(1),
            TokenKind::Ident if self.parentheses == 0 => {
                let word = spelled.to_ascii_uppercase();
                let in_body = self.ends > 0;
                match word.as_str() {
                    // Only CREATE FUNCTION and CREATE PROCEDURE can have a body of statements.
                    "ATOMIC" if !in_body && self.words.last().is_some_and(|last| last == "BEGIN") => self.ends = 1,
                    "CASE" | "BEGIN" if in_body => self.ends += 1,
                    "END" if in_body => self.ends -= 1,
                    _ => {}
                }
                self.words.push(word);
            }
            _ => {}
        }
        self.push(in_file, spelled);
    }
}

fn pieces(text: &str, from: usize) -> Vec<Piece> {
    let mut start = from;
    let mut pieces = Vec::new();
    for token in tokenize(&text[from..]) {
        let end = start + token.len as usize;
        if token.kind != TokenKind::Eof {
            pieces.push(Piece { kind: token.kind, start, end });
        }
        start = end;
    }
    pieces
}

/// Names the kind of token that the end of the file cut short.
fn unterminated(kind: TokenKind) -> Option<&'static str> {
    match kind {
        TokenKind::BlockComment { terminated: false } => Some("comment"),
        TokenKind::QuotedIdent { terminated: false, .. } => Some("quoted identifier"),
        TokenKind::Literal { kind } => match kind {
            LiteralKind::DollarQuotedString { terminated: false } => Some("dollar-quoted string"),
            LiteralKind::Str { terminated: false }
            | LiteralKind::NationalStr { terminated: false }
            | LiteralKind::ByteStr { terminated: false }
            | LiteralKind::BitStr { terminated: false }
            | LiteralKind::UnicodeEscStr { terminated: false }
            | LiteralKind::EscStr { terminated: false } => Some("string"),
            _ => None,
        },
        _ => None,
    }
}
