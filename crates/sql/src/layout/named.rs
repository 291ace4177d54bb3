//! Layouts recognised by the names of files and directories, and explicitly listed orders.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::super::SourceError;
use super::{Part, Step, Style};
use crate::files;

/// Files in the order of their names; numbers in names compare by value.
pub(super) fn sorted(mut files: Vec<PathBuf>) -> Vec<PathBuf> {
    files.sort_by(|one, other| natural(&name(one), &name(other)));
    files
}

/// `V1__name.sql`, `U1__name.sql`, `R__name.sql`.
pub(super) fn flyway(files: &[PathBuf]) -> Option<Vec<Step>> {
    let version = |path: &PathBuf, prefix: char| {
        let name = name(path);
        let (version, _) = name.strip_prefix(prefix)?.split_once("__")?;
        Some(version.to_owned())
    };
    let back: BTreeMap<String, &PathBuf> = files.iter().filter_map(|path| Some((version(path, 'U')?, path))).collect();
    let mut steps: Vec<(String, Step)> = files
        .iter()
        .filter_map(|path| {
            let version = version(path, 'V').filter(|version| version.starts_with(|c: char| c.is_ascii_digit()))?;
            let down = back.get(&version).map(|path| Part::whole((*path).clone()));
            Some((version, Step::new(Part::whole(path.clone()), down)))
        })
        .collect();
    if steps.is_empty() {
        return None;
    }
    steps.sort_by(|one, other| natural(&one.0.replace('_', "."), &other.0.replace('_', ".")));
    let mut repeatable: Vec<PathBuf> = files.iter().filter(|path| name(path).starts_with("R__")).cloned().collect();
    // Flyway orders them by description, as text.
    repeatable.sort_by_key(|path| name(path));
    let repeatable = repeatable.into_iter().map(|path| Step { repeatable: true, ..Step::new(Part::whole(path), None) });
    Some(steps.into_iter().map(|(_, step)| step).chain(repeatable).collect())
}

/// `1_name.up.sql` and `1_name.down.sql`.
pub(super) fn up_down(files: &[PathBuf]) -> Option<Vec<Step>> {
    let ups: Vec<PathBuf> = files.iter().filter(|path| name(path).ends_with(".up.sql")).cloned().collect();
    let step = |up: PathBuf| {
        let down = up.with_file_name(name(&up).replace(".up.sql", ".down.sql"));
        Step::new(Part::whole(up), down.is_file().then(|| Part::whole(down)))
    };
    (!ups.is_empty()).then(|| sorted(ups).into_iter().map(step).collect())
}

/// A directory for each migration.
pub(super) fn directories(root: &Path) -> Result<(Style, Vec<Step>), SourceError> {
    let failed = |source| SourceError::Directory { directory: root.to_path_buf(), source };
    let mut directories = Vec::new();
    for entry in std::fs::read_dir(root).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        if path.is_dir() {
            directories.push(path);
        }
    }
    // Diesel treats versions with and without hyphens as equal.
    directories.sort_by(|one, other| natural(&name(one).replace('-', ""), &name(other).replace('-', "")));
    let of = |file: &'static str| {
        let steps = directories.iter().filter(move |directory| directory.join(file).is_file()).map(move |directory| {
            let down = directory.join("down.sql");
            Step::new(Part::whole(directory.join(file)), down.is_file().then(|| Part::whole(down)))
        });
        steps.collect::<Vec<_>>()
    };
    let (ups, migrations) = (of("up.sql"), of("migration.sql"));
    Ok(if ups.is_empty() { (Style::Prisma, migrations) } else { (Style::Directories, ups) })
}

/// The order of `sqitch.plan` (sqitchplan, "Format"): each line begins with the name of a change.
pub(super) fn sqitch(root: &Path) -> Result<Vec<Step>, SourceError> {
    let plan = root.join("sqitch.plan");
    let text = read(root, &plan)?;
    let words = text
        .lines()
        .map(|line| line.trim().trim_start_matches(['+', ' ']))
        .filter_map(|line| line.split_whitespace().next().filter(|word| !word.starts_with(['%', '#', '-'])));
    let words: Vec<&str> = words.collect();
    let script = |directory: &str, name: &str| root.join(directory).join(format!("{name}.sql"));
    let step = |(at, name): (usize, &&str)| {
        // If a change is reworked later, its old scripts carry the name of a tag in between.
        let again = words[at + 1..].iter().position(|word| word == name).map(|place| at + 1 + place);
        let tags =
            again.map(|again| &words[at + 1..again]).unwrap_or_default().iter().filter(|word| word.starts_with('@'));
        let old = tags.map(|tag| format!("{name}{tag}")).find(|old| script("deploy", old).is_file());
        let name = old.unwrap_or_else(|| (*name).to_owned());
        let revert = script("revert", &name);
        Step::new(Part::whole(script("deploy", &name)), revert.is_file().then(|| Part::whole(revert)))
    };
    Ok(words.iter().enumerate().filter(|(_, word)| !word.starts_with('@')).map(step).collect())
}

/// The files named in a list, one per line, relative to `root`.
pub(super) fn listed(root: &Path, list: &Path) -> Result<Vec<Step>, SourceError> {
    let text = read(root, list)?;
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    Ok(lines.map(|line| Step::new(Part::whole(root.join(line)), None)).collect())
}

/// Whether a file name denotes a down migration.
pub(super) fn looks_like_a_way_back(path: &Path) -> bool {
    let name = name(path).to_lowercase();
    let words = name.split(|c: char| !c.is_alphabetic());
    let back = |word: &str| matches!(word, "down" | "undo" | "revert" | "rollback");
    // `down` as the last word: `add_drill_down.sql` is usually something else; in that case `--order` helps.
    let words: Vec<&str> = words.filter(|word| !word.is_empty() && *word != "sql").collect();
    words.first().is_some_and(|word| back(word)) || words.last().is_some_and(|word| back(word))
}

fn read(root: &Path, path: &Path) -> Result<String, SourceError> {
    let shown = path.strip_prefix(root).unwrap_or(path).to_path_buf();
    files::read_text(path).map_err(|source| SourceError::Unreadable { path: shown, source })
}

fn name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// Compares texts, with numbers compared by value: `2_b` before `10_a`.
fn natural(one: &str, other: &str) -> Ordering {
    let (mut one, mut other) = (one, other);
    // Leading zeros only break ties.
    let mut zeros = Ordering::Equal;
    loop {
        let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
        let (a, b) = (digits(one), digits(other));
        if a > 0 && b > 0 {
            let (left, right) = (one[..a].trim_start_matches('0'), other[..b].trim_start_matches('0'));
            let order = left.len().cmp(&right.len()).then_with(|| left.cmp(right));
            if order != Ordering::Equal {
                return order;
            }
            zeros = zeros.then(a.cmp(&b));
            (one, other) = (&one[a..], &other[b..]);
            continue;
        }
        match (one.chars().next(), other.chars().next()) {
            (Some(left), Some(right)) if left == right => {
                (one, other) = (&one[left.len_utf8()..], &other[right.len_utf8()..]);
            }
            (left, right) => return left.cmp(&right).then(zeros),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_count_by_their_value() {
        let mut names = vec!["10_b", "9_a", "010_a", "2024-01-02_x", "2024-01-10_y", "a", "V1.10", "V1.9"];
        names.sort_by(|one, other| natural(one, other));
        assert_eq!(names, ["9_a", "010_a", "10_b", "2024-01-02_x", "2024-01-10_y", "V1.9", "V1.10", "a"]);
    }
}
