//! The fences: who may import whom, what may never be reached from the cores, and how long a file may be.
//!
//! Reads `cargo metadata` and the text of the sources. What a fence means stands in ARCHITECTURE.md ("Invariants");
//! a fence that is in the way is changed there and here in the same commit.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// Which rooms a room may depend on, tests and build scripts not counted.
const ROOMS: &[(&str, &[&str])] = &[
    ("sip-core", &[]),
    ("relay-core", &["sip-core"]),
    ("client-wasm", &["sip-core"]),
    ("relay-server", &["relay-core", "sip-core"]),
    ("switchhook-tests", &["relay-core", "relay-server", "sip-core"]),
];

/// Crates that do I/O, keep time or draw entropy by themselves: never reachable from a core, however deep.
const BANNED_FROM_CORES: &[&str] = &[
    "async-io",
    "async-std",
    "axum",
    "hyper",
    "js-sys",
    "mio",
    "reqwest",
    "smol",
    "tokio",
    "tokio-tungstenite",
    "tungstenite",
    "wasm-bindgen",
    "web-sys",
];

/// Crates that are not acceptable anywhere: the reasons are in deny.toml.
const BANNED: &[(&str, Option<&str>)] =
    &[("rtp", Some("0.17")), ("rtcp", Some("0.17")), ("g729-sys", None), ("audio-codec", None), ("rsip", None)];

/// The floors of a core, from the top down: a part may import its own floor and those below, never one above.
///
/// Agent, session, registration, subscription, publication and transfer share a floor: they speak the same events
/// and send through one endpoint.
const FLOORS: &[(&str, &[&[&str]])] = &[(
    "sip-core/src",
    &[
        &["agent", "session", "registration", "subscription", "publication", "transfer"],
        &["dialog"],
        &["transaction"],
        &["message"],
    ],
)];

/// Pairs of parts that do not know each other, with what they may share.
const STRANGERS: &[(&str, &str, &[&str])] = &[
    ("sip-core/src/message", "crate::sdp", &[]),
    ("sip-core/src/sdp", "crate::message", &[]),
    ("sip-core/src/transaction", "crate::sdp", &[]),
    ("relay-core/src/media", "crate::b2bua", &[]),
    ("relay-core/src/b2bua", "crate::media", &["crate::media::control"]),
];

/// Text that has no place in a core, with the reason.
const BANNED_TEXT: &[(&str, &str)] = &[
    ("Instant::now", "a core is told the time; it never asks"),
    ("SystemTime::now", "a core is told the time; it never asks"),
    ("thread_rng", "a core's entropy is a seed"),
    ("rand::rng", "a core's entropy is a seed"),
    ("thread::spawn", "a core runs in its caller"),
    ("thread::sleep", "a core never waits"),
    ("std::net::UdpSocket", "a core opens no socket"),
    ("std::net::TcpStream", "a core opens no socket"),
    ("std::fs::", "a core opens no file"),
    ("println!", "a core prints nothing"),
];

/// A file longer than this is two files.
const LONGEST_FILE: usize = 600;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the tests are a folder of the workspace").to_owned()
}

fn metadata() -> Value {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--locked"])
        // What a crate uses on other platforms only is not in our binaries.
        .args(["--filter-platform", "x86_64-unknown-linux-gnu"])
        .current_dir(root())
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "cargo metadata: {}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("cargo writes JSON")
}

/// The dependency graph without dev- and build-dependencies: package id to the ids it uses.
struct Graph {
    names: BTreeMap<String, String>,
    versions: BTreeMap<String, String>,
    edges: BTreeMap<String, BTreeSet<String>>,
}

impl Graph {
    fn read() -> Self {
        let metadata = metadata();
        let mut graph = Self { names: BTreeMap::new(), versions: BTreeMap::new(), edges: BTreeMap::new() };
        for package in list(&metadata["packages"]) {
            let id = text(&package["id"]);
            graph.names.insert(id.clone(), text(&package["name"]));
            graph.versions.insert(id, text(&package["version"]));
        }
        for node in list(&metadata["resolve"]["nodes"]) {
            let used = list(&node["deps"]).iter().filter(|dep| is_normal(dep)).map(|dep| text(&dep["pkg"]));
            graph.edges.insert(text(&node["id"]), used.collect());
        }
        graph
    }

    fn id(&self, name: &str) -> &str {
        self.names
            .iter()
            .find(|(_, found)| *found == name)
            .map(|(id, _)| id.as_str())
            .unwrap_or_else(|| panic!("{name} is in the workspace"))
    }

    fn direct(&self, name: &str) -> BTreeSet<&str> {
        self.edges[self.id(name)].iter().map(|id| self.names[id].as_str()).collect()
    }

    /// Every crate under `name`, with the path that leads to it.
    fn reachable(&self, name: &str) -> BTreeMap<&str, String> {
        let mut found = BTreeMap::new();
        let mut open = vec![(self.id(name), name.to_owned())];
        while let Some((id, path)) = open.pop() {
            for next in &self.edges[id] {
                let next_name = self.names[next].as_str();
                let next_path = format!("{path} -> {next_name}");
                if !found.contains_key(next_name) {
                    found.insert(next_name, next_path.clone());
                    open.push((next, next_path));
                }
            }
        }
        found
    }
}

fn is_normal(dep: &Value) -> bool {
    list(&dep["dep_kinds"]).iter().any(|kind| kind["kind"].is_null())
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// The sources under `folder`, with their paths from the root.
fn sources(folder: &str, extensions: &[&str]) -> Vec<(String, String)> {
    let mut files = Vec::new();
    let mut open = vec![root().join(folder)];
    while let Some(path) = open.pop() {
        if path.is_dir() {
            let entries = fs::read_dir(&path).expect("a readable folder");
            open.extend(entries.flatten().map(|entry| entry.path()).filter(|path| is_ours(path)));
        } else if path.extension().is_some_and(|found| extensions.iter().any(|wanted| found == *wanted)) {
            let name = path.strip_prefix(root()).expect("under the root").display().to_string();
            files.push((name, fs::read_to_string(&path).expect("a text file")));
        }
    }
    files.sort();
    files
}

fn is_ours(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str());
    !matches!(name, Some("target" | "node_modules" | "dist" | "wasm" | "pkg" | ".cache"))
}

/// The lines of a file that are code outside its unit tests, numbered from one.
fn code(content: &str) -> impl Iterator<Item = (usize, &str)> {
    content
        .lines()
        .take_while(|line| line.trim() != "#[cfg(test)]")
        .enumerate()
        .map(|(index, line)| (index + 1, line.trim()))
        .filter(|(_, line)| !line.starts_with("//"))
}

fn assert_none(found: &[String], rule: &str) {
    assert!(found.is_empty(), "{rule}:\n  {}", found.join("\n  "));
}

#[test]
fn rooms_import_only_the_rooms_below_them() {
    let graph = Graph::read();
    for (room, allowed) in ROOMS {
        let rooms = ROOMS.iter().map(|(name, _)| *name);
        let used: BTreeSet<&str> = graph.direct(room);
        let wrong: Vec<String> = rooms
            .filter(|name| used.contains(name) && !allowed.contains(name))
            .map(|name| format!("{room} -> {name}"))
            .collect();
        assert_none(&wrong, "an import against the arrows");
    }
}

#[test]
fn every_member_of_the_workspace_has_its_place() {
    let metadata = metadata();
    let members: BTreeSet<String> = list(&metadata["workspace_members"]).iter().map(text).collect();
    let graph = Graph::read();
    let strangers: Vec<String> = members
        .iter()
        .map(|id| graph.names[id].clone())
        .filter(|name| !ROOMS.iter().any(|(room, _)| room == name))
        .collect();
    assert_none(&strangers, "a room that this test does not know");
}

#[test]
fn no_runtime_is_reachable_from_a_core() {
    let graph = Graph::read();
    for core in ["sip-core", "relay-core"] {
        let reachable = graph.reachable(core);
        let wrong: Vec<String> = BANNED_FROM_CORES.iter().filter_map(|name| reachable.get(name).cloned()).collect();
        assert_none(&wrong, "a core reaches I/O");
    }
}

#[test]
fn sip_core_needs_tracing_only() {
    let graph = Graph::read();
    let allowed = BTreeSet::from(["tracing"]);
    let wrong: Vec<String> = graph.direct("sip-core").difference(&allowed).map(ToString::to_string).collect();
    assert_none(&wrong, "a new dependency of the browser's code is a decision");
}

#[test]
fn crates_with_a_known_fault_are_nowhere() {
    let graph = Graph::read();
    let mut wrong = Vec::new();
    for (id, name) in &graph.names {
        let version = &graph.versions[id];
        let banned = BANNED
            .iter()
            .any(|(banned, prefix)| banned == name && prefix.is_none_or(|prefix| version.starts_with(prefix)));
        if banned {
            wrong.push(format!("{name} {version}"));
        }
    }
    assert_none(&wrong, "banned (see deny.toml)");
}

#[test]
fn the_parts_of_a_core_import_downwards() {
    let mut wrong = Vec::new();
    for (folder, floors) in FLOORS {
        for (depth, floor) in floors.iter().enumerate() {
            let above: Vec<&str> = floors[..depth].concat();
            for part in *floor {
                wrong.extend(imports(&format!("{folder}/{part}"), &above));
            }
        }
    }
    assert_none(&wrong, "an import upwards");
}

/// Where the sources of a folder import one of `parts` of their crate.
fn imports(folder: &str, parts: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    for (name, content) in sources(folder, &["rs"]) {
        for (number, line) in code(&content) {
            let part = parts.iter().find(|part| line.contains(&format!("crate::{part}::")));
            if let Some(part) = part {
                found.push(format!("{name}:{number} imports {part}"));
            }
        }
    }
    found
}

#[test]
fn strangers_do_not_know_each_other() {
    let mut wrong = Vec::new();
    for (folder, banned, shared) in STRANGERS {
        for (name, content) in sources(folder, &["rs"]) {
            for (number, line) in code(&content) {
                let is_shared = shared.iter().any(|allowed| line.contains(allowed));
                if line.contains(&format!("{banned}::")) && !is_shared {
                    wrong.push(format!("{name}:{number} {line}"));
                }
            }
        }
    }
    assert_none(&wrong, "two parts that must not know each other");
}

#[test]
fn cores_ask_for_nothing() {
    let mut wrong = Vec::new();
    for folder in ["sip-core/src", "relay-core/src"] {
        for (name, content) in sources(folder, &["rs"]) {
            for (number, line) in code(&content) {
                for (banned, reason) in BANNED_TEXT {
                    if line.contains(banned) {
                        wrong.push(format!("{name}:{number} {banned}: {reason}"));
                    }
                }
            }
        }
    }
    assert_none(&wrong, "a core that is not a value");
}

#[test]
fn clippy_watches_the_cores_as_well() {
    for core in ["sip-core", "relay-core"] {
        let rules = fs::read_to_string(root().join(core).join("clippy.toml")).expect("clippy.toml");
        for banned in [
            "std::time::Instant::now",
            "std::time::SystemTime::now",
            "std::thread::spawn",
            "std::collections::HashMap::iter",
            "std::net::UdpSocket",
        ] {
            assert!(rules.contains(banned), "{core}/clippy.toml bans {banned}");
        }
    }
}

#[test]
fn cores_forbid_unsafe_code() {
    for core in ["sip-core", "relay-core"] {
        let lib = fs::read_to_string(root().join(core).join("src/lib.rs")).expect("lib.rs");
        assert!(lib.contains("#![forbid(unsafe_code)]"), "{core}/src/lib.rs forbids unsafe code");
    }
}

#[test]
fn every_room_has_the_one_lint_table() {
    for (room, _) in ROOMS {
        let folder = room.trim_start_matches("switchhook-");
        let manifest = fs::read_to_string(root().join(folder).join("Cargo.toml")).expect("it");
        assert!(manifest.contains("[lints]\nworkspace = true"), "{folder}/Cargo.toml takes the workspace's lints");
    }
}

#[test]
fn files_are_short_and_say_what_they_are() {
    let mut wrong = Vec::new();
    for folder in ["sip-core", "relay-core", "relay-server", "client-wasm", "tests", "npm", "demo-site"] {
        for (name, content) in sources(folder, &["rs", "ts", "mjs"]) {
            let lines = content.lines().count();
            if lines > LONGEST_FILE {
                wrong.push(format!("{name}: {lines} lines, {LONGEST_FILE} at most"));
            }
            let is_part_of_another = name.ends_with("/tests.rs");
            if name.ends_with(".rs") && !is_part_of_another && !content.starts_with("//!") {
                wrong.push(format!("{name}: no //! head"));
            }
        }
    }
    assert_none(&wrong, "a file to talk about");
}

#[test]
fn the_glue_is_written_by_the_tool_of_the_same_version() {
    let pinned = fs::read_to_string(root().join("scripts/versions.sh")).expect("versions.sh");
    let version =
        pinned.lines().find_map(|line| line.strip_prefix("WASM_BINDGEN_VERSION=")).expect("a pinned wasm-bindgen");
    let lock = fs::read_to_string(root().join("Cargo.lock")).expect("Cargo.lock");
    assert!(
        lock.contains(&format!("name = \"wasm-bindgen\"\nversion = \"{version}\"")),
        "scripts/versions.sh and Cargo.lock name the same wasm-bindgen"
    );
}
