//! Opening the socket.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr, UdpSocket},
};

use socket2::{Domain, Protocol, SockRef, Socket, Type};

/// An address cannot be listened on.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on UDP {address}: {source}{}", hint(*address, source))]
pub struct BindError {
    /// The address.
    pub address: SocketAddr,
    /// The system's reason.
    #[source]
    pub source: io::Error,
}

fn hint(address: SocketAddr, error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::AddrInUse => {
            "; another program is listening there: stop it or choose another address"
        }
        io::ErrorKind::AddrNotAvailable => "; no network interface has this address",
        io::ErrorKind::PermissionDenied if address.port() < 1_024 => {
            "; ports below 1024 need a privilege, on Linux CAP_NET_BIND_SERVICE: choose a higher port, or grant it"
        }
        io::ErrorKind::PermissionDenied if cfg!(windows) => {
            "; the system may have reserved the port: `netsh int ipv4 show excludedportrange udp` lists such ports"
        }
        _ => "",
    }
}

/// The size of a socket's receive buffer in bytes, as the system granted it. Linux reports twice what
/// it was asked for, because it counts its own bookkeeping.
///
/// # Errors
///
/// When the system cannot tell.
pub fn receive_buffer_bytes(socket: &UdpSocket) -> io::Result<usize> {
    SockRef::from(socket).recv_buffer_size()
}

/// The sockets of one address.
#[derive(Debug)]
pub struct Bound {
    /// The address, with the port that the system chose if 0 was requested.
    pub address: SocketAddr,
    /// One socket a worker.
    pub sockets: Vec<UdpSocket>,
}

/// Opens `workers` sockets on each address, each with a receive buffer of `receive_buffer_bytes` if the system grants
/// it; see [`receive_buffer_bytes`] for what it granted.
///
/// `[::]:port` takes IPv4 too, on every platform, unless there is an IPv4 address with the same
/// port in the list. Several sockets on one address need `SO_REUSEPORT`, which Windows does not have.
///
/// # Errors
///
/// [`BindError`] with the first address that cannot be listened on.
pub fn bind(
    addresses: &[SocketAddr],
    workers: usize,
    receive_buffer_bytes: usize,
) -> Result<Vec<Bound>, BindError> {
    addresses
        .iter()
        .map(|&address| {
            let only_v6 = addresses
                .iter()
                .any(|other| other.is_ipv4() && other.port() == address.port());
            let open = |address, is_shared| open(address, only_v6, is_shared, receive_buffer_bytes);
            share(address, workers, open).map_err(|source| BindError { address, source })
        })
        .collect()
}

/// The sockets that the service manager has opened for this program (`LISTEN_FDS`). They outlive it, so that
/// datagrams wait in them during a restart. Empty if there are no such sockets.
///
/// # Errors
///
/// When what was handed over is no UDP socket.
pub fn activated(receive_buffer_bytes: usize) -> io::Result<Vec<Bound>> {
    let mut handed_over = listenfd::ListenFd::from_env();
    let mut bound = Vec::new();
    for place in 0..handed_over.len() {
        let socket = handed_over.take_udp_socket(place)?.ok_or_else(|| {
            io::Error::other(format!(
                "socket {place} of those handed over is already taken"
            ))
        })?;
        socket.set_nonblocking(false)?;
        enlarge_buffer(&socket, receive_buffer_bytes);
        bound.push(Bound {
            address: socket.local_addr()?,
            sockets: vec![socket],
        });
    }
    Ok(bound)
}

/// Requests a larger buffer if that helps. A service manager is granted more than an unprivileged program, whose
/// request could make the buffer smaller.
fn enlarge_buffer(socket: &UdpSocket, bytes: usize) {
    let granted = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|probe| {
        ask_for_buffer(&probe, bytes);
        self::receive_buffer_bytes(&probe)
    });
    if let (Ok(granted), Ok(now)) = (granted, self::receive_buffer_bytes(socket))
        && granted > now
    {
        ask_for_buffer(socket, bytes);
    }
}

fn share(
    address: SocketAddr,
    workers: usize,
    open: impl Fn(SocketAddr, bool) -> io::Result<UdpSocket>,
) -> io::Result<Bound> {
    // Alone, so that an address that another program shares is taken, and port 0 becomes a port. It stays open: a
    // moment without a socket would lose datagrams, or the port.
    let first = open(address, false)?;
    let address = first.local_addr()?;
    if workers > 1 {
        share_port(&SockRef::from(&first))?;
    }
    let mut sockets = vec![first];
    for _ in 1..workers {
        sockets.push(open(address, true)?);
    }
    Ok(Bound { address, sockets })
}

fn open(
    address: SocketAddr,
    only_v6: bool,
    is_shared: bool,
    receive_buffer_bytes: usize,
) -> io::Result<UdpSocket> {
    let socket = Socket::new(
        Domain::for_address(address),
        Type::DGRAM,
        Some(Protocol::UDP),
    )?;
    if address.is_ipv6() {
        socket.set_only_v6(only_v6)?;
    }
    if is_shared {
        share_port(&socket)?;
    }
    ask_for_buffer(&socket, receive_buffer_bytes);
    socket.bind(&address.into())?;
    Ok(socket.into())
}

#[cfg(unix)]
fn share_port(socket: &Socket) -> io::Result<()> {
    socket.set_reuse_port(true)
}

#[cfg(not(unix))]
fn share_port(_: &Socket) -> io::Result<()> {
    Err(io::Error::new(
        io::ErrorKind::Unsupported,
        "this system cannot spread datagrams over several workers; set source.workers = 1",
    ))
}

/// Asks for a receive buffer of this size. A system that grants less is no reason not to start: the real
/// size is reported.
#[cfg(unix)]
pub fn ask_for_buffer(socket: &impl std::os::fd::AsFd, bytes: usize) {
    // A privileged program may go beyond net.core.rmem_max.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    if nix::sys::socket::setsockopt(socket, nix::sys::socket::sockopt::RcvBufForce, &bytes).is_ok()
    {
        return;
    }
    ask_for_less(SockRef::from(socket), bytes);
}

/// Asks for a receive buffer of this size. A system that grants less is no reason not to start: the real
/// size is reported.
#[cfg(windows)]
pub fn ask_for_buffer(socket: &impl std::os::windows::io::AsSocket, bytes: usize) {
    ask_for_less(SockRef::from(socket), bytes);
}

/// Linux grants what it can of a wish that is too large; other systems refuse it whole.
fn ask_for_less(socket: SockRef<'_>, mut bytes: usize) {
    let now = socket.recv_buffer_size().unwrap_or(0);
    while socket.set_recv_buffer_size(bytes).is_err() {
        bytes /= 2;
        if bytes <= now {
            return;
        }
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn no_program_can_take_the_port_between_the_first_socket_and_the_others() {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let bound = share(address, 3, |address, is_shared| {
            if is_shared {
                let taken = UdpSocket::bind(address).expect_err("the port is taken");
                assert_eq!(taken.kind(), io::ErrorKind::AddrInUse);
            }
            open(address, false, is_shared, 4_096)
        });
        let bound = bound.expect("a port");
        assert_eq!(bound.sockets.len(), 3);
        UdpSocket::bind(bound.address).expect_err("the port is taken");
    }

    /// Whichever of them the system gives a sender to, it is one that somebody reads.
    #[test]
    fn all_sockets_of_an_address_receive() {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let bound = bind(&[address], 2, 4_096).expect("a port").remove(0);
        for socket in &bound.sockets {
            socket.set_nonblocking(true).expect("set");
        }
        let mut seen = [0, 0];
        while seen.contains(&0) {
            // A port of its own each time, by which the system chooses.
            let sender = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
            sender.send_to(b"x", bound.address).expect("sent");
            for (socket, seen) in bound.sockets.iter().zip(&mut seen) {
                *seen += u32::from(socket.recv(&mut [0]).is_ok());
            }
        }
    }

    #[test]
    fn advice_about_a_privilege_is_only_for_the_ports_that_need_one() {
        let refused = |port| {
            let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
            let source = io::ErrorKind::PermissionDenied.into();
            BindError { address, source }.to_string()
        };
        let advice = "choose a higher port, or grant it";
        assert!(refused(514).ends_with(advice), "{}", refused(514));
        assert!(!refused(9_997).contains(advice), "{}", refused(9_997));
    }

    #[test]
    fn an_address_in_use_leaves_the_one_before_it_free() {
        let taken = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        let taken = taken
            .local_addr()
            .map(|address| (taken, address))
            .expect("its address");
        let first = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        let free = first.local_addr().expect("its address");
        drop(first);
        let refused = bind(&[free, taken.1], 2, 4_096).expect_err("one is taken");
        assert_eq!(refused.address, taken.1);
        UdpSocket::bind(free).expect("the other one is free");
    }
}
