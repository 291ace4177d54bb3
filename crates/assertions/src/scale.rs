//! The values of a type as whole numbers of steps from zero: two neighbouring values are one step apart. Numbers, days,
//! moments and intervals have such a scale.

mod calendar;

use pgproof_catalog::Column;
use pgproof_catalog::row::{integer_range, type_parts};
use pgproof_runner::Sandbox;
use pgproof_server::DatabaseError;
use pgproof_sql::quote::literal;

use crate::assertion::Failure;

/// How the values of a type are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scale {
    /// Numbers with this many decimals; with fewer than none, multiples of a power of ten.
    Decimal { places: i32 },
    /// Days since 2000-01-01.
    Days,
    /// Moments since 2000-01-01, in so many microseconds.
    Moments { is_zoned: bool, micros: i128 },
    /// Intervals, in so many microseconds. They are compared as if a month had 30 days.
    Intervals { micros: i128 },
}

impl Scale {
    /// The scale of a column; if its type defines none, that of the decimals of these bounds.
    pub(crate) fn of(column: &Column, bounds: [&Option<String>; 2]) -> Result<Scale, Failure> {
        let (base, modifiers) = type_parts(&column.ty.base);
        let places = |scale: i64| i32::try_from(scale).unwrap_or(0);
        let micros =
            |digits: Option<&i64>| 10_i128.pow(6 - digits.map_or(6, |d| u32::try_from(*d).unwrap_or(6).min(6)));
        let of_bounds = || {
            let decimals = |text: &String| text.split_once('.').map_or(0, |(_, decimals)| decimals.len());
            let most = bounds.into_iter().flatten().map(decimals).max().unwrap_or(0);
            i32::try_from(most).unwrap_or(2).max(2)
        };
        let numeric = || match modifiers.as_slice() {
            [_, scale] => places(*scale),
            _ => of_bounds(),
        };
        let digits = modifiers.last();
        Ok(match base.as_str() {
            name if integer_range(name).is_some() => Scale::Decimal { places: 0 },
            "numeric" => Scale::Decimal { places: numeric() },
            "real" | "double precision" => Scale::Decimal { places: of_bounds() },
            "date" => Scale::Days,
            "timestamp without time zone" => Scale::Moments { is_zoned: false, micros: micros(digits) },
            "timestamp with time zone" => Scale::Moments { is_zoned: true, micros: micros(digits) },
            "interval" => Scale::Intervals { micros: micros(digits) },
            _ => {
                let (name, ty) = (&column.name, &column.ty.name);
                let found = format!("a range needs a number, a date, a timestamp or an interval, and {name} is {ty}");
                return Err(Failure::Expectation(found));
            }
        })
    }

    /// Whether its values are numbers.
    pub(crate) fn is_of_numbers(self) -> bool {
        matches!(self, Scale::Decimal { .. })
    }

    /// The steps of each of these texts; none for what is no value of the type, or lies between two steps.
    pub(crate) fn count(self, sandbox: &mut Sandbox, texts: &[String]) -> Result<Vec<Option<i128>>, DatabaseError> {
        if let Scale::Decimal { places } = self {
            return Ok(texts.iter().map(|text| decimal(text, places)).collect());
        }
        let (sql, step) = match self {
            Scale::Days => ("text::date - DATE '2000-01-01'", 1),
            Scale::Moments { is_zoned: false, micros } => (MOMENT, micros),
            Scale::Moments { micros, .. } => (ZONED, micros),
            Scale::Intervals { micros } => (INTERVAL, micros),
            Scale::Decimal { .. } => ("NULL", 1),
        };
        let mut counted = Vec::new();
        for text in texts {
            let query = format!("SELECT ({sql})::text FROM (SELECT {} AS text) AS given", literal(text));
            let rows = sandbox.session().attempt_rows(&query)?.unwrap_or_default();
            let units: Option<i128> = rows.into_iter().flatten().flatten().next().and_then(|units| units.parse().ok());
            counted.push(units.filter(|units| units % step == 0).map(|units| units / step));
        }
        Ok(counted)
    }

    /// The value that is so many steps from zero.
    pub(crate) fn text(self, steps: i128) -> String {
        match self {
            Scale::Decimal { places } => in_decimals(steps, places),
            Scale::Days => calendar::day(steps),
            Scale::Moments { is_zoned, micros } => calendar::moment(steps * micros) + if is_zoned { "+00" } else { "" },
            Scale::Intervals { micros } => calendar::interval(steps * micros),
        }
    }

    /// The least and the greatest value that are tried: those of the type, or of the calendar of four-digit years.
    pub(crate) fn limits(self, column: &Column) -> Option<(i128, i128)> {
        let (base, modifiers) = type_parts(&column.ty.base);
        match (self, modifiers.as_slice()) {
            (Scale::Decimal { .. }, [precision, _]) if *precision <= 38 => {
                let most = 10_i128.pow(u32::try_from(*precision).unwrap_or(0)) - 1;
                Some((-most, most))
            }
            (Scale::Decimal { .. }, _) => integer_range(&base),
            (Scale::Days, _) => Some(calendar::DAYS),
            (Scale::Moments { micros, .. }, _) => {
                let (first, last) = calendar::DAYS;
                Some((
                    first * calendar::MICROS_OF_DAY / micros,
                    (last * calendar::MICROS_OF_DAY + calendar::MICROS_OF_DAY - 1) / micros,
                ))
            }
            (Scale::Intervals { micros }, _) => {
                let most = calendar::HOURS * 3_600_000_000 / micros;
                Some((-most, most))
            }
        }
    }

    /// Ever greater distances, in steps: far from a bound another rule may begin.
    pub(crate) fn distances(self) -> Vec<i128> {
        const DAYS: [i128; 6] = [7, 31, 366, 3660, 36_600, 366_000];
        let in_time = |micros: i128| {
            let short = [1_000, 1_000_000, 60_000_000, 3_600_000_000, calendar::MICROS_OF_DAY];
            let long = DAYS.map(|days| days * calendar::MICROS_OF_DAY);
            short.into_iter().chain(long).map(|distance| distance / micros).filter(|steps| *steps > 1).collect()
        };
        match self {
            Scale::Decimal { .. } => (1..16).map(|power| 10_i128.pow(power)).collect(),
            Scale::Days => DAYS.to_vec(),
            Scale::Moments { micros, .. } | Scale::Intervals { micros } => in_time(micros),
        }
    }
}

const MOMENT: &str = "extract(epoch FROM text::timestamp - TIMESTAMP '2000-01-01') * 1000000)::numeric(40, 0";
const ZONED: &str =
    "extract(epoch FROM text::timestamptz - TIMESTAMPTZ '2000-01-01 00:00+00') * 1000000)::numeric(40, 0";
const INTERVAL: &str = "((extract(year FROM text::interval) * 12 + extract(month FROM text::interval)) * 30
    + extract(day FROM text::interval)) * 86400000000 + extract(hour FROM text::interval) * 3600000000
    + extract(minute FROM text::interval) * 60000000 + extract(microseconds FROM text::interval))::numeric(40, 0";

/// The number in steps of its last place; none if it has more places.
fn decimal(text: &str, places: i32) -> Option<i128> {
    let (sign, digits) = text.strip_prefix('-').map_or((1, text), |digits| (-1, digits));
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() && fraction.is_empty() || !is_number(whole) || !is_number(fraction) {
        return None;
    }
    let fraction = fraction.trim_end_matches('0');
    let shift = places - i32::try_from(fraction.len()).ok()?;
    let number: i128 = format!("{whole}{fraction}").parse().ok()?;
    let unit = 10_i128.checked_pow(shift.unsigned_abs())?;
    let steps = if shift >= 0 { number.checked_mul(unit)? } else { (number % unit == 0).then_some(number / unit)? };
    Some(sign * steps)
}

fn in_decimals(steps: i128, places: i32) -> String {
    let Ok(places @ 1..) = usize::try_from(places) else {
        return (steps * 10_i128.pow(places.unsigned_abs())).to_string();
    };
    let sign = if steps < 0 { "-" } else { "" };
    let digits = format!("{:0>width$}", steps.unsigned_abs(), width = places + 1);
    let (whole, fraction) = digits.split_at(digits.len() - places);
    format!("{sign}{whole}.{fraction}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::scratch;

    #[test]
    fn numbers_are_counted_exactly() {
        for (text, places, steps) in [
            ("0.01", 2, Some(1)),
            ("-12.50", 2, Some(-1250)),
            ("0.005", 2, None),
            ("12000", -3, Some(12)),
            ("12500", -3, None),
            ("99999999999999999999.9999", 4, Some(999_999_999_999_999_999_999_999)),
            ("NaN", 0, None),
            ("", 0, None),
        ] {
            assert_eq!(decimal(text, places), steps, "{text}");
        }
        assert_eq!(
            [in_decimals(-5, 2), in_decimals(1250, 2), in_decimals(7, 0), in_decimals(12, -3)],
            ["-0.05", "12.50", "7", "12000"]
        );
    }

    #[test]
    fn what_is_counted_is_read_back() {
        let mut db = scratch("");
        let scales = [
            (Scale::Days, calendar::DAYS),
            (Scale::Moments { is_zoned: false, micros: 1 }, (-63_082_281_600_000_000, 252_455_615_999_999_999)),
            (Scale::Moments { is_zoned: true, micros: 1000 }, (-63_082_281_600_000, 252_455_615_999_999)),
            (Scale::Intervals { micros: 1 }, (-9_000_000_000_000_000, 9_000_000_000_000_000)),
        ];
        for (scale, (least, most)) in scales {
            let steps = [least, most, 0, -1, 1, 59, 60, -86_399, 730_000, -306, -307];
            let texts: Vec<String> = steps.iter().map(|steps| scale.text(*steps)).collect();
            let counted = scale.count(&mut db, &texts).expect("counted");
            assert_eq!(counted, steps.map(Some), "{texts:?}");
        }
    }

    #[test]
    fn what_has_no_place_on_the_scale_is_not_counted() {
        let mut db = scratch("");
        let texts = ["infinity", "soon", "2024-01-01 00:00:00.5"].map(str::to_owned);
        let scale = Scale::Moments { is_zoned: false, micros: 1_000_000 };
        assert_eq!(scale.count(&mut db, &texts).expect("counted"), [None, None, None]);
        let month = Scale::Intervals { micros: 1 }.count(&mut db, &["1 month".to_owned()]).expect("counted");
        assert_eq!(month, [Some(30 * calendar::MICROS_OF_DAY)]);
    }
}
