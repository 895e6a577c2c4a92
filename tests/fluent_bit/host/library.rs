//! The plugin and the C part of the host: they are built, loaded, and connected.

use std::{
    ffi::{CStr, c_char, c_int, c_void},
    path::PathBuf,
    process::Command,
    sync::OnceLock,
};

#[cfg(unix)]
use libloading::os::unix::{Library, RTLD_GLOBAL, RTLD_NOW};
#[cfg(windows)]
use libloading::os::windows::Library;

use super::{
    Version,
    functions::{
        Append, GetProperty, LogCheck, LogLine, SetCollector, append, get_property, log_check,
        log_line, set_collector,
    },
};

/// The plugin and the C part of the host.
pub(super) struct Loaded {
    pub(super) helper: Library,
    pub(super) plugin: Library,
}

/// A symbol of a library, of the type that the caller knows it has.
pub(super) fn symbol<F: Copy>(library: &Library, name: &str) -> F {
    // SAFETY: every caller names a function with its type, and the libraries are never unloaded.
    unsafe {
        *library
            .get::<F>(name.as_bytes())
            .unwrap_or_else(|error| panic!("{name}: {error}"))
    }
}

pub(super) fn loaded() -> &'static Loaded {
    static LOADED: OnceLock<Loaded> = OnceLock::new();
    LOADED.get_or_init(|| {
        // SAFETY: loading either library runs no code.
        #[cfg(unix)]
        let (helper, plugin) = unsafe {
            let helper =
                Library::open(Some(helper_file()), RTLD_NOW | RTLD_GLOBAL).expect("helper");
            let plugin = Library::open(Some(plugin_file()), RTLD_NOW).expect("plugin");
            (helper, plugin)
        };
        // SAFETY: loading either library runs no code.
        #[cfg(windows)]
        let (helper, plugin) = unsafe {
            let helper = Library::new(helper_file()).expect("helper");
            (helper, Library::new(plugin_file()).expect("plugin"))
        };
        let connect: unsafe extern "C" fn(GetProperty, LogCheck, LogLine, Append, SetCollector) =
            symbol(&helper, "host_connect");
        // SAFETY: the functions have the types that it expects.
        unsafe { connect(get_property, log_check, log_line, append, set_collector) };
        Loaded { helper, plugin }
    })
}

/// Builds the plugin as documented, without optimisation if this test has none either.
fn plugin_file() -> PathBuf {
    if let Some(file) = std::env::var_os("FLUENT_BIT_PLUGIN") {
        return file.into();
    }
    let output = Command::new(env!("CARGO"))
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .args(["rustc", "--locked", "--lib", "--features", "fluent-bit"])
        .args((!cfg!(debug_assertions)).then_some("--release"))
        .args(["--crate-type", "cdylib", "--message-format", "json"])
        .output()
        .expect("cargo");
    let text = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}{text}");
    let artifacts = text
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok());
    let files = artifacts
        .filter(|artifact: &serde_json::Value| artifact["target"]["name"] == "qlik_sense_events")
        .flat_map(|artifact| {
            artifact["filenames"]
                .as_array()
                .cloned()
                .unwrap_or_default()
        });
    let mut files = files.filter_map(|file| Some(PathBuf::from(file.as_str()?)));
    files
        .find(|file| {
            file.extension()
                .is_some_and(|it| it == "so" || it == "dylib")
        })
        .unwrap_or_else(|| panic!("no library among the artifacts of {errors}"))
}

/// Builds the C part of the host. If that is impossible here, as under Wine, `FLUENT_BIT_HOST` is its path.
fn helper_file() -> PathBuf {
    if let Some(file) = std::env::var_os("FLUENT_BIT_HOST") {
        return file.into();
    }
    let exports = crate::EXPORTS;
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
    let file = folder.join(format!(
        "fluent_bit_host_{exports}_{}.so",
        std::process::id()
    ));
    let mut compile = Command::new("cc");
    compile.args([
        "-shared", "-fPIC", "-std=c11", "-Wall", "-Wextra", "-Werror", "-o",
    ]);
    compile.arg(&file);
    if exports {
        compile.arg("-DEXPORTS");
    }
    compile.arg(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/fluent_bit/host.c"
    ));
    let status = compile
        .status()
        .expect("a C compiler, which Rust links with too");
    assert!(status.success(), "{compile:?}");
    file
}

/// Registers the plugin like a version of the host, and returns its name.
pub fn register(version: Version, hot_reloading: bool) -> String {
    let Loaded { helper, plugin } = loaded();
    let pre: extern "C" fn(c_int) -> c_int = symbol(plugin, "FLBPluginPreRegister");
    assert_eq!(pre(hot_reloading.into()), 0);
    type Register = unsafe extern "C" fn(*mut c_void) -> c_int;
    let host_register: unsafe extern "C" fn(Version, Register, *mut c_char, usize) -> c_int =
        symbol(helper, "host_register");
    let register: Register = symbol(plugin, "FLBPluginRegister");
    let mut name = [0_u8; 64];
    // SAFETY: this is the plugin's function, with space for its name.
    let wrong = unsafe { host_register(version, register, name.as_mut_ptr().cast(), name.len()) };
    assert_eq!(wrong, 0, "{version:?}: see host_register in host.c");
    let name = CStr::from_bytes_until_nul(&name).expect("a name");
    name.to_str().expect("UTF-8").to_owned()
}
