//! The watcher's table of what it has to end: a slot per id, in memory of its own that grows.

use crate::process;

/// The largest id that is accepted, so that a broken host cannot make the table eat the machine.
pub const MOST: u32 = 1 << 20;

/// What kind of thing an entry is.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Kind {
    /// A free slot; fresh memory is full of them.
    Free = 0,
    Group,
    Cgroup,
    Directory,
}

/// One thing to end. All zero is a valid value, since fresh memory is.
#[repr(C)]
pub struct Entry {
    pub kind: Kind,
    /// Whether it is being ended now.
    pub ending: bool,
    /// When to stop trying, in milliseconds of the monotonic clock.
    pub deadline: i64,
    /// The process group's number.
    pub group: i32,
    /// The pidfd, or the directory itself.
    pub fd: i32,
    /// The directory's parent.
    pub parent: i32,
    pub name: [u8; 256],
}

impl Entry {
    /// The name in the parent, without NUL.
    pub fn name(&self) -> &[u8] {
        self.name.split(|byte| *byte == 0).next().unwrap_or_default()
    }
}

/// The table.
pub struct Table {
    memory: *mut Entry,
    room: usize,
}

impl Table {
    pub fn new() -> Self {
        Self { memory: core::ptr::null_mut(), room: 0 }
    }

    /// The slots there are.
    pub fn entries(&mut self) -> &mut [Entry] {
        if self.room == 0 {
            return &mut [];
        }
        // SAFETY: the memory holds `room` entries, all zero or written through here.
        unsafe { core::slice::from_raw_parts_mut(self.memory, self.room) }
    }

    /// The slot of `id`, if there is one.
    pub fn get(&mut self, id: u32) -> Option<&mut Entry> {
        self.entries().get_mut(id as usize)
    }

    /// The slot of `id`, after growing the table where needed.
    pub fn claim(&mut self, id: u32) -> Result<&mut Entry, i32> {
        let wanted = id as usize + 1;
        if id >= MOST {
            return Err(crate::raw::EINVAL);
        }
        if wanted > self.room {
            self.grow(wanted.next_power_of_two().max(64))?;
        }
        self.get(id).ok_or(crate::raw::EINVAL)
    }

    fn grow(&mut self, room: usize) -> Result<(), i32> {
        let (old, new) = (self.room * size_of::<Entry>(), room * size_of::<Entry>());
        let memory = match self.room {
            0 => process::map(new)?,
            // SAFETY: the table's own memory; no entry is borrowed here.
            _ => unsafe { process::remap(self.memory.cast(), old, new)? },
        };
        self.memory = memory.cast();
        self.room = room;
        Ok(())
    }
}
