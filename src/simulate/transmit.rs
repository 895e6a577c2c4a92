//! Sends datagrams, many per system call if the system supports it.

use std::io;
use std::net::UdpSocket;

/// The most datagrams passed to the system at once.
pub(super) const BATCH: usize = 64;

/// Sends the first of `datagrams` over a connected socket: as many as the system accepts at once, at most [`BATCH`],
/// each as a UDP datagram of its own. Returns how many were sent: at least one, unless there were none.
///
/// If fewer were sent, the next one met an error, which is not reported.
#[cfg(target_os = "linux")]
pub(super) fn send(socket: &UdpSocket, datagrams: &[Vec<u8>]) -> io::Result<usize> {
    use std::io::IoSlice;
    use std::os::fd::AsRawFd;

    use nix::sys::socket::{MsgFlags, MultiHeaders, sendmmsg};

    const CONNECTED: [Option<()>; BATCH] = [None; BATCH];

    let slices: [[IoSlice<'_>; 1]; BATCH] = std::array::from_fn(|place| {
        let bytes: &[u8] = datagrams.get(place).map_or(&[], Vec::as_slice);
        [IoSlice::new(bytes)]
    });
    let length = datagrams.len().min(BATCH);
    let mut headers = MultiHeaders::preallocate(length, None);
    let sent = sendmmsg(
        socket.as_raw_fd(),
        &mut headers,
        &slices[..length],
        CONNECTED,
        [],
        MsgFlags::empty(),
    )?;
    Ok(sent.count())
}

/// As on Linux, but with a system call for each datagram.
#[cfg(not(target_os = "linux"))]
pub(super) fn send(socket: &UdpSocket, datagrams: &[Vec<u8>]) -> io::Result<usize> {
    for (sent, datagram) in datagrams.iter().enumerate() {
        match socket.send(datagram) {
            Ok(_) => {}
            Err(error) if sent == 0 => return Err(error),
            Err(_) => return Ok(sent),
        }
    }
    Ok(datagrams.len())
}

/// Whether this error reports a missing listener for an earlier datagram; Windows has its own code for it.
pub(super) fn is_refusal(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionRefused | ConnectionReset)
}

/// Whether this error comes from the network rather than the caller, so that it may pass.
pub(super) fn may_pass(error: &io::Error) -> bool {
    use io::ErrorKind::{
        ConnectionRefused, ConnectionReset, HostUnreachable, Interrupted, NetworkDown,
        NetworkUnreachable, TimedOut, WouldBlock,
    };
    matches!(
        error.kind(),
        ConnectionRefused
            | ConnectionReset
            | HostUnreachable
            | Interrupted
            | NetworkDown
            | NetworkUnreachable
            | TimedOut
            | WouldBlock
    ) || error.raw_os_error() == Some(NO_BUFFER_SPACE)
}

/// `ENOBUFS`, for which the standard library has no name.
const NO_BUFFER_SPACE: i32 = if cfg!(windows) {
    10055
} else if cfg!(any(target_os = "linux", target_os = "android")) {
    105
} else {
    55
};
