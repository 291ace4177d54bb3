//! Variations of a text: other texts of the same form. What of its form matters, nobody knows; whether a variation is a
//! value, and an accepted one, PostgreSQL decides.

/// How far apart the variations of a number lie at least.
const STEP: i64 = 1;

/// At most `count` variations of each kind, likelier kinds first: other digits, letters and digits, letters, each a
/// counter that leaves the rest of the text as it is; other months; greater numbers.
pub(super) fn varied(text: &str, count: usize) -> Vec<String> {
    let mut found = Vec::new();
    found.extend(months(text, count));
    let is_bytes = text.starts_with("\\x");
    let hexadecimal = |c: char| c.is_ascii_hexdigit();
    if is_bytes || (text.len() >= 32 && text.chars().all(|c| hexadecimal(c) || c == '-')) {
        let skipped = if is_bytes { 2 } else { 0 };
        found.extend(counted(text, count, skipped, |c| hexadecimal(c).then_some("0123456789abcdef")));
        return found;
    }
    for place in 0..numbers(text).len().min(4) {
        found.extend(moved(text, count, Some(place)));
    }
    found.extend(moved(text, count, None));
    found.extend(counted(text, count, 0, |c| c.is_ascii_digit().then_some("0123456789")));
    found.extend(counted(text, count, 0, |c| of_its_kind(c, true)));
    found.extend(counted(text, count, 0, |c| of_its_kind(c, false)));
    found.extend((1..=count).map(|number| format!("{text}{number}")));
    found
}

/// The characters of the same kind as a letter or digit.
fn of_its_kind(c: char, with_digits: bool) -> Option<&'static str> {
    match c {
        '0'..='9' if with_digits => Some("0123456789"),
        'a'..='z' => Some("abcdefghijklmnopqrstuvwxyz"),
        'A'..='Z' => Some("ABCDEFGHIJKLMNOPQRSTUVWXYZ"),
        _ => None,
    }
}

/// Counts with the characters for which `digits` has an alphabet, from the right, starting with what the text has.
fn counted(
    text: &str,
    count: usize,
    skipped: usize,
    digits: impl Fn(char) -> Option<&'static str>,
) -> impl Iterator<Item = String> {
    let chars: Vec<char> = text.chars().collect();
    let places: Vec<(usize, &'static str)> = chars
        .iter()
        .enumerate()
        .skip(skipped)
        .rev()
        .filter_map(|(place, c)| {
            Some((place, digits(c.to_ascii_lowercase()).filter(|a| a.contains(*c)).or_else(|| digits(*c))?))
        })
        .collect();
    let all =
        places.iter().try_fold(1_usize, |all, (_, alphabet)| all.checked_mul(alphabet.len())).unwrap_or(usize::MAX);
    (1..=count.min(all - 1)).map(move |number| {
        let (mut changed, mut rest) = (chars.clone(), number);
        for (place, alphabet) in &places {
            let alphabet: Vec<char> = alphabet.chars().collect();
            let own = alphabet.iter().position(|c| c.eq_ignore_ascii_case(&changed[*place])).unwrap_or(0);
            changed[*place] = alphabet[(own + rest) % alphabet.len()];
            rest /= alphabet.len();
        }
        changed.into_iter().collect()
    })
}

/// The same day in other months, if the text begins with a date.
fn months(text: &str, count: usize) -> Vec<String> {
    let is_date = text.len() >= 10
        && text
            .bytes()
            .take(10)
            .enumerate()
            .all(|(place, byte)| if matches!(place, 4 | 7) { byte == b'-' } else { byte.is_ascii_digit() });
    let number = |range: std::ops::Range<usize>| text.get(range).and_then(|digits| digits.parse::<usize>().ok());
    let (Some(year), Some(month), true) = (number(0..4), number(5..7), is_date) else { return Vec::new() };
    let first = year * 12 + month.saturating_sub(1);
    let moved = |number: usize| format!("{:04}-{:02}{}", (first + number) / 12, (first + number) % 12 + 1, &text[7..]);
    (1..=count).filter(|number| (first + number) / 12 < 9999).map(moved).collect()
}

/// Where the numbers in a text are.
fn numbers(text: &str) -> Vec<std::ops::Range<usize>> {
    let mut found: Vec<std::ops::Range<usize>> = Vec::new();
    for (place, _) in text.char_indices().filter(|(_, c)| c.is_ascii_digit()) {
        match found.last_mut().filter(|last| last.end == place) {
            Some(last) => last.end = place + 1,
            None => found.push(place..place + 1),
        }
    }
    found
}

/// Adds to one number in the text, or to all of them, more than all of them together: what has an extent does not
/// overlap with itself.
fn moved(text: &str, count: usize, which: Option<usize>) -> Vec<String> {
    let places = numbers(text);
    let values: Vec<i64> = places.iter().filter_map(|place| text[place.clone()].parse().ok()).collect();
    if values.len() != places.len() || values.is_empty() {
        return Vec::new();
    }
    let extent = values.iter().copied().fold(0_i64, i64::saturating_add).min(1_000_000);
    let steps = if which.is_some() && values.len() == 1 { STEP } else { extent.saturating_mul(2).max(STEP) };
    let one = |number: usize| {
        let by = i64::try_from(number).ok()?.checked_mul(steps)?;
        let mut changed = text.to_owned();
        for (at, place) in places.iter().enumerate().rev() {
            if which.is_none_or(|which| which == at) {
                changed.replace_range(place.clone(), &values[at].checked_add(by)?.to_string());
            }
        }
        Some(changed)
    };
    (1..=count).filter_map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variation_has_the_form_of_the_text() {
        let codes = varied("SKU-0Ab", 40);
        assert!(codes.contains(&"SKU-7Ab".to_owned()) && codes.contains(&"SKU-0Bc".to_owned()), "{codes:?}");
        assert_eq!(varied("\\x00ff", 2), ["\\x00f0", "\\x00f1"]);
        assert_eq!(varied("2020-12-01", 2)[..2], ["2021-01-01", "2021-02-01"]);
        assert!(varied("<(0,0),1>", 3).contains(&"<(4,0),1>".to_owned()));
        assert!(varied("[3,5)", 3).contains(&"[19,21)".to_owned()));
    }

    #[test]
    fn no_variation_is_the_text_itself() {
        for text in ["", "a", "0", "Zz9-é", "2020-01-31", "99"] {
            assert!(varied(text, 200).iter().all(|other| other != text), "{text}");
        }
    }
}
