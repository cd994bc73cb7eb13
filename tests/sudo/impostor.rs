//! A process of the target user that claims to be the relay, without the word that only the relay
//! can read.

use std::collections::HashSet;
use std::io::IoSlice;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use std::time::Instant;

use rustix::net::{
    connect, sendmsg, socket, AddressFamily, SendAncillaryBuffer, SendAncillaryMessage, SendFlags,
    SocketAddrUnix, SocketType,
};

use crate::users::{succeed, User};
use crate::{able, lingering, FREE, PASSWORD, PATIENCE};

#[test]
fn an_impostor_is_not_taken_for_the_relay() {
    if !able() {
        return;
    }
    let target = User::new(None, None);
    let rule = format!("Defaults:USER log_input, iolog_dir=/tmp/USER.iolog\n{FREE}");
    let user = User::new(Some(PASSWORD), Some(&rule));
    let host = user.home().join("host");
    let mut impostor = lingering(target.host("impostor", b"").env(HOST, host));
    let until = Instant::now() + PATIENCE;
    // Again if the impostor came too late to the only relay there was.
    while !target.home().join("claimed").exists() {
        assert!(Instant::now() < until, "the impostor meets no relay");
        succeed(user.host("target", PASSWORD).env("PM_TARGET", &target.name));
    }
    impostor.kill().unwrap();
    impostor.wait().unwrap();
    std::fs::remove_dir_all(format!("/tmp/{}.iolog", user.name)).unwrap();
}

/// The program of the only host whose relays are to be met: other tests, and other users of the
/// machine, have relays of their own.
const HOST: &str = "PM_HOST";

/// The role: connects wherever a relay of that host will, says hello, and stays until it is killed;
/// a test that has failed kills nobody.
pub fn play() {
    println!("lingering");
    let host = std::env::var(HOST).unwrap();
    let (mut seen, mut claims) = (HashSet::new(), Vec::new());
    let until = Instant::now() + 2 * PATIENCE;
    while Instant::now() < until {
        for address in addresses(&host) {
            if seen.insert(address.clone()) {
                claims.extend(claim(&address));
            }
        }
        if !claims.is_empty() {
            std::fs::write("claimed", "").unwrap();
        }
    }
}

/// What stands after `relay` on the command line of somebody below this host.
fn addresses(host: &str) -> Vec<Vec<u8>> {
    let processes = std::fs::read_dir("/proc").unwrap().flatten();
    let address = |entry: std::fs::DirEntry| {
        let line = std::fs::read(entry.path().join("cmdline")).ok()?;
        let mut words = line.split(|byte| *byte == 0).skip_while(|word| *word != b"relay");
        let address = words.nth(1)?.to_vec();
        is_below(host, &entry.path()).then_some(address)
    };
    processes.filter_map(address).collect()
}

/// Whether a parent of this process, or a parent of that one, runs this program.
fn is_below(host: &str, process: &Path) -> bool {
    let status = std::fs::read_to_string(process.join("status")).unwrap_or_default();
    let parent = status.lines().find_map(|line| line.strip_prefix("PPid:")).unwrap_or("0").trim();
    let process = Path::new("/proc").join(parent);
    let line = std::fs::read(process.join("cmdline")).unwrap_or_default();
    let is_host = line.split(|byte| *byte == 0).next() == Some(host.as_bytes());
    is_host || (parent != "0" && is_below(host, &process))
}

/// A hello as the keeper's, but for the word.
fn claim(address: &[u8]) -> Option<OwnedFd> {
    let socket = socket(AddressFamily::UNIX, SocketType::SEQPACKET, None).ok()?;
    connect(&socket, &SocketAddrUnix::new_abstract_name(address).ok()?).ok()?;
    let mut hello = [0; 320];
    hello[..8].copy_from_slice(&[0x31, 0x50, 0x4d, 0x4b, 1, 0, 128, 0]);
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    let fds = [socket.as_fd()];
    assert!(control.push(SendAncillaryMessage::ScmRights(&fds)));
    sendmsg(&socket, &[IoSlice::new(&hello)], &mut control, SendFlags::NOSIGNAL).ok()?;
    Some(socket)
}
