//! The Debian package: what is in it, and that what it has runs. It is unpacked into a folder of its own, not installed on
//! this machine.

use std::path::{Path, PathBuf};
use std::process::Command;

/// A folder that goes with the test.
struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// What a program says; it must succeed.
fn said(program: impl AsRef<std::ffi::OsStr>, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output().expect("the program is there");
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{arguments:?}: {out}{err}");
    out.into_owned()
}

fn text(path: &Path) -> &str {
    path.to_str().expect("UTF-8")
}

#[test]
fn the_package_has_a_relay_that_runs_its_unit_and_settings_that_upgrades_keep() {
    let folder = Folder(std::env::temp_dir().join(format!("switchhook-{}-debian", std::process::id())));
    std::fs::create_dir_all(&folder.0).expect("a temporary directory");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../packaging/debian/build.sh");
    said(script, &[env!("CARGO_BIN_EXE_switchhook-relay"), text(&folder.0)]);
    let package = std::fs::read_dir(&folder.0).expect("a folder").next().expect("a package").expect("readable").path();

    assert_eq!(said("dpkg-deb", &["--field", text(&package), "Package"]).trim(), "switchhook-relay");
    let listed = said("dpkg-deb", &["--contents", text(&package)]);
    for (mode, file) in [
        ("drwxr-xr-x root/root", " ./"),
        ("-rwxr-xr-x root/root", "./usr/bin/switchhook-relay"),
        ("-rw-r--r-- root/root", "./usr/lib/systemd/system/switchhook-relay.service"),
        ("-rw-r--r-- root/root", "./etc/switchhook/relay.toml"),
    ] {
        let is_it = |line: &str| line.starts_with(mode) && line.ends_with(file);
        assert!(listed.lines().any(is_it), "{mode} {file} is not in\n{listed}");
    }
    let (control, tree) = (folder.0.join("control"), folder.0.join("tree"));
    said("dpkg-deb", &["--control", text(&package), text(&control)]);
    assert_eq!(std::fs::read_to_string(control.join("conffiles")).expect("a list"), "/etc/switchhook/relay.toml\n");

    said("dpkg-deb", &["--extract", text(&package), text(&tree)]);
    let relay = tree.join("usr/bin/switchhook-relay");
    assert!(said(&relay, &["--version"]).contains(env!("CARGO_PKG_VERSION")));
    let settings = tree.join("etc/switchhook/relay.toml");
    let checked = said(&relay, &["--config", text(&settings), "--next-hop", "pbx.example.com", "--check-config"]);
    assert_eq!(checked.trim(), "The configuration is good.");
    let unit = std::fs::read_to_string(tree.join("usr/lib/systemd/system/switchhook-relay.service")).expect("a unit");
    assert!(unit.contains("ExecStart=/usr/bin/switchhook-relay --config /etc/switchhook/relay.toml\n"), "{unit}");
}
