//! Values of types that consist of other types: arrays, ranges, composite types, and domains over any of these. A value
//! is a text for the type's input function; whether a domain accepts it, PostgreSQL is asked elsewhere.

use pgproof_sql::QualifiedName;

use super::value::{of_base, parts};
use crate::{Catalog, UserType, UserTypeKind};

/// What a type consists of.
#[derive(Debug, Clone)]
pub(super) enum Shape {
    /// Nothing but itself.
    Scalar,
    /// The labels of an enum.
    Enum(Vec<String>),
    /// An array of this type.
    Array(String),
    /// The base type and the definitions of the CHECKs.
    Domain(String, Vec<String>),
    /// The types of the attributes.
    Composite(Vec<String>),
    /// A range of this type.
    Range(String),
    /// Several ranges; the type of one.
    Multirange(String),
}

/// What the type of this name consists of, as the catalog spells it.
pub(super) fn shape(catalog: &Catalog, name: &str) -> Shape {
    if let Some(element) = name.strip_suffix("[]") {
        return Shape::Array(element.to_owned());
    }
    let (base, _) = parts(name);
    let multirange = |subtype: &str| Shape::Multirange(subtype.to_owned());
    let range = |subtype: &str| Shape::Range(subtype.to_owned());
    match base.as_str() {
        "int4range" => return range("integer"),
        "int8range" => return range("bigint"),
        "numrange" => return range("numeric"),
        "daterange" => return range("date"),
        "tsrange" => return range("timestamp without time zone"),
        "tstzrange" => return range("timestamp with time zone"),
        "int4multirange" => return multirange("int4range"),
        "int8multirange" => return multirange("int8range"),
        "nummultirange" => return multirange("numrange"),
        "datemultirange" => return multirange("daterange"),
        "tsmultirange" => return multirange("tsrange"),
        "tstzmultirange" => return multirange("tstzrange"),
        _ => {}
    }
    if let Some(range) = catalog.types.iter().find(|ty| ty.multirange.as_deref() == Some(&base)) {
        return Shape::Multirange(range.spelled.clone());
    }
    if let Some(ty) = catalog.types.iter().find(|ty| ty.spelled == base) {
        return of_user_type(ty);
    }
    // Each table is a type, too.
    match catalog.relation(&QualifiedName::from(base.replace('"', "").as_str())) {
        Some(relation) => Shape::Composite(relation.columns.iter().map(|column| column.ty.name.clone()).collect()),
        None => Shape::Scalar,
    }
}

fn of_user_type(ty: &UserType) -> Shape {
    let base = || ty.base.clone().unwrap_or_default();
    match ty.kind {
        UserTypeKind::Enum => Shape::Enum(ty.labels.clone()),
        UserTypeKind::Domain => Shape::Domain(base(), ty.checks.clone()),
        UserTypeKind::Composite => Shape::Composite(ty.attributes.clone()),
        UserTypeKind::Range => Shape::Range(base()),
    }
}

/// The `n`th value of a type. `None` if a part of it is a type unknown to pgproof, or has no values.
pub fn sample_of(catalog: &Catalog, name: &str, n: u64, hint: &str) -> Option<String> {
    match shape(catalog, name) {
        Shape::Scalar => of_base(name, n, hint),
        Shape::Enum(labels) => {
            let place = usize::try_from(n).ok()? % labels.len().max(1);
            labels.get(place).cloned()
        }
        Shape::Domain(base, _) => sample_of(catalog, &base, n, hint),
        Shape::Array(element) => Some(array(&[sample_of(catalog, &element, n, hint)?])),
        Shape::Composite(attributes) => {
            let values: Option<Vec<_>> = attributes.iter().map(|ty| sample_of(catalog, ty, n, hint)).collect();
            Some(composite(&values?))
        }
        Shape::Range(subtype) => Some(range(&sample_of(catalog, &subtype, n, hint)?, None)),
        Shape::Multirange(one) => Some(format!("{{{}}}", sample_of(catalog, &one, n, hint)?)),
    }
}

/// An array of these elements.
pub(super) fn array(elements: &[String]) -> String {
    let elements: Vec<_> = elements.iter().map(|element| quoted(element)).collect();
    format!("{{{}}}", elements.join(","))
}

/// A row of a composite type.
pub(super) fn composite(attributes: &[String]) -> String {
    let attributes: Vec<_> = attributes.iter().map(|attribute| quoted(attribute)).collect();
    format!("({})", attributes.join(","))
}

/// A range from a value to another one, or of a single value.
pub(super) fn range(from: &str, to: Option<&str>) -> String {
    match to {
        Some(to) => format!("[{},{})", quoted(from), quoted(to)),
        None => format!("[{0},{0}]", quoted(from)),
    }
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}
