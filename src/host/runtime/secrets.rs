//! Warns about secret files that more users can read than necessary.

use std::path::Path;

use crate::config::Config;

/// A warning for each secret file that its group or others may read: the private keys for the Qlik Repository Service,
/// the Qlik Proxy Service and engine health, and the key for pseudonyms. Empty on systems without such permissions.
#[must_use]
pub fn warnings(config: &Config) -> Vec<String> {
    let transform = &config.transform;
    let qrs = &transform.app_names.qrs;
    let qps = &transform.sessions.qps;
    let engine_health = &config.engine_health;
    let key_file = &transform.pseudonymize.key_file;
    [
        (
            cfg!(feature = "qrs") && qrs.is_enabled(),
            &qrs.key_file,
            "the private key for the Qlik Repository Service",
        ),
        (
            cfg!(feature = "qrs") && qps.enabled && !qps.key_file.as_os_str().is_empty(),
            &qps.key_file,
            "the private key for the Qlik Proxy Service",
        ),
        (
            cfg!(feature = "qrs")
                && !engine_health.nodes.is_empty()
                && !engine_health.key_file.as_os_str().is_empty(),
            &engine_health.key_file,
            "the private key for engine health",
        ),
        (
            !key_file.as_os_str().is_empty(),
            key_file,
            "the key of the pseudonyms",
        ),
    ]
    .into_iter()
    .filter(|(is_used, ..)| *is_used)
    .filter_map(|(_, file, what)| {
        let mode = readable_mode(file)?;
        let file = file.display();
        Some(format!(
            "{file}: {what} is readable by more than its owner (mode {mode:04o}); make this program's user its owner \
             and run `chmod 600` on it"
        ))
    })
    .collect()
}

/// The mode of a file that its group or others may read.
#[cfg(unix)]
fn readable_mode(file: &Path) -> Option<u32> {
    use std::os::unix::fs::PermissionsExt as _;

    // A missing file, or a folder, is reported where it is read.
    let found = std::fs::metadata(file).ok()?;
    let mode = found.permissions().mode() & 0o7777;
    (found.is_file() && mode & 0o044 != 0).then_some(mode)
}

#[cfg(not(unix))]
fn readable_mode(_: &Path) -> Option<u32> {
    None
}
