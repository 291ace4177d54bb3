//! Candidates for rows as a query over numbers: each column is constant, an expression over the row's number, or a digit
//! of it. What becomes of them is decided elsewhere.

use pgproof_catalog::Column;
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

impl Digit {
    /// The values of one column.
    pub(super) fn of(column: &Column, values: Vec<String>, is_keyed: bool) -> Digit {
        let rows = values.into_iter().map(|value| vec![Some(value)]).collect();
        Digit { columns: vec![column.name.clone()], rows, is_keyed }
    }
}

/// Where a column gets its values.
pub(super) enum Source {
    Constant(Option<String>),
    /// An expression over `n`.
    Expression(String),
    /// An expression over `n`, or the example's own value if that is not accepted.
    Usual {
        expression: String,
        own: Option<String>,
    },
    Digit {
        digit: usize,
        field: usize,
    },
    /// The value of another column.
    Like(String),
}

/// How the digits change from row to row.
#[derive(Debug, Clone, Copy)]
pub(super) enum Order<'a> {
    /// All with every row.
    Together,
    /// Each as if it were chosen at random.
    Scattered,
    /// Those of a key count, so that it has all combinations.
    Counting(&'a [usize]),
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
    /// The number of candidates that are worth a try.
    pub(super) fn last(&self, order: Order<'_>, wanted: u64) -> u64 {
        let tried = wanted.saturating_mul(COMBINATIONS) + 1000;
        let size = |place: &usize| size(&self.digits[*place]);
        match order {
            Order::Together => {
                let keyed = self.digits.iter().filter(|digit| digit.is_keyed);
                keyed.map(self::size).max().map_or(wanted, |most| most.max(wanted.saturating_mul(2)))
            }
            Order::Scattered => tried,
            Order::Counting(key) => key.iter().fold(1_u64, |all, place| all.saturating_mul(size(place))).min(tried),
        }
    }

    /// The place of the value that a digit has in row `pgproof_n`, from 0.
    fn place(&self, order: Order<'_>, digit: usize) -> String {
        let size_of = |place: usize| size(&self.digits[place]);
        let size = size_of(digit);
        match order {
            Order::Scattered => {
                // Multiples of odd numbers have all remainders of a power of two, in an order that looks random.
                let factor = (u64::try_from(digit).unwrap_or(0) * 2 + 1) * 2_654_435_761 % 4_294_967_296;
                format!("(pgproof_s.pgproof_n * {factor} % 4294967296) * {size} / 4294967296")
            }
            Order::Counting(key) if key.contains(&digit) => {
                let before = key.iter().take_while(|place| **place != digit);
                let stride = before.fold(1_u64, |all, place| all.saturating_mul(size_of(*place)));
                format!("pgproof_s.pgproof_n / {stride} % {size}")
            }
            Order::Together | Order::Counting(_) => format!("pgproof_s.pgproof_n % {size}"),
        }
    }

    /// The rows with these numbers, from 0 and without the last, as a query: columns are texts, named by their places.
    pub(super) fn rows(&self, order: Order<'_>, is_usual: bool, first: u64, end: u64) -> String {
        let digits = self.digits.iter().enumerate();
        let lists: Vec<_> =
            digits.clone().map(|(place, digit)| format!("pgproof_d{place} AS ({})", list(digit))).collect();
        let joins: Vec<_> = digits
            .map(|(place, _)| {
                let at = self.place(order, place);
                format!(" LEFT JOIN pgproof_d{place} ON pgproof_d{place}.pgproof_i = {at} + 1")
            })
            .collect();
        let columns: Vec<_> = self
            .columns
            .iter()
            .enumerate()
            .map(|(place, (_, ty, source))| format!(", {} AS pgproof_c{place}", self.text(source, ty, is_usual)))
            .collect();
        let with = if lists.is_empty() { String::new() } else { format!("WITH {} ", lists.join(", ")) };
        format!(
            "{with}SELECT pgproof_n{} FROM (SELECT pgproof_g AS pgproof_n, pgproof_g + 1 AS n \
             FROM generate_series({first}::bigint, {end}::bigint - 1) AS pgproof_g) AS pgproof_s{}",
            columns.concat(),
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
            Source::Usual { own, .. } if !is_usual => constant(own),
            Source::Expression(expression) | Source::Usual { expression, .. } => {
                format!("(({expression})::{ty})::text")
            }
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
