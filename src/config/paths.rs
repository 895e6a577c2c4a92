//! Paths in a configuration: relative to its folder, and each for one thing.

use std::path::Path;

use super::{Config, WrongValue};

/// The longest path of a Unix socket, in bytes; Linux has room for a few more than the others.
const MAX_SOCKET_BYTES: usize = if cfg!(target_os = "linux") { 107 } else { 103 };

/// A socket of ours is created under a provisional name, which is longer by a dot and a process id.
const PROVISIONAL_BYTES: usize = 8;

/// The options of the repository, the proxies and the engines for one file each.
const CERTIFICATE_FILE: [&str; 3] = [
    "transform.app_names.qrs.certificate_file",
    "transform.sessions.qps.certificate_file",
    "engine_health.certificate_file",
];
const KEY_FILE: [&str; 3] = [
    "transform.app_names.qrs.key_file",
    "transform.sessions.qps.key_file",
    "engine_health.key_file",
];
const ROOT_FILE: [&str; 3] = [
    "transform.app_names.qrs.root_file",
    "transform.sessions.qps.root_file",
    "engine_health.root_file",
];

/// A path: its key, its index in a list, and the path itself.
pub(super) type Named<'c> = (&'static str, Option<usize>, &'c Path);

impl Config {
    /// Makes paths that are relative to the folder of the configuration relative to the current one.
    pub(super) fn place_files(&mut self, folder: &Path) {
        let transform = &mut self.transform;
        let files = transform.blacklist.files.iter_mut();
        let qrs = &mut transform.app_names.qrs;
        let certificates = [
            &mut qrs.certificate_file,
            &mut qrs.key_file,
            &mut qrs.root_file,
        ];
        for file in files
            .chain(&mut transform.app_names.files)
            .chain(certificates)
        {
            *file = folder.join(&*file);
        }
        // Empty where there is to be none.
        for file in [
            &mut transform.pseudonymize.key_file,
            &mut transform.sessions.state_file,
            &mut self.output.unix_stream,
            &mut transform.sessions.qps.certificate_file,
            &mut transform.sessions.qps.key_file,
            &mut transform.sessions.qps.root_file,
            &mut self.engine_health.certificate_file,
            &mut self.engine_health.key_file,
            &mut self.engine_health.root_file,
            &mut self.output.local_socket,
        ] {
            if !file.as_os_str().is_empty() {
                *file = folder.join(&*file);
            }
        }
    }

    /// Paths that cannot be intended.
    pub(super) fn wrong_paths(&self) -> Vec<WrongValue> {
        let mut wrong: Vec<_> = self.shared_paths().collect();
        if cfg!(unix) {
            let output = &self.output;
            let sockets = [
                ("output.unix_stream", &output.unix_stream, 0),
                (
                    "output.local_socket",
                    &output.local_socket,
                    PROVISIONAL_BYTES,
                ),
            ];
            wrong.extend(sockets.into_iter().filter_map(|(key, path, more)| {
                let (bytes, most) = (path.as_os_str().len(), MAX_SOCKET_BYTES - more);
                (bytes > most).then(|| WrongValue {
                    key,
                    index: None,
                    message: format!(
                        "expected a path of at most {most} bytes, the limit of the system for sockets; {} has {bytes}",
                        path.display()
                    ),
                })
            }));
        }
        wrong
    }

    /// The files that are read, by their options.
    pub(super) fn files(&self) -> Vec<Named<'_>> {
        let transform = &self.transform;
        let (qrs, sessions) = (&transform.app_names.qrs, &transform.sessions);
        let (qps, engine_health) = (&sessions.qps, &self.engine_health);
        let has_proxies = !qps.proxies.is_empty() || qrs.is_enabled();
        let asks_proxies = sessions.enabled && qps.enabled && has_proxies;
        let asks_engines = !engine_health.nodes.is_empty();
        let mut files = Vec::new();
        for (key, list) in [
            ("transform.blacklist.files", &transform.blacklist.files),
            ("transform.app_names.files", &transform.app_names.files),
        ] {
            let list = list.iter().enumerate();
            files.extend(list.map(|(index, file)| (key, Some(index), &**file)));
        }
        // The proxies and the engines accept the certificate of the repository.
        let is_shared = |of_proxies: &Path, of_engines: &Path| {
            (asks_proxies && of_proxies.as_os_str().is_empty())
                || (asks_engines && of_engines.as_os_str().is_empty())
        };
        let mut single: Vec<(bool, &'static str, &Path)> = Vec::new();
        for (keys, [of_repository, of_proxies, of_engines]) in [
            (
                CERTIFICATE_FILE,
                [
                    &*qrs.certificate_file,
                    &qps.certificate_file,
                    &engine_health.certificate_file,
                ],
            ),
            (
                KEY_FILE,
                [&*qrs.key_file, &qps.key_file, &engine_health.key_file],
            ),
            (
                ROOT_FILE,
                [&*qrs.root_file, &qps.root_file, &engine_health.root_file],
            ),
        ] {
            let is_used = qrs.is_enabled() || is_shared(of_proxies, of_engines);
            single.extend([
                (is_used, keys[0], of_repository),
                (asks_proxies, keys[1], of_proxies),
                (asks_engines, keys[2], of_engines),
            ]);
        }
        let key_file = &*transform.pseudonymize.key_file;
        single.push((true, "transform.pseudonymize.key_file", key_file));
        let single = single.into_iter();
        let used = single.filter(|(is_used, _, file)| *is_used && !file.as_os_str().is_empty());
        files.extend(used.map(|(_, key, file)| (key, None, file)));
        files
    }

    /// Files that the program writes, and sockets, under a path that another option has too.
    fn shared_paths(&self) -> impl Iterator<Item = WrongValue> {
        let (transform, output) = (&self.transform, &self.output);
        let one = |key, file| (key, None, file);
        let mut named = self.files();
        let read = named.len();
        named.extend([
            one(
                "transform.sessions.state_file",
                &*transform.sessions.state_file,
            ),
            one("output.unix_stream", &output.unix_stream),
            one("output.local_socket", &output.local_socket),
        ]);
        (read..named.len()).filter_map(move |place| {
            let (key, _, path) = named[place];
            let is_same =
                |(_, _, other): &&Named<'_>| !path.as_os_str().is_empty() && *other == path;
            let (other, index, _) = named[..place].iter().find(is_same)?;
            let index = index.map_or_else(String::new, |index| format!("[{index}]"));
            let message = format!("expected a path of its own; `{other}{index}` is the same");
            Some(WrongValue {
                key,
                index: None,
                message,
            })
        })
    }
}
