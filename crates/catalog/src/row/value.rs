//! Values of every built-in type, in the text form that its input function accepts (documentation, "Data Types").

use pgproof_sql::quote::literal;

use crate::ColumnType;

/// What a row specifies for one column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// A value in its type's text form.
    Text(String),
    /// NULL.
    Null,
    /// The column's default: the column is omitted.
    Default,
}

impl Value {
    /// A value in its type's text form.
    pub fn text(text: impl Into<String>) -> Value {
        Value::Text(text.into())
    }

    /// The text, unless it is NULL or the default.
    pub(super) fn into_text(self) -> Option<String> {
        match self {
            Value::Text(text) => Some(text),
            Value::Null | Value::Default => None,
        }
    }

    /// The value as SQL, without a type: an INSERT applies the type of the column.
    pub fn sql(&self) -> String {
        match self {
            Value::Text(text) => literal(text),
            Value::Null => "NULL".to_owned(),
            Value::Default => "DEFAULT".to_owned(),
        }
    }
}

impl From<Option<String>> for Value {
    fn from(text: Option<String>) -> Value {
        text.map_or(Value::Null, Value::Text)
    }
}

/// The `n`th value of a type: different for every `n`, as far as the type has enough values. `None` for a type unknown
/// to pgproof. Texts begin with `hint`, so that a reader recognises them.
pub fn sample(ty: &ColumnType, n: u64, hint: &str) -> Option<String> {
    // The hint is embedded in documents and lists, where a quote in it would end them.
    let hint = &*hint.replace(['\'', '"', '\\'], "_");
    if let (Some(labels), 'e') = (&ty.labels, ty.kind) {
        return pick(labels, n);
    }
    if ty.category == 'A' {
        let element = ty.element.as_deref()?;
        let inner = match &ty.labels {
            Some(labels) => pick(labels, n)?,
            None => of_base(element, n, hint)?,
        };
        return Some(format!("{{\"{}\"}}", inner.replace('\\', "\\\\").replace('"', "\\\"")));
    }
    of_base(&ty.base, n, hint)
}

/// The base of a type name and its modifiers: `numeric(12,2)` is `numeric` with 12 and 2.
pub fn parts(name: &str) -> (String, Vec<i64>) {
    let Some((before, rest)) = name.split_once('(') else { return (name.to_owned(), Vec::new()) };
    let Some((modifiers, after)) = rest.split_once(')') else { return (name.to_owned(), Vec::new()) };
    let numbers = modifiers.split(',').filter_map(|number| number.trim().parse().ok()).collect();
    (format!("{}{after}", before.trim_end()), numbers)
}

/// The maximum number of characters of a type, if it is limited.
pub fn length_limit(name: &str) -> Option<usize> {
    match parts(name) {
        (base, modifiers) if matches!(base.as_str(), "character varying" | "character") => {
            modifiers.first().and_then(|n| usize::try_from(*n).ok())
        }
        (base, _) if base == "\"char\"" => Some(1),
        _ => None,
    }
}

/// The range of an integer type; `None` for other types.
pub fn integer_range(name: &str) -> Option<(i128, i128)> {
    match name {
        "smallint" => Some((i16::MIN.into(), i16::MAX.into())),
        "integer" => Some((i32::MIN.into(), i32::MAX.into())),
        "bigint" => Some((i64::MIN.into(), i64::MAX.into())),
        "oid" => Some((0, u32::MAX.into())),
        _ => None,
    }
}

fn pick(labels: &[String], n: u64) -> Option<String> {
    let index = usize::try_from(n).ok()? % labels.len().max(1);
    labels.get(index).cloned()
}

/// The same without a schema: extensions may be in any, and their types are known by name.
pub(super) fn unqualified_parts(name: &str) -> (String, Vec<i64>) {
    let (base, modifiers) = parts(name);
    (base.rsplit_once('.').map_or(base.clone(), |(_, name)| name.to_owned()), modifiers)
}

pub(super) fn of_base(name: &str, n: u64, hint: &str) -> Option<String> {
    let (base, modifiers) = unqualified_parts(name);
    let day = || format!("{:04}-{:02}-{:02}", 2001 + n / 336 % 7000, n / 28 % 12 + 1, n % 28 + 1);
    let time = || format!("{:02}:{:02}:{:02}", n / 3600 % 24, n / 60 % 60, n % 60);
    let text = match base.as_str() {
        "smallint" => (n % 32_000).to_string(),
        "integer" => (n % 2_000_000_000).to_string(),
        "bigint" | "oid" | "real" | "double precision" | "xid" | "xid8" => n.to_string(),
        "numeric" => numeric(n, &modifiers),
        "money" => format!("{n}.00"),
        "boolean" => n.is_multiple_of(2).to_string(),
        "text" | "character varying" | "character" | "citext" | "name" => shortened(hint, n, length_limit(name)),
        "\"char\"" => char::from(b'a' + u8::try_from(n % 26).ok()?).to_string(),
        "uuid" => format!("00000000-0000-4000-8000-{n:012x}"),
        "date" => day(),
        "timestamp without time zone" => format!("{} {}", day(), time()),
        "timestamp with time zone" => format!("{} {}+00", day(), time()),
        "time without time zone" => time(),
        "time with time zone" => format!("{}+00", time()),
        "interval" => format!("{n} seconds"),
        "json" | "jsonb" => format!("{{\"{hint}\": {n}}}"),
        "jsonpath" => format!("$.a{n}"),
        "bytea" => format!("\\x{n:016x}"),
        "inet" => format!("10.{}.{}.{}", n >> 16 & 255, n >> 8 & 255, n & 255),
        "cidr" => format!("10.{}.{}.{}/32", n >> 16 & 255, n >> 8 & 255, n & 255),
        "macaddr" => format!("02:00:00:{:02x}:{:02x}:{:02x}", n >> 16 & 255, n >> 8 & 255, n & 255),
        "macaddr8" => format!("02:00:00:00:00:{:02x}:{:02x}:{:02x}", n >> 16 & 255, n >> 8 & 255, n & 255),
        "bit" | "bit varying" => bits(n, &base, &modifiers),
        "xml" => format!("<row n=\"{n}\"/>"),
        "tsvector" | "tsquery" => format!("'{hint}{n}'"),
        "pg_lsn" => format!("0/{n:X}"),
        "point" => format!("({n},0)"),
        "line" => format!("{{1,0,{n}}}"),
        "lseg" | "path" => format!("[(0,0),({n},1)]"),
        "box" => format!("(({n},1),(0,0))"),
        "polygon" => format!("((0,0),({n},0),(0,1))"),
        // No two of them overlap.
        "circle" => format!("<({},0),1>", n * 4),
        "hstore" => format!("\"{hint}\"=>\"{n}\""),
        "ltree" => format!("top.n{n}"),
        "int4range" | "int8range" | "numrange" => format!("[{n},{})", n + 1),
        "int4multirange" | "int8multirange" | "nummultirange" => format!("{{[{n},{})}}", n + 1),
        "daterange" | "tsrange" | "tstzrange" => format!("[{0},{0}]", day()),
        "datemultirange" | "tsmultirange" | "tstzmultirange" => format!("{{[{0},{0}]}}", day()),
        "pg_snapshot" | "txid_snapshot" => format!("{n}:{n}:"),
        "regclass" => "pg_class".to_owned(),
        "regproc" | "regprocedure" => {
            if base == "regproc" {
                "now".to_owned()
            } else {
                "now()".to_owned()
            }
        }
        "regoper" | "regoperator" => {
            if base == "regoper" {
                "!~~*".to_owned()
            } else {
                "+(integer,integer)".to_owned()
            }
        }
        "regconfig" | "regdictionary" => "simple".to_owned(),
        "regcollation" => "\"C\"".to_owned(),
        "tid" => format!("(0,{})", n % 60_000 + 1),
        "regtype" => "integer".to_owned(),
        "regrole" => "postgres".to_owned(),
        "regnamespace" => "pg_catalog".to_owned(),
        _ => return None,
    };
    Some(text)
}

/// A number of the declared precision and scale: `n` times the smallest step if whole numbers do not fit.
fn numeric(n: u64, modifiers: &[i64]) -> String {
    let [precision, scale] = *modifiers else { return n.to_string() };
    let whole = u32::try_from(precision - scale).unwrap_or(0).min(18);
    if whole > 0 {
        return (n % 10_u64.pow(whole)).to_string();
    }
    let scale = usize::try_from(scale).unwrap_or(0);
    format!("0.{:0>scale$}", n % 10_u64.pow(u32::try_from(precision).unwrap_or(1).min(18)))
}

fn bits(n: u64, base: &str, modifiers: &[i64]) -> String {
    let width = modifiers.first().and_then(|width| usize::try_from(*width).ok()).unwrap_or(1);
    let digits = format!("{n:0>width$b}");
    if base == "bit" || digits.len() > width { digits[digits.len() - width..].to_owned() } else { digits }
}

/// `hint_n`, cut from the left to the limit, so that the number is preserved.
fn shortened(hint: &str, n: u64, limit: Option<usize>) -> String {
    let full = format!("{hint}_{n}");
    let Some(limit) = limit else { return full };
    let keep = full.chars().count().saturating_sub(limit);
    full.chars().skip(keep).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn splits_modifiers_from_names() {
        assert_eq!(parts("numeric(12,2)"), ("numeric".to_owned(), vec![12, 2]));
        assert_eq!(parts("timestamp(3) with time zone"), ("timestamp with time zone".to_owned(), vec![3]));
        assert_eq!(parts("text"), ("text".to_owned(), vec![]));
    }

    #[test]
    fn keeps_to_lengths_and_scales() {
        assert_eq!(of_base("character varying(4)", 123, "city").as_deref(), Some("_123"));
        assert_eq!(of_base("numeric(5,2)", 1234, "x").as_deref(), Some("234"));
        assert_eq!(of_base("numeric(2,2)", 7, "x").as_deref(), Some("0.07"));
        assert_eq!(of_base("bit(3)", 5, "x").as_deref(), Some("101"));
        assert_eq!(of_base("geometry", 1, "x"), None);
    }
}
