//! Receives events with tokio: the decoder is a `tokio-util` codec. `cargo run --example udp_framed`
//!
//! To keep the example self-contained, it sends the datagram to itself.

use futures_util::StreamExt;
use qlik_sense_events::{
    decoding::{Error, QlikSenseDecoder},
    event::Event,
};
use tokio::net::UdpSocket;
use tokio_util::udp::UdpFramed;

const DATAGRAM: &[u8] = b"/qseow-proxy-connection/;pro2-win1;Close connection;LAB;goran;AppAccess;/app/a421f4a2-c311-4ef4-ba41-fe2e6a2b0d69;Websocket connection Closed for session";

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let event = receive_one().await?;
    println!("{event:#?}");
    Ok(())
}

/// Waits for a datagram and returns its event.
pub async fn receive_one() -> Result<Event, Error> {
    let socket = UdpSocket::bind("127.0.0.1:0").await?;
    let address = socket.local_addr()?;
    let mut events = UdpFramed::new(socket, QlikSenseDecoder::default());

    let qlik_sense = UdpSocket::bind("127.0.0.1:0").await?;
    qlik_sense.send_to(DATAGRAM, address).await?;

    // A datagram that cannot be decoded is also an item, `Body::Undecoded`; errors come from the socket.
    let (event, sender) = events.next().await.ok_or("the socket was closed")??;
    assert_eq!(sender, qlik_sense.local_addr()?);
    Ok(event)
}
