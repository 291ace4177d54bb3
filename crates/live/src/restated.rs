//! Definitions that PostgreSQL prints in another way after a dump and a restore, although they are the same. It prints
//! `status IN ('a', 'b')` of a varchar column as a cast of an array; whoever parses that text casts each element instead.

use pgproof_catalog::Difference;

/// Whether a difference is only in how the same definition is printed.
pub(crate) fn is_same(difference: &Difference) -> bool {
    let Difference::Altered { from: Some(from), to: Some(to), .. } = difference else { return false };
    restated(from) == restated(to)
}

/// The text with `(ARRAY[a, b])::t[]` written as `ARRAY[(a)::t, (b)::t]`.
fn restated(text: &str) -> String {
    const BEGIN: &str = "(ARRAY[";
    let mut result = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(BEGIN) {
        let (before, after) = rest.split_at(at);
        result.push_str(before);
        let inside = &after[BEGIN.len()..];
        let Some((elements, cast)) = elements(inside).and_then(|(elements, after)| Some((elements, cast(after)?)))
        else {
            result.push_str(BEGIN);
            rest = inside;
            continue;
        };
        let (of, after) = cast;
        let each: Vec<String> = elements.iter().map(|element| format!("({})::{of}", restated(element))).collect();
        result.push_str(&format!("ARRAY[{}]", each.join(", ")));
        rest = after;
    }
    result + rest
}

/// The elements before the `]` that ends them, and what follows it.
fn elements(text: &str) -> Option<(Vec<&str>, &str)> {
    let (mut depth, mut start, mut is_quoted) = (0_usize, 0, false);
    let mut found = Vec::new();
    for (at, c) in text.char_indices() {
        match c {
            '\'' => is_quoted = !is_quoted,
            _ if is_quoted => {}
            '(' | '[' => depth += 1,
            ']' if depth == 0 => {
                found.push(text[start..at].trim());
                return Some((found, &text[at + 1..]));
            }
            ')' | ']' => depth = depth.checked_sub(1)?,
            ',' if depth == 0 => {
                found.push(text[start..at].trim());
                start = at + 1;
            }
            _ => {}
        }
    }
    None
}

/// The type of the elements in `)::type[]`, and what follows it.
fn cast(text: &str) -> Option<(&str, &str)> {
    let (of, after) = text.strip_prefix(")::")?.split_once("[]")?;
    let is_type = of.chars().all(|c| c.is_alphanumeric() || " _.\"(),".contains(c));
    is_type.then_some((of, after))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(
        "((s)::text = ANY ((ARRAY['a, ]'::character varying, 'it''s'::character varying])::text[])) AND x",
        "((s)::text = ANY (ARRAY[('a, ]'::character varying)::text, ('it''s'::character varying)::text])) AND x"
    )]
    #[case("(ARRAY[1, 2])[1] + (ARRAY[f(a, b)])::bigint[]", "(ARRAY[1, 2])[1] + ARRAY[(f(a, b))::bigint]")]
    #[case("(ARRAY['a", "(ARRAY['a")]
    fn a_cast_of_an_array_is_one_of_its_elements(#[case] printed: &str, #[case] parsed: &str) {
        assert_eq!(restated(printed), parsed);
        assert_eq!(restated(parsed), parsed);
    }
}
