//! One datagram per system call, where the system has no `recvmmsg`.

use std::{
    io,
    net::{IpAddr, UdpSocket},
    time::Duration,
};

use super::BATCH;

/// Reads datagrams from a socket, as many as are there. Stays on the thread that made it.
#[derive(Debug)]
pub struct Receiver {
    socket: UdpSocket,
    max_datagram_bytes: usize,
    /// Room for the longest datagram there can be. Windows fails to read one that it has to cut, and does not say who
    /// sent it.
    slot: Vec<u8>,
}

impl Receiver {
    /// A receiver of datagrams of up to `max_datagram_bytes`. [`Receiver::receive`] waits at most
    /// `patience` for the first one.
    ///
    /// # Errors
    ///
    /// When the system refuses the timeout.
    pub fn new(
        socket: UdpSocket,
        max_datagram_bytes: usize,
        patience: Duration,
    ) -> io::Result<Self> {
        socket.set_read_timeout(Some(patience))?;
        Ok(Self {
            socket,
            max_datagram_bytes,
            slot: vec![0; LONGEST.max(max_datagram_bytes + 1)],
        })
    }

    /// Waits for datagrams, then hands those that are there to `each`, with their source address,
    /// and says how many there were. A datagram beyond the limit is handed over with one byte more
    /// than the limit.
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::WouldBlock`] when none came in time, and what else the system reports.
    pub fn receive(&mut self, mut each: impl FnMut(&[u8], IpAddr)) -> io::Result<usize> {
        self.one(&mut each)?;
        match self.receive_waiting(each) {
            Ok(more) => Ok(1 + more),
            Err(_) => Ok(1),
        }
    }

    /// As [`Receiver::receive`], without waiting.
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::WouldBlock`] when there are none, and what else the system reports.
    pub fn receive_waiting(&mut self, mut each: impl FnMut(&[u8], IpAddr)) -> io::Result<usize> {
        self.socket.set_nonblocking(true)?;
        let mut count = 0;
        let ended = loop {
            match self.one(&mut each) {
                Ok(()) if count + 1 == BATCH => break Ok(BATCH),
                Ok(()) => count += 1,
                Err(error) if count == 0 => break Err(error),
                Err(_) => break Ok(count),
            }
        };
        self.socket.set_nonblocking(false)?;
        ended
    }

    fn one(&mut self, each: &mut impl FnMut(&[u8], IpAddr)) -> io::Result<()> {
        let (length, sender) = loop {
            match self.socket.recv_from(&mut self.slot) {
                Ok(received) => break received,
                // Windows reports to a socket that something it sent did not arrive (WSAECONNRESET). That does not
                // concern what it receives, and each of these errors comes once.
                Err(error) if error.kind() == io::ErrorKind::ConnectionReset => {}
                // What Windows calls a timeout.
                Err(error) if error.kind() == io::ErrorKind::TimedOut => {
                    return Err(io::ErrorKind::WouldBlock.into());
                }
                Err(error) => return Err(error),
            }
        };
        let shown = length.min(self.max_datagram_bytes + 1);
        each(&self.slot[..shown], sender.ip());
        Ok(())
    }
}

/// No UDP datagram is longer, over IPv4 or IPv6.
const LONGEST: usize = 65_535;

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use super::*;

    fn receiver(socket: &UdpSocket) -> Receiver {
        let socket = socket.try_clone().expect("a socket");
        Receiver::new(socket, 100, Duration::from_millis(10)).expect("a receiver")
    }

    #[test]
    fn what_is_there_is_read_at_once() {
        let socket = UdpSocket::bind("127.0.0.1:0").expect("a port");
        let to = socket.local_addr().expect("an address");
        let mut receiver = receiver(&socket);
        for length in 0..10 {
            socket.send_to(&vec![b'x'; length], to).expect("sent");
        }
        socket.send_to(&[b'x'; 60_000], to).expect("sent");
        let mut lengths = Vec::new();
        let received = receiver.receive(|datagram, sender| {
            assert_eq!(sender, to.ip());
            lengths.push(datagram.len());
        });
        assert_eq!(received.expect("datagrams"), 11);
        assert_eq!(lengths, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 101]);
        let nothing = receiver.receive(|_, _| ()).expect_err("nothing is there");
        assert_eq!(nothing.kind(), io::ErrorKind::WouldBlock);
    }

    #[test]
    fn a_datagram_sent_to_a_closed_port_does_not_stop_receiving() {
        let nobody = UdpSocket::bind("127.0.0.1:0").expect("a port");
        let nobody: SocketAddr = nobody.local_addr().expect("an address");
        let socket = UdpSocket::bind("127.0.0.1:0").expect("a port");
        let mut receiver = receiver(&socket);
        for _ in 0..3 {
            socket.send_to(b"x", nobody).expect("sent");
        }
        let to = socket.local_addr().expect("an address");
        socket.send_to(b"x", to).expect("sent");
        assert_eq!(receiver.receive(|_, _| ()).expect("the last one"), 1);
    }
}
