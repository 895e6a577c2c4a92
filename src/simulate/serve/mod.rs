//! Lets the site of a day answer requests, consistent with its datagrams: the repository, the proxies and the engines
//! of its nodes, over HTTPS with client certificates.

mod answers;
mod certificates;
mod http;

use std::{
    io,
    net::{IpAddr, SocketAddr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use rustls::{ServerConfig, ServerConnection, StreamOwned};

use self::answers::Site;
use super::Day;

/// The most connections that are served at the same time; more are closed at once.
const MAX_CONNECTIONS: usize = 64;

/// How long a client may be silent.
const PATIENCE: Duration = Duration::from_secs(10);

/// The running services of a site's nodes. Dropping it ends them.
#[derive(Debug)]
pub struct Server {
    addresses: Vec<SocketAddr>,
    is_over: Arc<AtomicBool>,
}

/// Why the services cannot start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServeError {
    /// A file of a certificate or key cannot be read or written.
    #[error("{}: {source}", file.display())]
    File {
        /// The file.
        file: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// The path is not a folder.
    #[error(
        "{} is not a folder; name the folder of the certificates, or one that does not exist yet to create them",
        path.display()
    )]
    NoFolder {
        /// The path.
        path: PathBuf,
    },
    /// The folder cannot be created.
    #[error("cannot create the folder {}: {source}", path.display())]
    Create {
        /// The path.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// The folder contains some of the files, but not this one.
    #[error(
        "{} is missing; put client.pem, client_key.pem, root.pem, server.pem and server_key.pem into the folder, or \
         name an empty one to create them",
        file.display()
    )]
    Missing {
        /// The file.
        file: PathBuf,
    },
    /// A certificate or key is invalid, or they do not belong together.
    #[error("the certificates in {} cannot be used: {reason}", folder.display())]
    Unusable {
        /// The folder.
        folder: PathBuf,
        /// What is wrong with them.
        reason: String,
    },
    /// An address cannot be listened on.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// The system's reason.
        source: io::Error,
    },
}

impl Server {
    /// Starts to answer for the nodes of `day`, where it is now the time `from`.
    ///
    /// Each node has a port: the first one that of `address`, and each further one the next; with port 0, each gets a
    /// free port. A port serves all services of its node: `GET /qrs/app`, `/qrs/proxyservice` and
    /// `/qrs/virtualproxyconfig`, with or without `/full`; `/qps/session` and `/qps/{virtual proxy}/session`;
    /// `/engine/healthcheck`.
    ///
    /// `folder` contains `root.pem`, `client.pem` and `client_key.pem`, as the QMC exports them, and `server.pem` and
    /// `server_key.pem`. If it contains none of them, they are created, for `localhost`, the loopback addresses, the IP
    /// address of `address` and the names of the nodes.
    ///
    /// # Errors
    /// [`ServeError`] with the reason.
    pub fn start(
        day: &Arc<Day>,
        from: Duration,
        address: SocketAddr,
        folder: &Path,
    ) -> Result<Self, ServeError> {
        let hosts = day.nodes.hosts();
        let config = Arc::new(certificates::config(folder, hosts, address.ip())?);
        let mut listeners = Vec::new();
        for number in 0..hosts.len() {
            listeners.push(listen(address, number)?);
        }
        let mut addresses = Vec::new();
        for (listener, address) in &listeners {
            let source = |source| ServeError::Listen {
                address: *address,
                source,
            };
            addresses.push(listener.local_addr().map_err(source)?);
        }
        let site = Arc::new(Site {
            day: Arc::clone(day),
            from,
            start: Instant::now(),
            ports: addresses.iter().map(SocketAddr::port).collect(),
        });
        let is_over = Arc::new(AtomicBool::new(false));
        let connections = Arc::new(AtomicUsize::new(0));
        for (node, (listener, _)) in listeners.into_iter().enumerate() {
            let door = Door {
                node,
                site: Arc::clone(&site),
                config: Arc::clone(&config),
                connections: Arc::clone(&connections),
            };
            let is_over = Arc::clone(&is_over);
            thread::spawn(move || {
                for stream in listener.incoming().flatten() {
                    if is_over.load(Ordering::Relaxed) {
                        break;
                    }
                    door.let_in(stream);
                }
            });
        }
        Ok(Self { addresses, is_over })
    }

    /// Creates the folder of the certificates if there is none. [`Server::start`] does so too, but needs a day, which
    /// takes a while to compute.
    ///
    /// # Errors
    /// [`ServeError::NoFolder`] or [`ServeError::Create`].
    pub fn prepare_folder(folder: &Path) -> Result<(), ServeError> {
        certificates::prepare_folder(folder)
    }

    /// The addresses of the nodes, in their order.
    #[must_use]
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
        for address in &self.addresses {
            // This wakes the thread that waits for connections.
            let _ = TcpStream::connect_timeout(address, Duration::from_millis(100));
        }
    }
}

fn listen(first: SocketAddr, number: usize) -> Result<(TcpListener, SocketAddr), ServeError> {
    let mut address = first;
    if first.port() != 0 {
        let port = usize::from(first.port()) + number;
        let port = u16::try_from(port).map_err(|_| ServeError::Listen {
            address: first,
            source: io::Error::other("there are more nodes than ports after it"),
        })?;
        address.set_port(port);
    }
    match TcpListener::bind(address) {
        Ok(listener) => Ok((listener, address)),
        Err(source) => Err(ServeError::Listen { address, source }),
    }
}

/// The port of a node.
#[derive(Clone)]
struct Door {
    node: usize,
    site: Arc<Site>,
    config: Arc<ServerConfig>,
    connections: Arc<AtomicUsize>,
}

impl Door {
    /// Serves a client on a new thread, unless there are too many.
    fn let_in(&self, stream: TcpStream) {
        if self.connections.fetch_add(1, Ordering::Relaxed) >= MAX_CONNECTIONS {
            self.connections.fetch_sub(1, Ordering::Relaxed);
            return;
        }
        let door = self.clone();
        thread::spawn(move || {
            // A client that goes away or is refused is not an error of the site.
            let _ = door.serve(stream);
            door.connections.fetch_sub(1, Ordering::Relaxed);
        });
    }

    fn serve(&self, stream: TcpStream) -> io::Result<()> {
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        let connection =
            ServerConnection::new(Arc::clone(&self.config)).map_err(io::Error::other)?;
        let mut stream = StreamOwned::new(connection, stream);
        let answer = match http::read(&mut stream)? {
            Some(request) => self.site.answer(self.node, &request),
            None => http::Answer::status(400),
        };
        http::write(&mut stream, &answer)?;
        stream.conn.send_close_notify();
        stream.conn.complete_io(&mut stream.sock)?;
        Ok(())
    }
}

/// Whether certificates already name this address, or none could.
fn is_loopback_or_any(address: IpAddr) -> bool {
    address.is_loopback() || address.is_unspecified()
}
