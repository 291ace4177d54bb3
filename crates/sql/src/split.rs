//! Splits a file into statements with PostgreSQL's own lexical rules: all kinds of quotes, nested comments,
//! parentheses, `BEGIN ATOMIC` bodies (counted as psql's scanner does), COPY data and psql variables.

use std::iter::Peekable;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use squawk_lexer::{LiteralKind, TokenKind, tokenize};

use super::meta::{Meta, Variables, interpret, is_variable_character};
use super::source::{bounds, real};
use super::{Source, SourceError, Statement};
use crate::files::LARGEST_FILE;
use crate::origin::Places;
use crate::{Origin, shortened, shortened_word};
use crate::{quote::identifier, quote::literal};

/// How deep files may include one another.
pub const DEEPEST_INCLUDE: usize = 32;

/// How many files a migration may include in all.
pub const MOST_INCLUDED: usize = 1000;

/// How many words of a statement are kept: what kind of statement it is, the first ones tell.
const MOST_WORDS: usize = 256;

/// The statements of a file in order, including those of included files. `\i` is resolved relative to `root`.
pub fn split(source: Source, root: &Path) -> Result<Vec<Statement>, SourceError> {
    split_with(source, root, &Variables::new())
}

/// The same, with values for psql variables.
pub fn split_with(source: Source, root: &Path, variables: &Variables) -> Result<Vec<Statement>, SourceError> {
    let (variables, bounds) = (variables.clone(), bounds(root, &source.path));
    let (statements, including) = (Vec::new(), Vec::new());
    let mut splitter = Splitter { root, bounds, variables, statements, including, included: 0, length: 0 };
    splitter.file(source)?;
    Ok(splitter.statements)
}

struct Splitter<'a> {
    root: &'a Path,
    variables: Variables,
    statements: Vec<Statement>,
    /// Where included files must be.
    bounds: Vec<PathBuf>,
    /// The files that are being read, without links and `..`.
    including: Vec<PathBuf>,
    included: usize,
    /// How long the files and the values of their variables are in all.
    length: u64,
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
        self.including.push(real(&source.path).unwrap_or_else(|_| source.path.clone()));
        let text = source.text.as_str();
        self.lengthen(&source, text.len())?;
        let mut building = Building::default();
        let mut places = Places::of(&source.shown, text);
        // Tokenising restarts after anything that is not SQL: a meta-command or COPY data.
        let mut at = 0;
        while at < text.len() {
            at = self.tokens(&source, at, &mut building, &mut places)?;
        }
        self.finish(&source, &mut building, &mut places)?;
        self.including.pop();
        Ok(())
    }

    /// Counts what is read: files that include others, and variables that double their value, grow without end.
    fn lengthen(&mut self, source: &Source, by: usize) -> Result<(), SourceError> {
        self.length = self.length.saturating_add(by as u64);
        if self.length > LARGEST_FILE { Err(SourceError::TooLong { path: source.shown.clone() }) } else { Ok(()) }
    }

    /// Reads tokens from `from` up to the next text that is not SQL, and returns where SQL resumes.
    fn tokens(
        &mut self,
        source: &Arc<Source>,
        from: usize,
        building: &mut Building,
        places: &mut Places<'_>,
    ) -> Result<usize, SourceError> {
        let text = source.text.as_str();
        let mut pieces = pieces(text, from).peekable();
        while let Some(piece) = pieces.next() {
            let spelled = &text[piece.start..piece.end];
            if let Some(what) = unterminated(piece.kind) {
                return Err(SourceError::Unterminated { origin: Origin::at(&source.shown, text, piece.start), what });
            }
            if spelled.starts_with('\\') {
                return self.meta_command(source, piece.start, building, places);
            }
            match piece.kind {
                TokenKind::Whitespace | TokenKind::LineComment | TokenKind::BlockComment { .. } => {
                    if !building.text.is_empty() {
                        building.push(piece.start, spelled);
                    }
                }
                TokenKind::Semi if building.parentheses == 0 && building.ends == 0 => {
                    if self.finish(source, building, places)? {
                        return Ok(self.copy_data(source, piece.end));
                    }
                }
                TokenKind::Colon => {
                    let used = self.variable(text, &piece, &mut pieces, building);
                    self.lengthen(source, used)?;
                }
                kind => building.token(kind, piece.start, spelled),
            }
        }
        Ok(text.len())
    }

    /// Reads what follows a colon: a psql variable, the second colon of a cast, or anything else. Returns how long the
    /// value is.
    fn variable(
        &self,
        text: &str,
        colon: &Piece,
        pieces: &mut Peekable<impl Iterator<Item = Piece>>,
        building: &mut Building,
    ) -> usize {
        if let Some(next) = pieces.peek() {
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
                pieces.next();
                return replaced.len();
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
        places: &mut Places<'_>,
    ) -> Result<usize, SourceError> {
        let text = source.text.as_str();
        let end = text[start..].find('\n').map_or(text.len(), |newline| start + newline + 1);
        let line = text[start..end].trim_end();
        let failed = |problem| SourceError::MetaCommand {
            origin: Origin::at(&source.shown, text, start),
            command: shortened_word(line.split_whitespace().next().unwrap_or(line)),
            problem,
        };
        match interpret(line, &mut self.variables).map_err(failed)? {
            Meta::Nothing => {}
            Meta::Execute => {
                self.finish(source, building, places)?;
            }
            Meta::Include { path, relative } => {
                let beside = source.path.parent().unwrap_or(self.root).join(&path);
                let below_root = self.root.join(&path);
                let file = if relative || !below_root.is_file() { beside } else { below_root };
                if real(&file).is_ok_and(|file| self.including.contains(&file)) {
                    return Err(failed(format!("{} includes itself", shortened_word(&path))));
                }
                self.included += 1;
                if self.including.len() > DEEPEST_INCLUDE {
                    return Err(failed(format!("files include one another more than {DEEPEST_INCLUDE} deep")));
                }
                if self.included > MOST_INCLUDED {
                    return Err(failed(format!("more than {MOST_INCLUDED} files are included")));
                }
                let included = Source::read_within(self.root, &file, &self.bounds);
                self.file(included.map_err(|error| failed(shortened(&crate::with_causes(&error))))?)?;
            }
        }
        Ok(end)
    }

    /// Ends the statement, if there is one. Returns true if COPY data follows.
    fn finish(
        &mut self,
        source: &Arc<Source>,
        building: &mut Building,
        places: &mut Places<'_>,
    ) -> Result<bool, SourceError> {
        let Building { text, runs, words, .. } = std::mem::take(building);
        let Some((_, first)) = runs.first() else { return Ok(false) };
        let takes_rows =
            words.first().is_some_and(|word| word == "COPY") && words.windows(2).any(|pair| pair == ["FROM", "STDIN"]);
        let statement = Statement {
            origin: places.at(*first),
            text: text.trim_end().to_owned(),
            copy_data: None,
            source: Arc::clone(source),
            words,
            runs,
        };
        if statement.changes_strings() {
            return Err(SourceError::Strings { origin: statement.origin });
        }
        if statement.copies_out() {
            return Err(SourceError::CopyOut { origin: statement.origin });
        }
        self.statements.push(statement);
        Ok(takes_rows)
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
        // What follows on what was pushed before needs no run of its own.
        let follows = |(sent, before): &(usize, usize)| self.text.len() - sent == in_file.wrapping_sub(*before);
        if !self.runs.last().is_some_and(follows) {
            self.runs.push((self.text.len(), in_file));
        }
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
                if self.words.len() == MOST_WORDS {
                    self.words.pop();
                }
                self.words.push(word);
            }
            _ => {}
        }
        self.push(in_file, spelled);
    }
}

/// Token by token: reading stops at a meta-command, and there may be one on each line.
fn pieces(text: &str, from: usize) -> impl Iterator<Item = Piece> {
    let mut start = from;
    let piece = move |token: squawk_lexer::Token| {
        let end = start + token.len as usize;
        let piece = Piece { kind: token.kind, start, end };
        start = end;
        piece
    };
    tokenize(&text[from..]).map(piece).filter(|piece| piece.kind != TokenKind::Eof)
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
