//! A datagram a system call, where the system has no `recvmmsg`.

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
    /// A byte longer than the longest datagram that is wanted, so that a longer one shows.
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
            slot: vec![0; max_datagram_bytes + 1],
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
        let (length, sender) = match self.socket.recv_from(&mut self.slot) {
            Ok(received) => received,
            // Windows reports a datagram that was cut as an error with the buffer filled, and a
            // timeout by a kind of its own.
            #[cfg(windows)]
            Err(error) if error.raw_os_error() == Some(WSAEMSGSIZE) => {
                let unknown = std::net::SocketAddr::from(([0, 0, 0, 0], 0));
                (self.slot.len(), unknown)
            }
            Err(error) if error.kind() == io::ErrorKind::TimedOut => {
                return Err(io::ErrorKind::WouldBlock.into());
            }
            Err(error) => return Err(error),
        };
        each(&self.slot[..length], sender.ip());
        Ok(())
    }
}

#[cfg(windows)]
const WSAEMSGSIZE: i32 = 10_040;
