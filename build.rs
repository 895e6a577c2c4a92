//! Tells the program what it is built from: version, commit and features. Of the commit a clone knows by git, the
//! package of crates.io by a file.

use std::{env, fs, path::Path, process::Command};

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    if env::var_os("CARGO_FEATURE_CLI").is_none() {
        return;
    }
    let variable = |name| env::var(name).expect("cargo sets it");
    let mut version = variable("CARGO_PKG_VERSION");
    // Builds for development do without, so that a commit does not make cargo build everything anew.
    if variable("PROFILE") == "release"
        && let Some(commit) = of_the_package().or_else(of_the_clone)
    {
        version = format!("{version} ({})", &commit[..commit.len().min(10)]);
    }
    println!("cargo::rustc-env=QLIK_SENSE_EVENTS_VERSION={version}");
    let features = variable("CARGO_CFG_FEATURE");
    let features: Vec<&str> = features
        .split(',')
        .filter(|name| *name != "default")
        .collect();
    println!(
        "cargo::rustc-env=QLIK_SENSE_EVENTS_FEATURES={}",
        features.join(", ")
    );
}

/// What `cargo package` has written down.
fn of_the_package() -> Option<String> {
    const FILE: &str = ".cargo_vcs_info.json";
    if !Path::new(FILE).exists() {
        return None;
    }
    println!("cargo::rerun-if-changed={FILE}");
    let text = fs::read_to_string(FILE).ok()?;
    let (_, rest) = text.split_once("\"sha1\": \"")?;
    hexadecimal(rest.split('"').next()?)
}

/// What git says, where the clone is one of this package and not of another that contains it.
fn of_the_clone() -> Option<String> {
    if !Path::new(".git").exists() {
        return None;
    }
    // Every commit and every checkout adds a line there.
    println!(
        "cargo::rerun-if-changed={}",
        git(&["--git-path", "logs/HEAD"])?
    );
    hexadecimal(&git(&["HEAD"])?)
}

fn git(args: &[&str]) -> Option<String> {
    let output = Command::new("git")
        .arg("rev-parse")
        .args(args)
        .output()
        .ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| text.trim().to_owned())
}

fn hexadecimal(commit: &str) -> Option<String> {
    let is_hexadecimal = commit.bytes().all(|byte| byte.is_ascii_hexdigit());
    (!commit.is_empty() && is_hexadecimal).then(|| commit.to_owned())
}
