//! Datagrams that the system dropped because the receive buffer was full.

use std::net::UdpSocket;

/// The number of datagrams that the system has dropped at this socket since it was opened; `None` where it does not
/// report them.
///
/// Linux says it in `/proc/net/udp` and `/proc/net/udp6`, at the socket's inode, for every drop, while
/// the same number as control data (`SO_RXQ_OVFL`) comes only with the next datagram.
#[cfg(target_os = "linux")]
#[must_use]
pub fn kernel_drops(socket: &UdpSocket) -> Option<u64> {
    let table = match socket.local_addr().ok()? {
        std::net::SocketAddr::V4(_) => "/proc/net/udp",
        std::net::SocketAddr::V6(_) => "/proc/net/udp6",
    };
    let inode = nix::sys::stat::fstat(socket).ok()?.st_ino;
    drops(&std::fs::read_to_string(table).ok()?, inode)
}

/// Other systems count drops for all sockets together, if at all.
#[cfg(not(target_os = "linux"))]
#[must_use]
pub const fn kernel_drops(_: &UdpSocket) -> Option<u64> {
    None
}

/// The last column of the row whose tenth is the inode.
#[cfg(target_os = "linux")]
fn drops(table: &str, inode: u64) -> Option<u64> {
    table.lines().skip(1).find_map(|row| {
        let mut columns = row.split_ascii_whitespace();
        let is_ours = columns.nth(9)?.parse() == Ok(inode);
        is_ours.then(|| columns.last()?.parse().ok()).flatten()
    })
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn drops_are_counted_to_the_datagram() {
        let receiver = UdpSocket::bind("127.0.0.1:0").expect("a port");
        socket2::SockRef::from(&receiver)
            .set_recv_buffer_size(4_096)
            .expect("a small buffer");
        assert_eq!(kernel_drops(&receiver), Some(0));
        let sender = UdpSocket::bind("127.0.0.1:0").expect("a port");
        let address = receiver.local_addr().expect("an address");
        const SENT: u64 = 500;
        for _ in 0..SENT {
            sender.send_to(&[b'x'; 500], address).expect("sent");
        }
        receiver.set_nonblocking(true).expect("not blocking");
        let received = std::iter::from_fn(|| receiver.recv(&mut [0; 500]).ok()).count() as u64;
        assert_eq!(kernel_drops(&receiver), Some(SENT - received));
        assert!(received < SENT);
    }
}
