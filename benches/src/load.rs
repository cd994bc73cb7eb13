//! Other work on every CPU, as on a machine that is not there for one program alone.

use std::io;
use std::process::{Child, Command};

use crate::usage;

/// A program on each CPU that never waits; ended on drop.
pub struct Load(Vec<Child>);

impl Load {
    /// One for each of these CPUs.
    pub fn on(cpus: &libc::cpu_set_t) -> io::Result<Self> {
        let mut load = Self(Vec::new());
        for one in usage::each_of(cpus) {
            usage::keep_to(&one)?;
            let child = Command::new("/bin/sh").args(["-c", "while :; do :; done"]).spawn();
            usage::keep_to(cpus)?;
            load.0.push(child?);
        }
        Ok(load)
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        for child in &mut self.0 {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
