//! One address or several.

use std::{
    fmt, io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    ops::Deref,
};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// The addresses to listen on: in a file a string, or a list of strings.
///
/// IP addresses with a port, `0.0.0.0:9997` or `[::]:9997`. Names are rejected, because the address of a name depends
/// on the resolver and may change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Addresses(Vec<SocketAddr>);

/// The text is not an address to listen on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AddressError {
    /// There is only a port.
    #[error("expected an address such as \"0.0.0.0:9997\"; did you mean \"0.0.0.0:{0}\"?")]
    Port(u16),
    /// There is only an IP address.
    #[error("expected an address such as \"0.0.0.0:9997\"; did you mean \"{}\"?", SocketAddr::new(*.0, 9997))]
    Ip(IpAddr),
    /// It is one for many machines: multicast or broadcast.
    #[error(
        "expected an address of this machine, or 0.0.0.0 for all; this is one for many machines"
    )]
    Many,
    /// The port is too large.
    #[error("expected an address such as \"0.0.0.0:9997\", with a port of at most 65535")]
    LargePort,
    /// The interface of a link-local address is missing, or named instead of numbered.
    #[error("{0}")]
    Interface(String),
    /// There is a name instead of an IP address.
    #[error(
        "expected an address such as \"0.0.0.0:9997\" or \"[::]:9997\"; host names are not accepted; write the IP \
         address of `{0}`"
    )]
    Name(String),
    /// It is something else.
    #[error("expected an address such as \"0.0.0.0:9997\" or \"[::]:9997\"")]
    Other,
}

/// Reads an address to listen on, such as `0.0.0.0:9997` or `[::]:9997`.
///
/// # Errors
///
/// [`AddressError`] for any other text.
pub fn address(text: &str) -> Result<SocketAddr, AddressError> {
    if let Some(hint) = interface_hint(text) {
        return Err(AddressError::Interface(hint));
    }
    let address: SocketAddr = text.parse().map_err(|_| {
        if let Ok(port) = text.strip_prefix(':').unwrap_or(text).parse() {
            return AddressError::Port(port);
        }
        if let Ok(ip) = text.trim_matches(['[', ']']).parse() {
            return AddressError::Ip(ip);
        }
        let (name, port) = text.rsplit_once(':').unwrap_or((text, ""));
        let is_number = !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
        if is_number && format!("{name}:0").parse::<SocketAddr>().is_ok() {
            return AddressError::LargePort;
        }
        let is_name = |letter: char| letter.is_ascii_alphanumeric() || "-._".contains(letter);
        if name.contains(|letter: char| letter.is_ascii_alphabetic()) && name.chars().all(is_name) {
            return AddressError::Name(name.to_owned());
        }
        AddressError::Other
    })?;
    if is_for_many(address.ip()) {
        return Err(AddressError::Many);
    }
    Ok(address)
}

/// Whether it is an address for many machines: multicast or broadcast.
#[must_use]
pub fn is_for_many(address: IpAddr) -> bool {
    address.is_multicast() || address == Ipv4Addr::BROADCAST
}

/// What to write instead of a link-local IPv6 address with the name of an interface, `[fe80::1%eth0]:9997`, or without
/// any, `[fe80::1]:9997`.
#[must_use]
pub fn interface_hint(text: &str) -> Option<String> {
    let (address, port) = text.strip_prefix('[')?.split_once("]:")?;
    let (ip, interface) = address.split_once('%').unwrap_or((address, ""));
    if !ip.parse::<Ipv6Addr>().ok()?.is_unicast_link_local() || interface.parse::<u32>().is_ok() {
        return None;
    }
    // Windows finds the interface that has the address.
    if cfg!(windows) && interface.is_empty() {
        return None;
    }
    let instead = if interface.is_empty() {
        ""
    } else {
        " instead of its name"
    };
    let list = if cfg!(windows) {
        "`netsh interface ipv6 show interfaces`"
    } else {
        "`ip link`"
    };
    Some(format!(
        "expected the number of the interface behind the link-local address{instead}, such as [{ip}%2]:{port}; {list} \
         lists the numbers"
    ))
}

/// Why a host name has no address, without the words of the standard library.
#[must_use]
pub fn unresolved(error: &io::Error) -> String {
    let reason = error.to_string();
    let words = "failed to lookup address information: ";
    reason.strip_prefix(words).unwrap_or(&reason).to_owned()
}

impl Addresses {
    /// These addresses.
    #[must_use]
    pub const fn new(addresses: Vec<SocketAddr>) -> Self {
        Self(addresses)
    }

    /// The first pair of addresses that receive the same datagrams: two that are equal, or one that is included in
    /// the other, `0.0.0.0` or `[::]` with the same port. With port 0 each has a port of its own.
    #[must_use]
    pub fn overlap(&self) -> Option<Overlap> {
        self.0.iter().enumerate().find_map(|(place, &second)| {
            let overlaps = |first: &&SocketAddr| {
                first.port() == second.port()
                    && first.is_ipv4() == second.is_ipv4()
                    && (first.ip() == second.ip()
                        || first.ip().is_unspecified()
                        || second.ip().is_unspecified())
            };
            let mut before = self.0[..place].iter().filter(|_| second.port() != 0);
            let first = *before.find(overlaps)?;
            Some(Overlap {
                place,
                first,
                second,
            })
        })
    }
}

/// Two addresses that receive the same datagrams.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Overlap {
    /// The index of the second one.
    pub place: usize,
    /// The one that comes first.
    pub first: SocketAddr,
    /// The one that comes later.
    pub second: SocketAddr,
}

impl fmt::Display for Overlap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { first, second, .. } = self;
        if first == second {
            write!(f, "{second} is given twice; remove one of them")
        } else if first.ip().is_unspecified() {
            write!(f, "{first} includes {second}; remove one of them")
        } else {
            write!(f, "{second} includes {first}; remove one of them")
        }
    }
}

impl Default for Addresses {
    fn default() -> Self {
        Self(vec![SocketAddr::from(([0, 0, 0, 0], 9997))])
    }
}

impl Deref for Addresses {
    type Target = [SocketAddr];

    fn deref(&self) -> &[SocketAddr] {
        &self.0
    }
}

impl Serialize for Addresses {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &*self.0 {
            [address] => address.serialize(serializer),
            addresses => addresses.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Addresses {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AddressesVisitor)
    }
}

struct AddressesVisitor;

impl<'de> de::Visitor<'de> for AddressesVisitor {
    type Value = Addresses;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an address such as \"0.0.0.0:9997\" or \"[::]:9997\", or a list of them")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
        let address = address(text).map_err(E::custom)?;
        Ok(Addresses(vec![address]))
    }

    fn visit_seq<A: de::SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let mut addresses = Vec::new();
        while let Some(Address(address)) = list.next_element()? {
            addresses.push(address);
        }
        Ok(Addresses(addresses))
    }
}

/// An address in a list, checked when it is read, so that the error has its place.
struct Address(SocketAddr);

impl<'de> Deserialize<'de> for Address {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        address(&text).map(Self).map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_overlap_if_they_receive_the_same_datagrams() {
        for (addresses, expected) in [
            (
                &["127.0.0.1:1", "127.0.0.1:1"][..],
                Some((1, "given twice")),
            ),
            (
                &["127.0.0.1:2", "0.0.0.0:1", "127.0.0.1:1"],
                Some((2, "0.0.0.0:1 includes 127.0.0.1:1")),
            ),
            (&["[::1]:1", "[::]:1"], Some((1, "[::]:1 includes [::1]:1"))),
            (&["0.0.0.0:1", "[::]:1", "[::1]:2", "127.0.0.1:2"], None),
            (&["0.0.0.0:0", "0.0.0.0:0", "127.0.0.1:0"], None),
            (&["127.0.0.1:1", "127.0.0.2:1"], None),
        ] {
            let parsed = addresses.iter().map(|text| address(text).expect("valid"));
            let overlap = Addresses::new(parsed.collect()).overlap();
            let found = overlap.map(|overlap| (overlap.place, overlap.to_string()));
            match (&found, expected) {
                (Some((place, message)), Some((at, text))) => {
                    assert_eq!(*place, at, "{addresses:?}");
                    assert!(message.contains(text), "{message}");
                }
                _ => assert_eq!(found.is_some(), expected.is_some(), "{addresses:?}"),
            }
        }
    }

    #[test]
    fn incomplete_addresses_get_a_suggestion() {
        for (text, expected) in [
            ("9997", "did you mean \"0.0.0.0:9997\"?"),
            (":9997", "did you mean \"0.0.0.0:9997\"?"),
            ("127.0.0.1", "did you mean \"127.0.0.1:9997\"?"),
            ("::1", "did you mean \"[::1]:9997\"?"),
            ("localhost:9997", "write the IP address of `localhost`"),
            (
                "sense1.example.com",
                "write the IP address of `sense1.example.com`",
            ),
            ("10.0.0.300:9997", "expected an address such as"),
            ("10.0.0.3:99970", "with a port of at most 65535"),
            ("[::]:999999999999999999999", "with a port of at most 65535"),
            (
                "[fe80::1]:9997",
                "behind the link-local address, such as [fe80::1%2]:9997",
            ),
            (
                "[fe80::1%eth0]:9997",
                "instead of its name, such as [fe80::1%2]:9997",
            ),
            ("*:9997", "expected an address such as"),
            ("", "expected an address such as"),
        ] {
            let error = address(text).expect_err(text).to_string();
            assert!(error.contains(expected), "{text}: {error}");
        }
    }
}
