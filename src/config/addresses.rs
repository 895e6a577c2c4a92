//! One address or several.

use std::{fmt, net::SocketAddr, ops::Deref};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// The addresses to listen on: in a file a string, or a list of strings.
///
/// IP addresses with a port, `0.0.0.0:9997` or `[::]:9997`. Names are refused: which address a name
/// means is for its resolver to say, and may change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Addresses(Vec<SocketAddr>);

impl Addresses {
    /// These addresses.
    #[must_use]
    pub const fn new(addresses: Vec<SocketAddr>) -> Self {
        Self(addresses)
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
        parse(text).map(|address| Addresses(vec![address]))
    }

    fn visit_seq<A: de::SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let mut addresses = Vec::new();
        while let Some(text) = list.next_element::<String>()? {
            addresses.push(parse(&text)?);
        }
        Ok(Addresses(addresses))
    }
}

fn parse<E: de::Error>(text: &str) -> Result<SocketAddr, E> {
    text.parse()
        .map_err(|_| E::invalid_value(de::Unexpected::Str(text), &AddressesVisitor))
}
