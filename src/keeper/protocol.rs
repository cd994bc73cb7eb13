//! The control protocol between the library and its keeper, in both directions and all modes.
//!
//! Owned by nobody: plain data without I/O, `no_std`, compiled into the library and, by `#[path]`,
//! into the freestanding keeper, so that the two can never disagree. One record is one packet of a
//! `SOCK_SEQPACKET` socket, always [`LEN`] bytes, little-endian; descriptors travel beside it.

/// Raised whenever a record changes its meaning; a record of another version is refused.
pub const VERSION: u16 = 1;
/// Bytes of one record.
pub const LEN: usize = 320;
/// Bytes of text a record can carry: one name of a directory entry, or 64 process ids.
pub const TEXT: usize = 256;

const MAGIC: u32 = 0x4b4d_5031;
const VALUES_AT: usize = 16;
const TEXT_AT: usize = 64;

/// What a record says. The comment names the values, the text and the descriptors that go with it.
pub mod kind {
    /// To the watcher: a process group. Values: pgid. Descriptors: pidfd of its leader.
    pub const ADD_GROUP: u16 = 1;
    /// To the watcher: a cgroup with all below it. Text: name. Descriptors: parent, itself.
    pub const ADD_CGROUP: u16 = 3;
    /// To the watcher: a directory to remove. Text: name. Descriptors: parent, itself.
    pub const ADD_DIRECTORY: u16 = 4;
    /// To the watcher: forget the entry.
    pub const REMOVE: u16 = 5;
    /// To the watcher: end the entry now, then say `FINISHED`.
    pub const FINISH: u16 = 6;
    /// To the watcher: forget all entries that are not being ended, and go.
    pub const GOODBYE: u16 = 7;

    /// From the watcher: it stands and watches. Values: its pid. Descriptors: its own pidfd.
    pub const READY: u16 = 32;
    /// From the watcher: an entry is gone. Values: 0, or 1 if it gave up.
    pub const FINISHED: u16 = 33;
    /// From the watcher: an entry could not be taken. Values: errno.
    pub const REFUSED: u16 = 34;

    /// To the guard: signal every descendant. Values: signal.
    pub const SIGNAL: u16 = 64;
    /// To the guard: kill until nothing is left.
    pub const KILL: u16 = 65;
    /// To the guard: name who is alive.
    pub const SURVEY: u16 = 66;
    /// To the guard: the tree outlives the host from now on.
    pub const DETACH: u16 = 67;
    /// To the guard in a PID namespace: `STARTED` was seen; before that it reaps nobody.
    pub const SEEN: u16 = 68;

    /// From the guard: the command runs. Values: pid. Descriptors: its pidfd.
    pub const STARTED: u16 = 96;
    /// From the guard: the command could not be started. Values: step, errno, candidate.
    pub const FAILED: u16 = 97;
    /// From the guard: the command ended. Values: wait status, user and system time in
    /// microseconds, peak memory in KiB, 1 if the tree is empty (no `EMPTY` follows then).
    pub const EXITED: u16 = 98;
    /// From the guard: waitid(2) said ECHILD, nothing is left of the tree.
    pub const EMPTY: u16 = 99;
    /// From the guard: who is alive. Values: how many. Text: the first ids, 4 bytes each.
    pub const ALIVE: u16 = 100;
    /// From the guard: the command has ended, the rest is left alone as asked, the guard goes.
    pub const LEFT: u16 = 101;

    /// From the relay: sudo has started it. Text: the word it was given, where it has connected by
    /// itself. Descriptors: its own pidfd.
    pub const HELLO: u16 = 128;
    /// To the relay, first: keep the socket clear of these. Values: highest descriptor to come.
    pub const BEGIN: u16 = 129;
    /// To the relay: a descriptor of the command. Values: its number there. Descriptors: it.
    pub const PLACE: u16 = 130;
    /// To the relay: go there. Descriptors: the host's working directory.
    pub const DIRECTORY: u16 = 131;
    /// To the relay: the strings of a guard's start, each ended by NUL; the first is the working
    /// directory or empty. Values: how many arguments, how many variables, bytes. Descriptors:
    /// the file that holds them.
    pub const STRINGS: u16 = 132;
    /// To the relay. Values: the file mode creation mask.
    pub const UMASK: u16 = 133;
    /// To the relay. Values: the nice value.
    pub const NICE: u16 = 134;
    /// To the relay. Text: the set of CPUs as the kernel takes it.
    pub const CPUS: u16 = 135;
    /// To the relay. Values: resource, soft limit, hard limit.
    pub const LIMIT: u16 = 136;
    /// To the relay, last: become the guard of the command and start it.
    pub const GO: u16 = 137;
}

/// The host, as a guard is told of it.
pub mod host {
    /// It has no number in the guard's PID namespace: its pidfd is the descriptor behind the socket.
    pub const NO_NUMBER: i64 = 0;
}

/// What the guard does with descendants that outlive the command.
pub mod rest {
    /// Wait for the host's word.
    pub const KEEP: i64 = 1;
    /// Leave them alone.
    pub const LEAVE: i64 = 2;
}

/// The process group of a guarded command; a positive number is a group to join.
pub mod group {
    /// A group of its own.
    pub const OWN: i64 = 0;
    /// A session of its own.
    pub const SESSION: i64 = -1;
}

/// The step of a guarded start that failed.
pub mod step {
    /// The guard is not a child of the host it was made for.
    pub const HOST: i64 = 1;
    /// clone(2).
    pub const CLONE: i64 = 2;
    /// setpgid(2) or setsid(2).
    pub const GROUP: i64 = 3;
    /// execve(2).
    pub const EXEC: i64 = 4;
    /// chdir(2).
    pub const CHDIR: i64 = 5;
    /// Putting descriptors in their places.
    pub const DESCRIPTORS: i64 = 6;
    /// prlimit(2).
    pub const LIMIT: i64 = 7;
    /// setpriority(2).
    pub const NICE: i64 = 8;
    /// sched_setaffinity(2).
    pub const AFFINITY: i64 = 9;
}

/// One record.
#[derive(Clone)]
pub struct Record {
    /// One of [`kind`].
    pub kind: u16,
    /// Which entry of the watcher is meant: a small number that the host chooses.
    pub id: u32,
    /// Numbers, as [`kind`] says.
    pub values: [i64; 6],
    text: [u8; TEXT],
    text_len: usize,
}

impl Record {
    /// A record without text.
    pub fn new(kind: u16, id: u32, values: &[i64]) -> Self {
        let mut record = Self { kind, id, values: [0; 6], text: [0; TEXT], text_len: 0 };
        for (slot, value) in record.values.iter_mut().zip(values) {
            *slot = *value;
        }
        record
    }

    /// Adds the text; false, and no text, if it is too long.
    pub fn set_text(&mut self, text: &[u8]) -> bool {
        let Some(room) = self.text.get_mut(..text.len()) else { return false };
        room.copy_from_slice(text);
        self.text_len = text.len();
        true
    }

    /// The text.
    pub fn text(&self) -> &[u8] {
        self.text.get(..self.text_len).unwrap_or_default()
    }

    /// The packet that carries the record.
    pub fn encode(&self) -> [u8; LEN] {
        let mut packet = [0; LEN];
        put(&mut packet, 0, &MAGIC.to_le_bytes());
        put(&mut packet, 4, &VERSION.to_le_bytes());
        put(&mut packet, 6, &self.kind.to_le_bytes());
        put(&mut packet, 8, &self.id.to_le_bytes());
        put(&mut packet, 12, &(self.text_len as u16).to_le_bytes());
        for (index, value) in self.values.iter().enumerate() {
            put(&mut packet, VALUES_AT + index * 8, &value.to_le_bytes());
        }
        put(&mut packet, TEXT_AT, self.text());
        packet
    }

    /// The record in a packet; nothing if it is not of this protocol and version.
    pub fn decode(packet: &[u8]) -> Option<Self> {
        let packet: &[u8; LEN] = packet.try_into().ok()?;
        let known = u32::from_le_bytes(take(packet, 0)?) == MAGIC
            && u16::from_le_bytes(take(packet, 4)?) == VERSION;
        if !known {
            return None;
        }
        let mut record = Self::new(u16::from_le_bytes(take(packet, 6)?), 0, &[]);
        record.id = u32::from_le_bytes(take(packet, 8)?);
        for (index, value) in record.values.iter_mut().enumerate() {
            *value = i64::from_le_bytes(take(packet, VALUES_AT + index * 8)?);
        }
        let length = usize::from(u16::from_le_bytes(take(packet, 12)?));
        record.set_text(packet.get(TEXT_AT..TEXT_AT.checked_add(length)?)?).then_some(record)
    }
}

fn put(packet: &mut [u8; LEN], at: usize, bytes: &[u8]) {
    if let Some(room) = packet.get_mut(at..at + bytes.len()) {
        room.copy_from_slice(bytes);
    }
}

fn take<const N: usize>(packet: &[u8; LEN], at: usize) -> Option<[u8; N]> {
    packet.get(at..at + N)?.try_into().ok()
}
