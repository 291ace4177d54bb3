//! Layouts that are told by the names of files and directories, and orders that are written down.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::super::MigrationError;
use super::{Part, Step, Style};

/// Files in the order of their names, numbers in them by their value.
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
            Some((version, Step { up: Part::whole(path.clone()), down }))
        })
        .collect();
    if steps.is_empty() {
        return None;
    }
    steps.sort_by(|one, other| natural(&one.0.replace('_', "."), &other.0.replace('_', ".")));
    let repeatable = sorted(files.iter().filter(|path| name(path).starts_with("R__")).cloned().collect());
    let repeatable = repeatable.into_iter().map(|path| Step { up: Part::whole(path), down: None });
    Some(steps.into_iter().map(|(_, step)| step).chain(repeatable).collect())
}

/// `1_name.up.sql` and `1_name.down.sql`.
pub(super) fn up_down(files: &[PathBuf]) -> Option<Vec<Step>> {
    let ups: Vec<PathBuf> = files.iter().filter(|path| name(path).ends_with(".up.sql")).cloned().collect();
    let step = |up: PathBuf| {
        let down = up.with_file_name(name(&up).replace(".up.sql", ".down.sql"));
        Step { down: down.is_file().then(|| Part::whole(down)), up: Part::whole(up) }
    };
    (!ups.is_empty()).then(|| sorted(ups).into_iter().map(step).collect())
}

/// A directory for each migration.
pub(super) fn directories(root: &Path) -> Result<(Style, Vec<Step>), MigrationError> {
    let failed = |source| MigrationError::Directory { directory: root.to_path_buf(), source };
    let mut directories = Vec::new();
    for entry in std::fs::read_dir(root).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        if path.is_dir() {
            directories.push(path);
        }
    }
    // Diesel's versions are the same with and without hyphens.
    directories.sort_by(|one, other| natural(&name(one).replace('-', ""), &name(other).replace('-', "")));
    let of = |file: &'static str| {
        let steps = directories.iter().filter(move |directory| directory.join(file).is_file()).map(move |directory| {
            let down = directory.join("down.sql");
            Step { up: Part::whole(directory.join(file)), down: down.is_file().then(|| Part::whole(down)) }
        });
        steps.collect::<Vec<_>>()
    };
    let (ups, migrations) = (of("up.sql"), of("migration.sql"));
    Ok(if ups.is_empty() { (Style::Prisma, migrations) } else { (Style::Directories, ups) })
}

/// The order of `sqitch.plan` (sqitchplan, "Format"): a change's name begins its line.
pub(super) fn sqitch(root: &Path) -> Result<Vec<Step>, MigrationError> {
    let plan = root.join("sqitch.plan");
    let text = read(root, &plan)?;
    let changes = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with(['%', '@', '#']));
    let step = |line: &str| {
        let name = line.split_whitespace().next()?;
        let (deploy, revert) = (root.join("deploy").join(format!("{name}.sql")), root.join("revert"));
        let revert = revert.join(format!("{name}.sql"));
        Some(Step { up: Part::whole(deploy), down: revert.is_file().then(|| Part::whole(revert)) })
    };
    Ok(changes.filter_map(step).collect())
}

/// The files that a list names, one a line, relative to `root`.
pub(super) fn listed(root: &Path, list: &Path) -> Result<Vec<Step>, MigrationError> {
    let text = read(root, list)?;
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    Ok(lines.map(|line| Step { up: Part::whole(root.join(line)), down: None }).collect())
}

fn read(root: &Path, path: &Path) -> Result<String, MigrationError> {
    let shown = path.strip_prefix(root).unwrap_or(path).to_path_buf();
    std::fs::read_to_string(path).map_err(|source| MigrationError::Unreadable { path: shown, source })
}

fn name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// Compares texts in which numbers count by their value: `2_b` before `10_a`.
fn natural(one: &str, other: &str) -> Ordering {
    let (mut one, mut other) = (one, other);
    loop {
        let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
        let (a, b) = (digits(one), digits(other));
        if a > 0 && b > 0 {
            let (left, right) = (one[..a].trim_start_matches('0'), other[..b].trim_start_matches('0'));
            let order = left.len().cmp(&right.len()).then_with(|| left.cmp(right)).then(a.cmp(&b));
            if order != Ordering::Equal {
                return order;
            }
            (one, other) = (&one[a..], &other[b..]);
            continue;
        }
        match (one.chars().next(), other.chars().next()) {
            (Some(left), Some(right)) if left == right => {
                (one, other) = (&one[left.len_utf8()..], &other[right.len_utf8()..]);
            }
            (left, right) => return left.cmp(&right),
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
        assert_eq!(names, ["9_a", "10_b", "010_a", "2024-01-02_x", "2024-01-10_y", "V1.9", "V1.10", "a"]);
    }
}
