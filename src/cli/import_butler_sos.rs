//! `import-butler-sos`: converts Butler SOS's configuration to ours and Vector's.

use std::{
    fs::{self, File},
    io::{self, Read, Write},
    net::{IpAddr, ToSocketAddrs},
    path::{Path, PathBuf},
};

use clap::Args;
use qlik_sense_events::import::butler_sos::{self, Import, ImportError, Options};

use super::{
    FAILURE, SUCCESS, USAGE, files,
    print::{print, say},
    texts,
};

const PLUGIN_TOML: &str = "plugin.toml";
const VECTOR_YAML: &str = "vector.yaml";

#[derive(Debug, Args)]
#[command(after_long_help = texts::IMPORT_BUTLER_SOS)]
pub struct ImportButlerSosArgs {
    /// Configuration file of Butler SOS; `-` for standard input
    #[arg(value_name = "CONFIG")]
    file: PathBuf,
    /// Folder for plugin.toml and vector.yaml; without it, both are printed
    ///
    /// Existing files are not overwritten.
    #[arg(long, value_name = "DIR")]
    output_dir: Option<PathBuf>,
    /// Accept datagrams from anywhere if the configuration names no sender's address
    #[arg(long)]
    allow_any_sender: bool,
}

pub fn import_butler_sos(args: &ImportButlerSosArgs) -> u8 {
    let file = args.file.display();
    let bytes = match read(&args.file) {
        Ok(bytes) => bytes,
        Err(error) => {
            say(format_args!(
                "{file}: cannot read the configuration of Butler SOS: {error}"
            ));
            return USAGE;
        }
    };
    let text = match butler_sos::text(bytes) {
        Ok(text) => text,
        Err(problem) => {
            say(format_args!("{file}:{problem}"));
            return USAGE;
        }
    };
    let options = Options {
        plugin_toml: plugin_toml(args.output_dir.as_deref()),
        resolve: look_up,
        allow_any_sender: args.allow_any_sender,
    };
    let import = match butler_sos::import(&text, &options) {
        Ok(import) => import,
        Err(error) => {
            if let ImportError::Problem(problem) = error {
                say(format_args!("{file}:{problem}"));
                return USAGE;
            }
            say(format_args!("{file}: {error}"));
            return FAILURE;
        }
    };
    let Some(folder) = &args.output_dir else {
        let status = print(both(&import));
        if status == SUCCESS {
            say_notes(args, &import);
        }
        return status;
    };
    if let Err(error) = write(folder, &import) {
        say(error);
        return FAILURE;
    }
    say_notes(args, &import);
    say(format_args!(
        "next: qlik-sense-events check {} && vector validate {}",
        folder.join(PLUGIN_TOML).display(),
        folder.join(VECTOR_YAML).display()
    ));
    SUCCESS
}

fn say_notes(args: &ImportButlerSosArgs, import: &Import) {
    for note in &import.notes {
        say(format_args!("{}: {note}", args.file.display()));
    }
}

fn read(file: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    if file == Path::new("-") {
        io::stdin().lock().read_to_end(&mut bytes)?;
    } else {
        files::open(file)?.read_to_end(&mut bytes)?;
    }
    Ok(bytes)
}

/// The name under which Vector is told to look for the file: whole, since Vector runs in a folder of
/// its own.
fn plugin_toml(folder: Option<&Path>) -> String {
    let file = match folder {
        Some(folder) => std::path::absolute(folder)
            .unwrap_or_else(|_| folder.into())
            .join(PLUGIN_TOML),
        None if cfg!(windows) => Path::new(r"C:\ProgramData\qlik-sense-events").join(PLUGIN_TOML),
        None => Path::new("/etc/qlik-sense-events").join(PLUGIN_TOML),
    };
    file.to_string_lossy().into_owned()
}

/// The addresses of a name, IPv4 alone, as for Butler SOS, whose socket knows no other.
fn look_up(name: &str) -> Vec<IpAddr> {
    let found = (name, 0).to_socket_addrs().into_iter().flatten();
    let mut addresses: Vec<IpAddr> = found.map(|found| found.ip()).collect();
    addresses.retain(IpAddr::is_ipv4);
    addresses.sort_unstable();
    addresses.dedup();
    addresses
}

/// Both files, each under a heading.
fn both(import: &Import) -> String {
    format!(
        "# ---------- {PLUGIN_TOML} ----------\n{}\n# ---------- {VECTOR_YAML} ----------\n{}",
        import.plugin_toml, import.vector_yaml
    )
}

/// Writes both files, or neither if one of them exists.
fn write(folder: &Path, import: &Import) -> io::Result<()> {
    fs::create_dir_all(folder).map_err(|error| at(folder, "cannot create the folder", &error))?;
    let files = [
        (folder.join(PLUGIN_TOML), &import.plugin_toml),
        (folder.join(VECTOR_YAML), &import.vector_yaml),
    ];
    if let Some((file, _)) = files.iter().find(|(file, _)| file.exists()) {
        let error = "already exists and is not overwritten; nothing was written";
        return Err(io::Error::other(format!("{}: {error}", file.display())));
    }
    for (file, text) in files {
        // Not overwritten, even if it was created in the meantime.
        let written = File::create_new(&file).and_then(|mut open| open.write_all(text.as_bytes()));
        written.map_err(|error| at(&file, "cannot write the file", &error))?;
        say(format_args!("wrote {}", file.display()));
    }
    Ok(())
}

fn at(path: &Path, what: &str, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {what}: {error}", path.display()))
}
