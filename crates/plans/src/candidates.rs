//! Candidates for rows as a query over numbers: each column is constant, an expression over the row's number, or a digit
//! of it. What becomes of them is decided elsewhere.

use pgproof_sql::quote::{identifier, literal};

/// How many combinations are tried for each row that is needed.
const COMBINATIONS: u64 = 4;

/// Columns that have one of several combinations of values.
pub(super) struct Digit {
    pub(super) columns: Vec<String>,
    pub(super) rows: Vec<Vec<Option<String>>>,
    /// Whether a unique key depends on it.
    pub(super) is_keyed: bool,
}

/// Where a column gets its values.
pub(super) enum Source {
    Constant(Option<String>),
    /// An expression over `n`, and a constant if that is not accepted.
    Expression {
        usual: String,
        constant: Option<Option<String>>,
    },
    Digit {
        digit: usize,
        field: usize,
    },
    /// The value of another column.
    Like(String),
}

/// Candidates for rows of a table.
pub(super) struct Candidates {
    /// How expressions call the row.
    pub(super) alias: String,
    /// The columns with their types.
    pub(super) columns: Vec<(String, String, Source)>,
    pub(super) digits: Vec<Digit>,
}

impl Candidates {
    /// How many rows each digit stays the same: all change with every row, or those of a key count together.
    pub(super) fn strides(&self, together: Option<&[usize]>) -> Vec<u64> {
        let mut strides = vec![1; self.digits.len()];
        let mut all = 1_u64;
        for place in together.unwrap_or_default() {
            strides[*place] = all;
            all = all.saturating_mul(size(&self.digits[*place]));
        }
        strides
    }

    /// The number of candidates that are worth a try.
    pub(super) fn last(&self, together: Option<&[usize]>, wanted: u64) -> u64 {
        let keyed = self.digits.iter().filter(|digit| digit.is_keyed).map(size).max();
        match (together, keyed) {
            (Some(together), _) => {
                let all = together.iter().fold(1_u64, |all, place| all.saturating_mul(size(&self.digits[*place])));
                all.min(wanted.saturating_mul(COMBINATIONS) + 1000)
            }
            (None, Some(most)) => most.max(wanted.saturating_mul(2)),
            (None, None) => wanted,
        }
    }

    /// The rows with these numbers, from 0 and without the last, as a query: columns are texts, named by their places.
    pub(super) fn rows(&self, strides: &[u64], is_usual: bool, first: u64, end: u64) -> String {
        let digits = self.digits.iter().enumerate();
        let lists: Vec<_> =
            digits.clone().map(|(place, digit)| format!("pgproof_d{place} AS ({})", list(digit))).collect();
        let joins: Vec<_> = digits
            .map(|(place, digit)| {
                let stride = strides[place];
                let size = size(digit);
                format!(
                    " LEFT JOIN pgproof_d{place} ON pgproof_d{place}.pgproof_i = pgproof_s.pgproof_n / {stride} % {size} + 1"
                )
            })
            .collect();
        let columns: Vec<_> = self
            .columns
            .iter()
            .enumerate()
            .map(|(place, (_, ty, source))| format!("{} AS pgproof_c{place}", self.text(source, ty, is_usual)))
            .collect();
        let with = if lists.is_empty() { String::new() } else { format!("WITH {} ", lists.join(", ")) };
        let columns = columns.iter().map(|column| format!(", {column}")).collect::<String>();
        format!(
            "{with}SELECT pgproof_n{columns} FROM (SELECT pgproof_g AS pgproof_n, pgproof_g + 1 AS n \
             FROM generate_series({first}::bigint, {end}::bigint - 1) AS pgproof_g) AS pgproof_s{}",
            joins.concat()
        )
    }

    /// The values of a candidate with the types of the columns.
    pub(super) fn values(&self, row: &str) -> String {
        let columns = self.columns.iter().enumerate();
        columns.map(|(place, (_, ty, _))| format!("{row}.pgproof_c{place}::{ty}")).collect::<Vec<_>>().join(", ")
    }

    fn text(&self, source: &Source, ty: &str, is_usual: bool) -> String {
        let constant = |value: &Option<String>| value.as_deref().map_or("NULL::text".to_owned(), literal_text);
        match source {
            Source::Constant(value) => constant(value),
            Source::Expression { constant: Some(value), .. } if !is_usual => constant(value),
            Source::Expression { usual, .. } => format!("(({usual})::{ty})::text"),
            Source::Digit { digit, field } => format!("pgproof_d{digit}.pgproof_v{field}"),
            Source::Like(column) => match self.columns.iter().find(|(name, ..)| name == column) {
                Some((_, _, Source::Like(_))) | None => "NULL::text".to_owned(),
                Some((_, ty, source)) => self.text(source, ty, is_usual),
            },
        }
    }
}

fn literal_text(value: &str) -> String {
    format!("{}::text", literal(value))
}

/// The number of a digit's values.
fn size(digit: &Digit) -> u64 {
    u64::try_from(digit.rows.len()).unwrap_or(u64::MAX).max(1)
}

/// The values of a digit as a query.
fn list(digit: &Digit) -> String {
    let fields = 0..digit.columns.len();
    let array = |field: usize| {
        let values = digit.rows.iter().map(|row| row.get(field).cloned().flatten());
        let values: Vec<_> = values.map(|value| value.as_deref().map_or("NULL".to_owned(), literal)).collect();
        format!("ARRAY[{}]::text[]", values.join(", "))
    };
    let arrays: Vec<_> = fields.clone().map(array).collect();
    let names: Vec<_> = fields.map(|field| identifier(&format!("pgproof_v{field}"))).collect();
    format!("SELECT * FROM unnest({}) WITH ORDINALITY AS u ({}, pgproof_i)", arrays.join(", "), names.join(", "))
}
