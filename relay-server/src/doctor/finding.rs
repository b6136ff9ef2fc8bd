//! What the doctor says: one line for each thing that it looked at, and what to do where something is wrong.

use serde_json::{Value, json};

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// As it should be.
    Ok,
    /// The relay works, but not for everybody, not well, or not for long.
    Warning,
    /// The relay does not work like this.
    Failure,
}

/// One line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What was looked at: a key of the settings, or a part of the machine.
    pub subject: String,
    /// How bad it is.
    pub verdict: Verdict,
    /// What was found.
    pub said: String,
    /// What to do; empty where nothing is wrong.
    pub remedy: String,
}

impl Finding {
    pub(super) fn ok(subject: &str, said: &str) -> Self {
        Self { subject: subject.to_owned(), verdict: Verdict::Ok, said: said.to_owned(), remedy: String::new() }
    }

    pub(super) fn warning(subject: &str, said: &str, remedy: &str) -> Self {
        Self { verdict: Verdict::Warning, remedy: remedy.to_owned(), ..Self::ok(subject, said) }
    }

    pub(super) fn failure(subject: &str, said: &str, remedy: &str) -> Self {
        Self { verdict: Verdict::Failure, ..Self::warning(subject, said, remedy) }
    }
}

impl Verdict {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Failure => "failure",
        }
    }
}

/// For people: a remedy stands below what it is for.
pub(super) fn text(findings: &[Finding]) -> String {
    let count = |verdict| findings.iter().filter(|finding| finding.verdict == verdict).count();
    let mut lines = Vec::new();
    for Finding { subject, verdict, said, remedy } in findings {
        lines.push(format!("{:<8} {subject}: {said}", verdict.as_str()));
        if !remedy.is_empty() {
            lines.push(format!("{:<8} {remedy}", ""));
        }
    }
    lines.push(format!("{} failures, {} warnings", count(Verdict::Failure), count(Verdict::Warning)));
    lines.join("\n")
}

/// For programs.
pub(super) fn json(findings: &[Finding]) -> String {
    let row = |finding: &Finding| {
        json!({
            "subject": finding.subject,
            "verdict": finding.verdict.as_str(),
            "said": finding.said,
            "remedy": finding.remedy,
        })
    };
    format!("{:#}", Value::Array(findings.iter().map(row).collect()))
}
