//! A process of the target user that claims to be the relay, without the word that only the relay
//! can read.

use std::collections::HashSet;
use std::io::IoSlice;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};

use rustix::net::{
    connect, sendmsg, socket, AddressFamily, SendAncillaryBuffer, SendAncillaryMessage, SendFlags,
    SocketAddrUnix, SocketType,
};

use crate::users::{succeed, User};
use crate::{able, lingering, FREE, PASSWORD};

#[test]
fn an_impostor_is_not_taken_for_the_relay() {
    if !able() {
        return;
    }
    let target = User::new(None, None);
    let rule = format!("Defaults:USER log_input, iolog_dir=/tmp/USER.iolog\n{FREE}");
    let user = User::new(Some(PASSWORD), Some(&rule));
    let mut impostor = lingering(&mut target.host("impostor", b""));
    let has_claimed = || target.home().join("claimed").exists();
    // At least once: it may have claimed to be the relay of another test by now.
    loop {
        succeed(user.host("target", PASSWORD).env("PM_TARGET", &target.name));
        if has_claimed() {
            break;
        }
    }
    impostor.kill().unwrap();
    impostor.wait().unwrap();
    std::fs::remove_dir_all(format!("/tmp/{}.iolog", user.name)).unwrap();
}

/// The role: connects wherever a relay will, says hello, and stays.
pub fn play() {
    println!("lingering");
    let (mut seen, mut claims) = (HashSet::new(), Vec::new());
    loop {
        for address in addresses() {
            if seen.insert(address.clone()) {
                claims.extend(claim(&address));
            }
        }
        if !claims.is_empty() {
            std::fs::write("claimed", "").unwrap();
        }
    }
}

/// What stands after `relay` on somebody's command line.
fn addresses() -> Vec<Vec<u8>> {
    let processes = std::fs::read_dir("/proc").unwrap().flatten();
    let lines = processes.filter_map(|entry| std::fs::read(entry.path().join("cmdline")).ok());
    let address = |line: Vec<u8>| {
        let mut words = line.split(|byte| *byte == 0).skip_while(|word| *word != b"relay");
        words.nth(1).map(<[u8]>::to_vec)
    };
    lines.filter_map(address).collect()
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
