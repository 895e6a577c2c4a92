//! The part of HTTP that one request and its response need. A connection serves one request.

use std::io::{self, Read, Write};

/// The longest head of a request, in bytes.
const MAX_HEAD: usize = 16 << 10;

/// The parts of a request's head that the site needs.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) method: String,
    /// The path without its query.
    pub(super) path: String,
    query: String,
    /// Names and values.
    headers: Vec<(String, String)>,
}

/// A response.
#[derive(Debug)]
pub(super) struct Answer {
    status: u16,
    body: String,
}

impl Answer {
    pub(super) fn json(body: &serde_json::Value) -> Self {
        Self {
            status: 200,
            body: body.to_string(),
        }
    }

    pub(super) const fn status(status: u16) -> Self {
        Self {
            status,
            body: String::new(),
        }
    }
}

impl Request {
    /// The value of a parameter of the query, ignoring the case of its name.
    pub(super) fn parameter(&self, name: &str) -> Option<&str> {
        let mut pairs = self
            .query
            .split('&')
            .filter_map(|pair| pair.split_once('='));
        pairs.find_map(|(key, value)| key.eq_ignore_ascii_case(name).then_some(value))
    }

    /// The value of a header, ignoring the case of its name.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        headers.find_map(|(key, value)| key.eq_ignore_ascii_case(name).then_some(&**value))
    }
}

/// Reads the head of a request; `None` if it is invalid or too long.
pub(super) fn read(stream: &mut impl Read) -> io::Result<Option<Request>> {
    let mut head = Vec::new();
    let mut buffer = [0; 2048];
    loop {
        let length = stream.read(&mut buffer)?;
        if length == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        head.extend_from_slice(&buffer[..length]);
        let mut headers = [httparse::EMPTY_HEADER; 64];
        let mut request = httparse::Request::new(&mut headers);
        match request.parse(&head) {
            Ok(httparse::Status::Complete(_)) => return Ok(Some(of(&request))),
            Ok(httparse::Status::Partial) if head.len() < MAX_HEAD => {}
            _ => return Ok(None),
        }
    }
}

fn of(request: &httparse::Request<'_, '_>) -> Request {
    let (path, query) = request
        .path
        .unwrap_or_default()
        .split_once('?')
        .unwrap_or((request.path.unwrap_or_default(), ""));
    let header = |header: &httparse::Header<'_>| {
        let value = String::from_utf8_lossy(header.value);
        (header.name.to_owned(), value.into_owned())
    };
    Request {
        method: request.method.unwrap_or_default().to_owned(),
        path: path.to_owned(),
        query: query.to_owned(),
        headers: request.headers.iter().map(header).collect(),
    }
}

pub(super) fn write(stream: &mut impl Write, answer: &Answer) -> io::Result<()> {
    let Answer { status, body } = answer;
    let reason = match status {
        200 => "OK",
        400 => "Bad Request",
        403 => "Forbidden",
        404 => "Not Found",
        _ => "Method Not Allowed",
    };
    let length = body.len();
    write!(
        stream,
        "HTTP/1.1 {status} {reason}\r\nContent-Type: application/json; charset=utf-8\r\n\
         Content-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    )?;
    stream.flush()
}
