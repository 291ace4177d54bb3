//! The rules of `audit`, one entry each: name, severity, what it means that a rule is violated, and what to do. Finding
//! violations is the business of other files; `docs/audit.md` has a section for each rule, which a test compares.

use serde::{Serialize, Serializer};
use serde_json::{Value, json};

/// What migrations must fulfil.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Rule {
    Applies,
    Deadline,
    Privileges,
    Again,
    Killed,
    Resumed,
    Rows,
    AtOnce,
    Rollback,
}

/// The severity of a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Severity {
    /// It does not work.
    Error,
    /// It works, but will cause problems.
    Warning,
    /// For information.
    Note,
}

/// What there is to say of a rule.
struct Entry {
    /// Its name in output. It never changes: others refer to it.
    name: &'static str,
    /// How severe a violation is, unless a finding says otherwise.
    severity: Severity,
    /// What a violation is, in one sentence.
    summary: &'static str,
    /// How it is found.
    description: &'static str,
    /// What to do, as a finding says it after "to do".
    help: &'static str,
}

impl Rule {
    /// All of them, in the order of the documentation.
    pub(super) const ALL: [Rule; 9] = [
        Rule::Applies,
        Rule::Deadline,
        Rule::Privileges,
        Rule::Again,
        Rule::Killed,
        Rule::Resumed,
        Rule::Rows,
        Rule::AtOnce,
        Rule::Rollback,
    ];

    fn entry(self) -> Entry {
        match self {
            Rule::Applies => Entry {
                name: "applies",
                severity: Severity::Error,
                summary: "A statement fails, or a file leaves its transaction open.",
                description: "The migrations are applied in order, statement by statement, to an empty database.",
                help: "correct the statement, or what it depends on",
            },
            Rule::Deadline => Entry {
                name: "deadline",
                severity: Severity::Error,
                summary: "A statement did not end in time, so it was ended.",
                description: "It was cancelled from outside, whatever it set as its timeout; the audit goes on without it.",
                help: "if it needs more time, say how much with --statement-deadline",
            },
            Rule::Privileges => Entry {
                name: "privileges",
                severity: Severity::Error,
                summary: "A statement needs more than to own the database.",
                description: "The migrations run as a role that owns the databases and has no other privilege, \
                              as on a managed service.",
                help: "do without it, or run it on an expendable server with --allow-outside",
            },
            Rule::Again => Entry {
                name: "again",
                severity: Severity::Warning,
                summary: "Running the files again fails or changes the database.",
                description: "Each file, and all of them, are run once more on a migrated database, which must stay \
                              as it is. For a tool that remembers what it has applied, files that cannot are only counted.",
                help: "guard it: IF NOT EXISTS, ON CONFLICT, DROP … IF EXISTS before CREATE, \
                       a DO block that checks the catalog",
            },
            Rule::Killed => Entry {
                name: "killed",
                severity: Severity::Warning,
                summary: "A run that was killed does not recover when it is run again.",
                description: "The session is killed after or during a statement; the next run must lead to the state \
                              of one clean run.",
                help: "make the next run remove or complete what a killed statement leaves behind",
            },
            Rule::Resumed => Entry {
                name: "resumed",
                severity: Severity::Warning,
                summary: "Running all files from a state in which some were applied leads to another state.",
                description: "Some of the files are applied, in order, and then all of them.",
                help: "a file that is run again must not change what a later file has changed",
            },
            Rule::Rows => Entry {
                name: "rows",
                severity: Severity::Warning,
                summary: "Rows of users do not survive a run.",
                description: "Rows are put into every table, and rows of the migrations are edited, between runs.",
                help: "insert with ON CONFLICT DO NOTHING, and update or delete only rows that the migration inserted",
            },
            Rule::AtOnce => Entry {
                name: "at-once",
                severity: Severity::Warning,
                summary: "Two runs at once do not both succeed, or leave another state than one run.",
                description: "Two sessions apply the migrations to one database at the same time.",
                help: "acquire an advisory lock before applying migrations",
            },
            Rule::Rollback => Entry {
                name: "rollback",
                severity: Severity::Warning,
                summary: "A down migration does not restore what was there before.",
                description: "Each migration is rolled back to the state before it, and applied again.",
                help: "undo everything that the migration does, in reverse order",
            },
        }
    }

    /// Its name in output.
    pub(super) fn name(self) -> &'static str {
        self.entry().name
    }

    /// How severe a violation is, unless a finding says otherwise.
    pub(super) fn severity(self) -> Severity {
        self.entry().severity
    }

    /// What to do about a violation, unless a finding knows better.
    pub(super) fn help(self) -> &'static str {
        self.entry().help
    }

    /// Where it is documented.
    fn uri(self) -> String {
        format!("{}/blob/main/docs/audit.md#{}", env!("CARGO_PKG_REPOSITORY"), self.name())
    }

    /// The rule as SARIF describes it (2.1.0, section 3.49, `reportingDescriptor`).
    pub(super) fn to_sarif(self) -> Value {
        let Entry { name, severity, summary, description, help } = self.entry();
        json!({
            "id": name,
            "shortDescription": { "text": summary },
            "fullDescription": { "text": format!("{summary} {description}") },
            "help": { "text": help },
            "helpUri": self.uri(),
            "defaultConfiguration": { "level": severity },
        })
    }
}

impl Serialize for Rule {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl Severity {
    /// Its name in output, which is also a level of SARIF.
    pub(super) fn name(self) -> &'static str {
        match self {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Note => "note",
        }
    }
}

impl Serialize for Severity {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn each_rule_has_a_name_of_its_own_that_is_an_anchor() {
        let names: BTreeSet<_> = Rule::ALL.into_iter().map(Rule::name).collect();
        assert_eq!(names.len(), Rule::ALL.len());
        // As GitHub makes it of a heading: nothing to change.
        assert!(names.iter().all(|name| name.bytes().all(|b| b.is_ascii_lowercase() || b == b'-')), "{names:?}");
    }

    #[test]
    fn the_page_on_audit_has_a_section_for_each_rule_and_no_other() {
        let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/audit.md");
        let page = std::fs::read_to_string(page).expect("the page on audit");
        let findings = page.split("\n## Findings\n").nth(1).and_then(|rest| rest.split("\n## ").next()).expect("it");
        let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        let sections: Vec<(&str, String)> =
            findings.split("\n### ").skip(1).filter_map(|s| s.split_once('\n')).map(|(h, t)| (h, words(t))).collect();
        assert_eq!(sections.iter().map(|(name, _)| *name).collect::<Vec<_>>(), Rule::ALL.map(Rule::name));
        for (rule, (name, section)) in Rule::ALL.into_iter().zip(&sections) {
            let Entry { severity, summary, description, help, .. } = rule.entry();
            for text in [summary, description, &format!("To do: {help}."), &format!("Severity: {}.", severity.name())] {
                assert!(section.contains(text), "docs/audit.md, {name}: no {text:?} in {section:?}");
            }
        }
    }
}
