//! psql's meta-commands and variables, as far as they make sense in a migration (psql reference, "Meta-Commands" and
//! "Variables"). Commands that only affect a terminal are ignored; those that would change the session are errors.

use std::collections::BTreeMap;

/// psql variables, by name.
pub type Variables = BTreeMap<String, String>;

/// How long the arguments of a command may be, and so the value of a variable: one that consists of itself twice doubles with each line.
pub(crate) const LONGEST_VALUE: usize = 1 << 20;

/// What a meta-command requests.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Meta {
    /// Nothing: it only affects what psql prints.
    Nothing,
    /// Include this file; `relative` means relative to the including file rather than to the project.
    Include { path: String, relative: bool },
    /// `\g`: end the statement.
    Execute,
}

/// Executes one command line (without its newline), or returns why it is not supported.
pub(crate) fn interpret(line: &str, variables: &mut Variables) -> Result<Meta, String> {
    let line = line.trim_end();
    let name_end = line[1..].find(|c: char| c.is_whitespace() || c == '\\').map_or(line.len(), |at| at + 1);
    let (name, rest) = (&line[1..name_end], line[name_end..].trim_start());
    match name {
        "echo" | "qecho" | "warn" | "timing" | "pset" | "x" | "t" | "a" | "f" | "C" | "H" | "T" => Ok(Meta::Nothing),
        "g" if rest.is_empty() => Ok(Meta::Execute),
        "i" | "include" | "ir" | "include_relative" => {
            let mut words = arguments(rest, variables)?;
            match (words.pop(), words.is_empty()) {
                (Some(path), true) => {
                    Ok(Meta::Include { path, relative: name.ends_with('r') || name == "include_relative" })
                }
                _ => Err("it takes one file name".to_owned()),
            }
        }
        "set" => {
            let words = arguments(rest, variables)?;
            if let Some((name, values)) = words.split_first() {
                variables.insert(name.clone(), values.concat());
            }
            Ok(Meta::Nothing)
        }
        "unset" => {
            for name in arguments(rest, variables)? {
                variables.remove(&name);
            }
            Ok(Meta::Nothing)
        }
        "encoding" if matches!(rest.to_ascii_uppercase().as_str(), "UTF8" | "UTF-8" | "UNICODE") => Ok(Meta::Nothing),
        "encoding" => Err("migrations are UTF-8".to_owned()),
        "copy" => Err("write COPY … FROM stdin with the rows below it, closed by a line \\.".to_owned()),
        "c" | "connect" => Err("a migration stays in the database that it is applied to".to_owned()),
        "if" | "elif" | "else" | "endif" => Err("write the condition in SQL, in a DO block".to_owned()),
        _ => Err("it has no place in a migration; use SQL".to_owned()),
    }
}

/// Splits a command line into arguments: blanks separate, single quotes group, variables are replaced.
fn arguments(line: &str, variables: &Variables) -> Result<Vec<String>, String> {
    let mut arguments = Vec::new();
    let mut length = 0;
    let mut characters = line.chars().peekable();
    loop {
        while characters.next_if(|c| c.is_whitespace()).is_some() {}
        if characters.peek().is_none() {
            return Ok(arguments);
        }
        let mut word = String::new();
        while let Some(c) = characters.next_if(|c| !c.is_whitespace()) {
            match c {
                '\'' => loop {
                    match characters.next() {
                        Some('\'') if characters.next_if_eq(&'\'').is_none() => break,
                        Some('\\') => word.extend(characters.next().map(unescape)),
                        Some(c) => word.push(c),
                        None => return Err("a quote is not closed".to_owned()),
                    }
                },
                '`' => return Err("it would run a program".to_owned()),
                ':' => {
                    let mut name = String::new();
                    while let Some(c) = characters.next_if(|c| is_variable_character(*c)) {
                        name.push(c);
                    }
                    match variables.get(&name) {
                        Some(value) => word.push_str(value),
                        None => word.extend([":", &name]),
                    }
                }
                c => word.push(c),
            }
            if length + word.len() > LONGEST_VALUE {
                return Err(format!("its arguments are longer than {} KiB", LONGEST_VALUE >> 10));
            }
        }
        length += word.len();
        arguments.push(word);
    }
}

fn unescape(c: char) -> char {
    match c {
        'n' => '\n',
        't' => '\t',
        'r' => '\r',
        other => other,
    }
}

/// The characters of psql variable names: letters, digits, underscores.
pub(crate) fn is_variable_character(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_variables_from_quoted_and_joined_words() {
        let mut variables = Variables::new();
        assert_eq!(interpret(r"\set owner 'o''brien' ", &mut variables), Ok(Meta::Nothing));
        assert_eq!(interpret(r"\set both :owner 2", &mut variables), Ok(Meta::Nothing));
        assert_eq!(variables["both"], "o'brien2");
        assert_eq!(interpret(r"\unset both", &mut variables), Ok(Meta::Nothing));
        assert!(!variables.contains_key("both"));
    }

    #[test]
    fn says_what_to_do_instead() {
        let mut variables = Variables::new();
        for (line, part) in [
            (r"\c other", "stays in the database"),
            (r"\copy t from 'x.csv'", "COPY … FROM stdin"),
            (r"\set now `date`", "run a program"),
            (r"\gexec", "no place in a migration"),
            (r"\i", "takes one file name"),
        ] {
            let problem = interpret(line, &mut variables).expect_err("not understood");
            assert!(problem.contains(part), "{line}: {problem}");
        }
    }
}
