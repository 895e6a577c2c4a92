//! Many datagrams per system call, where the system has `recvmmsg`.

use std::{
    io::{self, IoSliceMut},
    net::{IpAddr, Ipv4Addr, UdpSocket},
    os::fd::AsRawFd,
    time::Duration,
};

use nix::{
    errno::Errno,
    sys::socket::{MsgFlags, MultiHeaders, SockaddrLike, SockaddrStorage, recvmmsg},
};

use super::BATCH;

/// Reads datagrams from a socket, many at a time. Stays on the thread that made it.
#[derive(Debug)]
pub struct Receiver {
    socket: UdpSocket,
    headers: MultiHeaders<SockaddrStorage>,
    /// One slot a datagram, each a byte longer than the longest that is wanted, so that a longer
    /// one shows.
    slots: Vec<u8>,
    slot_bytes: usize,
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
        let slot_bytes = max_datagram_bytes + 1;
        Ok(Self {
            socket,
            headers: MultiHeaders::preallocate(BATCH, None),
            slots: vec![0; BATCH * slot_bytes],
            slot_bytes,
        })
    }

    /// Waits for datagrams, then hands those that are there to `each`, with their source address,
    /// and says how many there were. A datagram beyond the limit is handed over with one byte more
    /// than the limit.
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::WouldBlock`] when none came in time, and what else the system reports.
    pub fn receive(&mut self, each: impl FnMut(&[u8], IpAddr)) -> io::Result<usize> {
        self.read(MsgFlags::MSG_WAITFORONE, each)
    }

    /// As [`Receiver::receive`], without waiting.
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::WouldBlock`] when there are none, and what else the system reports.
    pub fn receive_waiting(&mut self, each: impl FnMut(&[u8], IpAddr)) -> io::Result<usize> {
        self.read(MsgFlags::MSG_DONTWAIT, each)
    }

    fn read(&mut self, flags: MsgFlags, mut each: impl FnMut(&[u8], IpAddr)) -> io::Result<usize> {
        let mut slots = self.slots.chunks_exact_mut(self.slot_bytes);
        let mut slices: [_; BATCH] =
            std::array::from_fn(|_| [IoSliceMut::new(slots.next().unwrap_or_default())]);
        let messages = recvmmsg(
            self.socket.as_raw_fd(),
            &mut self.headers,
            slices.iter_mut(),
            flags,
            None,
        )
        .map_err(|error| match error {
            // A timeout of the socket shows as EAGAIN, which may differ from EWOULDBLOCK.
            Errno::EAGAIN => io::ErrorKind::WouldBlock.into(),
            other => io::Error::from(other),
        })?;
        let mut count = 0;
        for message in messages {
            let sender = message.address.as_ref().map_or(NO_ADDRESS, ip_address);
            each(message.iovs().next().unwrap_or_default(), sender);
            count += 1;
        }
        Ok(count)
    }
}

/// What a socket without addresses would show; UDP over IP always has one.
const NO_ADDRESS: IpAddr = IpAddr::V4(Ipv4Addr::UNSPECIFIED);

fn ip_address(address: &SockaddrStorage) -> IpAddr {
    if let Some(address) = address.as_sockaddr_in() {
        IpAddr::V4(address.ip())
    } else if let Some(address) = address.as_sockaddr_in6() {
        IpAddr::V6(address.ip())
    } else {
        debug_assert!(address.family().is_none());
        NO_ADDRESS
    }
}
