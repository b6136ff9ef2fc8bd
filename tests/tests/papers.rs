//! The papers keep their word: what they link to is there, and a test that they name is in the file they link.

use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the tests are a folder of the workspace").to_owned()
}

/// A link `[text](target)` of a paper.
struct Link {
    paper: PathBuf,
    text: String,
    target: String,
}

impl Link {
    /// Where it leads; none for another site and for a place in the same paper.
    fn file(&self) -> Option<PathBuf> {
        let path = self.target.split('#').next().unwrap_or_default();
        let is_elsewhere = path.is_empty() || path.contains(':');
        (!is_elsewhere).then(|| self.paper.parent().expect("a file has a folder").join(path))
    }

    /// The test that it names: text between backticks, and nothing else.
    fn test(&self) -> Option<&str> {
        self.text.strip_prefix('`')?.strip_suffix('`')
    }

    fn says(&self) -> String {
        let paper = self.paper.strip_prefix(root()).expect("under the root").display();
        format!("{paper}: [{}]({})", self.text, self.target)
    }
}

fn papers() -> Vec<PathBuf> {
    let is_ours = |path: &PathBuf| {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        !matches!(name, "target" | "node_modules" | "dist" | "wasm" | "pkg") && !name.starts_with('.')
    };
    let (mut found, mut open) = (Vec::new(), vec![root()]);
    while let Some(path) = open.pop() {
        if path.is_dir() {
            let entries = fs::read_dir(&path).expect("a readable folder");
            open.extend(entries.flatten().map(|entry| entry.path()).filter(is_ours));
        } else if path.extension().is_some_and(|found| found == "md") {
            found.push(path);
        }
    }
    found
}

fn links() -> Vec<Link> {
    let mut links = Vec::new();
    for paper in papers() {
        let text = fs::read_to_string(&paper).expect("a text file");
        // What stands between fences is an example.
        for prose in text.split("```").step_by(2) {
            for (at, _) in prose.match_indices("](") {
                let named = prose[..at].rfind('[').map(|start| &prose[start + 1..at]);
                let target = prose[at + 2..].split(')').next();
                if let (Some(text), Some(target)) = (named, target) {
                    links.push(Link { paper: paper.clone(), text: text.to_owned(), target: target.to_owned() });
                }
            }
        }
    }
    links
}

#[test]
fn every_link_of_a_paper_leads_to_a_file() {
    let links = links();
    assert!(links.len() > 50, "the papers have links");
    let dead: Vec<String> =
        links.iter().filter(|link| link.file().is_some_and(|file| !file.exists())).map(Link::says).collect();
    assert!(dead.is_empty(), "links that lead nowhere:\n  {}", dead.join("\n  "));
}

#[test]
fn every_test_that_a_paper_names_is_where_it_says() {
    let is_source = |file: &PathBuf| file.extension().is_some_and(|kind| kind == "rs" || kind == "mjs" || kind == "ts");
    let mut missing = Vec::new();
    for link in links() {
        if let (Some(test), Some(file)) = (link.test(), link.file().filter(is_source)) {
            let text = fs::read_to_string(&file).unwrap_or_default();
            let is_name = !test.contains(['/', '.']);
            let is_rust = file.extension().is_some_and(|kind| kind == "rs");
            let is_there = if is_rust { text.contains(&format!("fn {test}(")) } else { text.contains(test) };
            if is_name && !is_there {
                missing.push(link.says());
            }
        }
    }
    assert!(missing.is_empty(), "tests that are not there:\n  {}", missing.join("\n  "));
}
