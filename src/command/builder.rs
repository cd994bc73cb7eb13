//! The builder's methods: each sets one option and takes no other decision.

use std::ffi::OsString;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::{
    Affinity, Command, Descendants, DropPolicy, EnvPlan, ExtraFd, GroupMode, OutputOptions,
    OutputPolicy, Program, Rlimit, Stdin, Stdout, StopLadder, UserSpec,
};
use crate::types::Containment;

impl Command {
    /// A command for a program on this machine: a path, or a name looked up in `PATH`.
    pub fn new(program: impl Into<PathBuf>) -> Self {
        Self::from_program(Program::Path(program.into()))
    }

    /// A command for a binary of the manager's extractor.
    pub fn binary(name: impl Into<String>) -> Self {
        Self::from_program(Program::Extracted(name.into()))
    }

    fn from_program(program: Program) -> Self {
        Self {
            program,
            name: None,
            arg0: None,
            args: Vec::new(),
            env: EnvPlan::default(),
            cwd: None,
            stdin: Stdin::default(),
            stdout: Stdout::default(),
            stderr: Stdout::default(),
            extra_fds: Vec::new(),
            group: GroupMode::default(),
            rlimits: Vec::new(),
            nice: None,
            umask: None,
            affinity: None,
            user: UserSpec::default(),
            timeout: None,
            stop: StopLadder::default(),
            output: OutputOptions::default(),
            on_drop: DropPolicy::default(),
            descendants: Descendants::default(),
            containment: None,
        }
    }

    /// A name for people; the program's file name if unset.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// What the child sees as its own name (`argv[0]`); the program as given if unset.
    pub fn arg0(mut self, arg0: impl Into<OsString>) -> Self {
        self.arg0 = Some(arg0.into());
        self
    }

    /// Adds one argument. Bytes are passed as they are; NUL is refused when starting.
    pub fn arg(mut self, arg: impl Into<OsString>) -> Self {
        self.args.push(arg.into());
        self
    }

    /// Adds arguments.
    pub fn args<I: IntoIterator<Item = S>, S: Into<OsString>>(mut self, args: I) -> Self {
        self.args.extend(args.into_iter().map(Into::into));
        self
    }

    /// Sets a variable in the child's environment.
    pub fn env(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.env.set(name.into(), value.into());
        self
    }

    /// Sets variables in the child's environment.
    pub fn envs<I, K, V>(mut self, vars: I) -> Self
    where
        I: IntoIterator<Item = (K, V)>,
        K: Into<OsString>,
        V: Into<OsString>,
    {
        vars.into_iter().for_each(|(name, value)| self.env.set(name.into(), value.into()));
        self
    }

    /// Removes a variable of the host from the child's environment.
    pub fn env_remove(mut self, name: impl Into<OsString>) -> Self {
        self.env.remove(name.into());
        self
    }

    /// Starts the child with none of the host's variables; forgets `env` calls made before.
    pub fn env_clear(mut self) -> Self {
        self.env.clear();
        self
    }

    /// The child's working directory; the host's if unset.
    pub fn current_dir(mut self, dir: impl Into<PathBuf>) -> Self {
        self.cwd = Some(dir.into());
        self
    }

    /// Where the child's standard input comes from; null if unset.
    pub fn stdin(mut self, stdin: Stdin) -> Self {
        self.stdin = stdin;
        self
    }

    /// Feeds these bytes to the child's standard input, then ends it.
    pub fn input(self, bytes: impl Into<Vec<u8>>) -> Self {
        self.stdin(Stdin::Bytes(Arc::from(bytes.into())))
    }

    /// Where the child's standard output goes; captured if unset.
    pub fn stdout(mut self, stdout: Stdout) -> Self {
        self.stdout = stdout;
        self
    }

    /// Where the child's standard error goes; captured if unset.
    pub fn stderr(mut self, stderr: Stdout) -> Self {
        self.stderr = stderr;
        self
    }

    /// Sends standard error wherever standard output goes, in true order of writing.
    pub fn merge_stderr(self) -> Self {
        self.stderr(Stdout::Merge)
    }

    /// Gives the child a duplicate of `source` as descriptor `target` (3 or more).
    pub fn extra_fd(mut self, source: OwnedFd, target: i32) -> Self {
        self.extra_fds.push(ExtraFd { source: Arc::new(source), target });
        self
    }

    /// Which process group and session the child gets; an own group if unset.
    pub fn group(mut self, group: GroupMode) -> Self {
        self.group = group;
        self
    }

    /// Sets a resource limit: `RLIMIT_…` number, soft and hard value (`u64::MAX`: unlimited).
    pub fn rlimit(mut self, resource: u32, soft: u64, hard: u64) -> Self {
        self.rlimits.push(Rlimit { resource, soft, hard });
        self
    }

    /// The child's nice value, -20 (favoured) to 19.
    pub fn nice(mut self, nice: i32) -> Self {
        self.nice = Some(nice);
        self
    }

    /// The child's file mode creation mask, 0 to 0o777.
    pub fn umask(mut self, umask: u32) -> Self {
        self.umask = Some(umask);
        self
    }

    /// The CPUs the child may use.
    pub fn affinity(mut self, affinity: Affinity) -> Self {
        self.affinity = Some(affinity);
        self
    }

    /// The user and groups the child runs as. Needs privileges.
    pub fn user(mut self, user: UserSpec) -> Self {
        self.user = user;
        self
    }

    /// Stops the process (by its ladder) when it has run this long; it then counts as failed.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// How the process is stopped; TERM, 5 s, KILL if unset.
    pub fn stop_ladder(mut self, ladder: StopLadder) -> Self {
        self.stop = ladder;
        self
    }

    /// How captured output is kept.
    pub fn output(mut self, output: OutputOptions) -> Self {
        self.output = output;
        self
    }

    /// Bytes of output kept for readers, and what happens when they are full.
    pub fn output_limit(mut self, limit: usize, policy: OutputPolicy) -> Self {
        self.output.limit = limit;
        self.output.policy = policy;
        self
    }

    /// What dropping the last handle of the running process does; kill if unset.
    pub fn on_drop(mut self, policy: DropPolicy) -> Self {
        self.on_drop = policy;
        self
    }

    /// What happens to descendants that outlive the command itself; ended if unset.
    pub fn descendants(mut self, descendants: Descendants) -> Self {
        self.descendants = descendants;
        self
    }

    /// Demands a containment level: starting fails with a clear error where it cannot be had.
    pub fn containment(mut self, level: Containment) -> Self {
        self.containment = Some(level);
        self
    }
}
