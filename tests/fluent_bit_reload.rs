//! A hot reload of the plugin for Fluent Bit: the host ends the old instance and then starts the new one. These tests
//! have a process of their own, because a reload concerns the whole process.

#[path = "fluent_bit/host/mod.rs"]
#[allow(dead_code, unused_imports, reason = "the other test uses all of it")]
mod host;
#[cfg(feature = "qrs")]
#[allow(dead_code)]
#[path = "support/qrs.rs"]
mod qrs;

use std::{
    fs,
    net::{SocketAddr, UdpSocket},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::Duration,
};

use host::{Instance, Record, Version, await_that, register};

/// Whether the host exports the functions that its own plugins use.
const EXPORTS: bool = cfg!(unix);

/// Only one reload may happen at a time.
fn alone() -> MutexGuard<'static, ()> {
    static RELOADS: Mutex<()> = Mutex::new(());
    RELOADS.lock().unwrap_or_else(PoisonError::into_inner)
}

fn start(user_id: &str) -> String {
    format!("/qseow-proxy-session/;pro2-win1;Start session;LAB;{user_id};;/hub;Start session")
}

/// The users of events, in order.
fn users(records: &[Record]) -> Vec<&str> {
    let users = records
        .iter()
        .map(|record| record.fields["user_id"].as_str());
    users
        .map(|user| user.expect("an event of a user"))
        .collect()
}

/// An address without a listener.
fn free_address() -> SocketAddr {
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a port");
    socket.local_addr().expect("an address")
}

/// Does what the host does in a reload.
fn reload(version: Version, old: Instance, properties: &[(&str, &str)]) -> (Instance, usize) {
    register(version, true);
    old.pause();
    old.pause();
    // The host needs some time until it starts the new instance.
    let ended = old.exit(true).0;
    thread::sleep(Duration::from_millis(100));
    let new = Instance::begin(version, properties).unwrap_or_else(|log| panic!("{log:?}"));
    (new, ended.records().len())
}

fn nothing_is_lost(version: Version, blacklists: [&str; 3]) {
    let address = free_address();
    let of = address.to_string();
    let properties = blacklists.map(|blacklist| [("address", &*of), ("blacklist", blacklist)]);
    let instance = Instance::begin(version, &properties[0]);
    let mut instance = instance.unwrap_or_else(|log| panic!("{log:?}"));
    let (stop, sent) = (
        Arc::new(AtomicBool::new(false)),
        Arc::new(AtomicU64::new(0)),
    );
    let sender = {
        let (stop, sent) = (Arc::clone(&stop), Arc::clone(&sent));
        thread::spawn(move || {
            let socket = UdpSocket::bind("127.0.0.1:0").expect("a port");
            while !stop.load(Ordering::SeqCst) {
                for _ in 0..10 {
                    let number = sent.fetch_add(1, Ordering::SeqCst);
                    let datagram = start(&number.to_string());
                    socket.send_to(datagram.as_bytes(), address).expect("sent");
                }
                thread::sleep(Duration::from_millis(2));
            }
        })
    };
    let mut arrived = 0;
    for properties in &properties[1..] {
        let before = sent.load(Ordering::SeqCst);
        await_that("traffic", || {
            instance.collect();
            sent.load(Ordering::SeqCst) > before + 500
        });
        let (new, records) = reload(version, instance, properties);
        instance = new;
        arrived += records;
    }
    stop.store(true, Ordering::SeqCst);
    sender.join().expect("the sender ends");
    let sent = sent.load(Ordering::SeqCst) as usize;
    let records = instance.records(sent - arrived);
    let expected: Vec<_> = (arrived..sent).map(|number| number.to_string()).collect();
    assert_eq!(users(&records), expected, "in order, each once");
    assert!(arrived > 1_000, "{arrived}");
    instance.exit(false);
    // The port is free again.
    UdpSocket::bind(address).expect("free");
}

#[test]
fn a_reload_of_the_same_configuration_loses_nothing() {
    let _alone = alone();
    nothing_is_lost(Version::V4_0, [r"INTERNAL\*"; 3]);
}

#[test]
fn a_reload_of_another_configuration_loses_nothing() {
    let _alone = alone();
    nothing_is_lost(Version::V5_1, [r"INTERNAL\*", r"INTERNAL\sa_*", ""]);
}

/// Certificates are read again for each request anyway, so they are no reason to begin anew.
#[cfg(feature = "qrs")]
#[test]
fn a_reload_with_certificates_continues() {
    let _alone = alone();
    let folder = tempfile::tempdir().expect("a folder");
    qrs::Site::new().export(folder.path());
    let config = format!(
        "[source]\naddress = \"{}\"\n[transform.app_names.qrs]\nhost = \"127.0.0.1\"\nport = {}\n\
         certificate_file = '{2}/client.pem'\nkey_file = '{2}/client_key.pem'\nroot_file = '{2}/root.pem'\n",
        free_address(),
        qrs::unused_port(),
        folder.path().display()
    );
    let config = host::config_file("certificates", &config);
    let properties = [("config", &*config)];
    let instance = Instance::begin(Version::V5_1, &properties);
    let instance = instance.unwrap_or_else(|log| panic!("{log:?}"));
    assert_eq!(instance.addresses().len(), 1);
    let (instance, _) = reload(Version::V5_1, instance, &properties);
    // A socket that is kept is not reported again.
    let log = instance.log();
    assert_eq!(instance.addresses(), [], "{log:?}");
    instance.exit(false);
}

#[test]
fn a_reload_may_move_an_instance_to_another_address() {
    let _alone = alone();
    let [old, kept, new] = [(); 3].map(|()| free_address().to_string());
    let properties = [("address", &*format!("{old},{kept}"))];
    let instance = Instance::begin(Version::V5_1, &properties);
    let instance = instance.unwrap_or_else(|log| panic!("{log:?}"));
    let properties = [("address", &*format!("{kept} {new}"))];
    let (instance, _) = reload(Version::V5_1, instance, &properties);
    UdpSocket::bind(&old).expect("free");
    for (count, address) in [(1, &kept), (2, &new)] {
        let socket = UdpSocket::bind("127.0.0.1:0").expect("a port");
        socket
            .send_to(start("goran").as_bytes(), address)
            .expect("sent");
        instance.records(count);
    }
    instance.exit(false);
}

/// The host then ends, and nothing will take the waiting events.
#[test]
fn a_failed_reload_counts_waiting_events_and_keeps_the_sessions() {
    let _alone = alone();
    for (blacklist, expected) in [
        // One is refused before anything is taken over, and the other after that.
        ("no-directory", " dropped=1 "),
        ("nowhere", "dropped 1 event that waited for the next input"),
    ] {
        let state_file = host::config_file("sessions", "");
        fs::remove_file(&state_file).expect("removed");
        let address = free_address();
        let config = |files: &str| {
            let sessions = format!("enabled = true\nstate_file = '{state_file}'\n");
            let blacklist = format!("[transform.blacklist]\nfiles = [{files}]\n");
            let text = format!(
                "[source]\naddress = \"{address}\"\n[transform.sessions]\n{sessions}{blacklist}"
            );
            host::config_file("failing", &text)
        };
        let file = config("");
        let old = Instance::begin(Version::V5_1, &[("config", &file)]);
        let old = old.unwrap_or_else(|log| panic!("{log:?}"));
        register(Version::V5_1, true);
        let socket = UdpSocket::bind("127.0.0.1:0").expect("a port");
        let datagram = start("goran");
        socket.send_to(datagram.as_bytes(), address).expect("sent");
        host::await_received(&old);
        drop(old.exit(true));

        let (key, value) = match blacklist {
            "nowhere" => ("config", config("'/nowhere/users.txt'")),
            bad => ("blacklist", bad.to_owned()),
        };
        let address = address.to_string();
        let new = Instance::begin(Version::V5_1, &[("address", &address), (key, &value)]);
        let log = new.err().expect("a refusal");
        assert!(log.iter().any(|line| line.contains(expected)), "{log:?}");
        assert!(log.iter().any(|line| line.contains(" stopped ")), "{log:?}");
        let state = fs::read_to_string(&state_file).expect("the state of sessions");
        assert!(state.contains("goran"), "{state}");
        UdpSocket::bind(address).expect("free");
    }
}

/// A host that is about to end may not process events in time.
#[test]
fn events_that_wait_when_a_reload_is_announced_go_to_the_next_instance() {
    let _alone = alone();
    let address = free_address();
    let of = address.to_string();
    let properties = [("address", &*of)];
    let old = Instance::begin(Version::V4_0, &properties);
    let old = old.unwrap_or_else(|log| panic!("{log:?}"));
    register(Version::V4_0, true);
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a port");
    socket
        .send_to(start("goran").as_bytes(), address)
        .expect("sent");
    host::await_received(&old);
    old.collect();
    old.tick();
    old.pause();
    let ended = old.exit(true).0;
    let new = Instance::begin(Version::V4_0, &properties);
    let new = new.unwrap_or_else(|log| panic!("{log:?}"));
    let kept = new.records(1);
    assert_eq!((ended.record_bytes(), users(&kept)), (0, vec!["goran"]));
    new.exit(false);
}
