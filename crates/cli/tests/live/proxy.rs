//! What may stand between pgproof and a server: something that answers every client the same, a pooler that drops the
//! settings of a session, and one that gives all sessions the same server process. Clients connect without encryption.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// Listens, and lets `serve` have each connection in a thread of its own. Returns the port.
fn listening(serve: impl Fn(TcpStream) -> Option<()> + Send + Sync + 'static) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let serve = Arc::new(serve);
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let serve = Arc::clone(&serve);
            std::thread::spawn(move || serve(stream));
        }
    });
    port
}

/// A server that has no encryption, and nothing else to say.
pub fn without_encryption() -> u16 {
    listening(|mut client| {
        startup(&mut client)?;
        client.write_all(b"N").ok()
    })
}

/// A server that rejects every session with this SQLSTATE.
pub fn rejecting(sqlstate: &'static str) -> u16 {
    listening(move |mut client| {
        startup(&mut client)?;
        let fields = format!("SFATAL\0VFATAL\0C{sqlstate}\0Mgo away\0\0");
        let length = u32::try_from(fields.len() + 4).ok()?;
        client.write_all(&[b"E", &length.to_be_bytes()[..], fields.as_bytes()].concat()).ok()
    })
}

/// A pooler that ignores the settings with which a session begins.
pub fn dropping_settings(server: u16) -> u16 {
    listening(move |mut client| {
        let message = startup(&mut client)?;
        let mut parts: Vec<&[u8]> = message[8..].split(|byte| *byte == 0).collect();
        let at = parts.chunks(2).position(|pair| pair[0] == b"options")?;
        parts.drain(2 * at..2 * at + 2);
        let kept = parts.join(&0);
        let length = u32::try_from(kept.len() + 8).ok()?;
        let mut server = TcpStream::connect(("127.0.0.1", server)).ok()?;
        server.write_all(&[&length.to_be_bytes(), &message[4..8], &kept].concat()).ok()?;
        let (mut from_client, mut to_server) = (client.try_clone().ok()?, server.try_clone().ok()?);
        std::thread::spawn(move || std::io::copy(&mut from_client, &mut to_server));
        std::io::copy(&mut server, &mut client).map(|_| ()).ok()
    })
}

/// A pooler in transaction mode with one connection to a server that trusts its clients.
pub fn sharing(server: u16) -> u16 {
    type Pool = Option<(TcpStream, Vec<u8>)>;
    let pool: Mutex<Pool> = Mutex::new(None);
    listening(move |mut client| {
        let message = startup(&mut client)?;
        {
            let mut pool = pool.lock().ok()?;
            if pool.is_none() {
                let mut server = TcpStream::connect(("127.0.0.1", server)).ok()?;
                server.write_all(&message).ok()?;
                let greeting = until_ready(&mut server)?;
                *pool = Some((server, greeting));
            }
            client.write_all(&pool.as_ref()?.1).ok()?;
        }
        while let Some(message) = message_of(&mut client).filter(|message| message[0] != b'X') {
            let mut pool = pool.lock().ok()?;
            let (server, _) = pool.as_mut()?;
            server.write_all(&message).ok()?;
            let answer = until_ready(server)?;
            client.write_all(&answer).ok()?;
        }
        Some(())
    })
}

/// The first message of a client, which has no type.
fn startup(client: &mut TcpStream) -> Option<Vec<u8>> {
    let mut length = [0; 4];
    client.read_exact(&mut length).ok()?;
    let mut body = vec![0; u32::from_be_bytes(length) as usize - 4];
    client.read_exact(&mut body).ok()?;
    Some([&length[..], &body].concat())
}

/// One message with its type.
fn message_of(stream: &mut TcpStream) -> Option<Vec<u8>> {
    let mut kind = [0];
    stream.read_exact(&mut kind).ok()?;
    Some([kind.to_vec(), startup(stream)?].concat())
}

/// All messages up to `ReadyForQuery`.
fn until_ready(server: &mut TcpStream) -> Option<Vec<u8>> {
    let mut all = Vec::new();
    loop {
        let message = message_of(server)?;
        all.extend_from_slice(&message);
        if message[0] == b'Z' {
            return Some(all);
        }
    }
}
