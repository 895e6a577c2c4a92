//! Opening the socket.

use std::{
    io,
    net::{SocketAddr, UdpSocket},
};

use socket2::{Domain, Protocol, SockRef, Socket, Type};

/// An address cannot be listened on.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on UDP {address}: {source}{}", hint(source))]
pub struct BindError {
    /// The address.
    pub address: SocketAddr,
    /// The system's reason.
    #[source]
    pub source: io::Error,
}

fn hint(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::AddrInUse => {
            "; another program listens there: stop it or choose another address"
        }
        io::ErrorKind::AddrNotAvailable => "; no network interface has this address",
        io::ErrorKind::PermissionDenied => "; ports below 1024 need a privilege",
        _ => "",
    }
}

/// The size of a socket's receive buffer in bytes, as the system granted it. Linux reports twice what
/// it was asked for, because it counts its own bookkeeping.
///
/// # Errors
///
/// When the system does not say.
pub fn receive_buffer_bytes(socket: &UdpSocket) -> io::Result<usize> {
    SockRef::from(socket).recv_buffer_size()
}

/// Opens a socket on each address, with a receive buffer of `receive_buffer_bytes` where the system
/// grants it; see [`receive_buffer_bytes`] for what it granted.
///
/// `[::]:port` takes IPv4 too, on every platform, unless there is an IPv4 address with the same
/// port in the list.
///
/// # Errors
///
/// [`BindError`] with the first address that cannot be listened on.
pub fn bind(
    addresses: &[SocketAddr],
    receive_buffer_bytes: usize,
) -> Result<Vec<UdpSocket>, BindError> {
    addresses
        .iter()
        .map(|&address| {
            let only_v6 = addresses
                .iter()
                .any(|other| other.is_ipv4() && other.port() == address.port());
            open(address, only_v6, receive_buffer_bytes)
                .map_err(|source| BindError { address, source })
        })
        .collect()
}

fn open(address: SocketAddr, only_v6: bool, receive_buffer_bytes: usize) -> io::Result<UdpSocket> {
    let socket = Socket::new(
        Domain::for_address(address),
        Type::DGRAM,
        Some(Protocol::UDP),
    )?;
    if address.is_ipv6() {
        socket.set_only_v6(only_v6)?;
    }
    ask_for_buffer(&socket, receive_buffer_bytes);
    socket.bind(&address.into())?;
    Ok(socket.into())
}

/// A system that grants less is no reason not to start: the real size is reported.
fn ask_for_buffer(socket: &Socket, bytes: usize) {
    // A privileged program may go beyond net.core.rmem_max.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    if nix::sys::socket::setsockopt(socket, nix::sys::socket::sockopt::RcvBufForce, &bytes).is_ok()
    {
        return;
    }
    let _ = socket.set_recv_buffer_size(bytes);
}
