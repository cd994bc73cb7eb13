//! One HTTP request over loopback, to show that the server really serves.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::time::Duration;

/// Fetches `path` from the server at `port`; returns the status line and the size of the answer.
pub fn get(port: u16, path: &str) -> io::Result<String> {
    let mut server = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
    server.set_read_timeout(Some(Duration::from_secs(10)))?;
    write!(server, "GET {path} HTTP/1.0\r\nHost: localhost\r\n\r\n")?;
    let mut answer = String::new();
    server.read_to_string(&mut answer)?;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
    let status = head.lines().next().unwrap_or_default();
    if !status.contains(" 200 ") {
        return Err(io::Error::other(format!("the server answered {status:?}")));
    }
    Ok(format!("{status}, {} bytes", body.len()))
}
