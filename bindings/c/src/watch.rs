//! Which callbacks are registered where: those of a whole manager, which are shown every process,
//! and those of one process handle.

use std::collections::HashSet;
use std::sync::{Arc, Mutex};

use core_api::{ProcessManager, ProcessRunner};
use uuid::Uuid;

use crate::callback::Callback;
use crate::error::Failure;
use crate::hub::{lock, Hub};
use crate::source::{EventCallback, ExitCallback, OutputCallback, Source};

/// The callbacks of a manager, at most one of each kind, and the processes that were shown to them.
/// One that was started is shown to all that there are, and a new callback is shown all that were:
/// so each process meets each callback once.
#[derive(Default)]
pub(crate) struct Watches {
    output: Option<OutputCallback>,
    exit: Option<ExitCallback>,
    event: Option<EventCallback>,
    shown: HashSet<Uuid>,
}

impl Watches {
    /// Shows processes that were just started to the callbacks.
    pub(crate) fn attach(&mut self, hub: &Hub, runners: &[ProcessRunner]) -> Result<(), Failure> {
        self.forget_removed(&hub.manager()?);
        for runner in runners {
            self.output.iter().try_for_each(|callback| attach_output(hub, runner, callback))?;
            self.exit.iter().try_for_each(|callback| attach_exit(hub, runner, callback))?;
            self.shown.insert(runner.id());
        }
        Ok(())
    }

    /// Now and then: those that the manager has no entry of any more.
    fn forget_removed(&mut self, manager: &ProcessManager) {
        if self.shown.len() > 64 + 2 * manager.get_process_count() {
            self.shown.retain(|id| manager.runner(*id).is_some());
        }
    }

    /// Shows what was started before to a new callback, or leaves nothing of it.
    fn show_all<F>(
        &self,
        hub: &Hub,
        new: &Option<Arc<Callback<F>>>,
        attach: Attach<F>,
    ) -> Result<(), Failure> {
        let Some(new) = new else { return Ok(()) };
        let manager = hub.manager()?;
        let mut runners = self.shown.iter().filter_map(|id| manager.runner(*id));
        let shown = runners.try_for_each(|runner| attach(hub, &runner, new));
        shown.inspect_err(|_| hub.remove(new.registration()))
    }

    pub(crate) fn end(self) {
        let Self { output, exit, event, shown: _ } = self;
        output.iter().for_each(|callback| callback.end());
        exit.iter().for_each(|callback| callback.end());
        event.iter().for_each(|callback| callback.end());
    }
}

fn attach_output(hub: &Hub, run: &ProcessRunner, it: &OutputCallback) -> Result<(), Failure> {
    let source = Source::Output(run.output(), it.clone());
    hub.insert(run.id(), it.registration(), source)
}

fn attach_exit(hub: &Hub, run: &ProcessRunner, it: &ExitCallback) -> Result<(), Failure> {
    let source = Source::Exit(run.clone(), it.clone());
    hub.insert(run.id(), it.registration(), source)
}

/// Registers a callback for one process.
type Attach<F> = fn(&Hub, &ProcessRunner, &Arc<Callback<F>>) -> Result<(), Failure>;

impl Hub {
    pub(crate) fn watch_output(&self, new: Option<OutputCallback>) -> Result<(), Failure> {
        self.manager()?;
        let mut watches = lock(&self.watches);
        watches.show_all(self, &new, attach_output)?;
        let old = std::mem::replace(&mut watches.output, new);
        drop(watches);
        self.end(old);
        Ok(())
    }

    pub(crate) fn watch_exit(&self, new: Option<ExitCallback>) -> Result<(), Failure> {
        self.manager()?;
        let mut watches = lock(&self.watches);
        watches.show_all(self, &new, attach_exit)?;
        let old = std::mem::replace(&mut watches.exit, new);
        drop(watches);
        self.end(old);
        Ok(())
    }

    pub(crate) fn watch_events(&self, new: Option<EventCallback>) -> Result<(), Failure> {
        self.manager()?;
        let mut watches = lock(&self.watches);
        if let Some(new) = &new {
            let source = Source::Events(self.manager()?.events()?, new.clone());
            self.insert(Uuid::nil(), new.registration(), source)?;
        }
        let old = std::mem::replace(&mut watches.event, new);
        drop(watches);
        self.end(old);
        Ok(())
    }

    /// The end of a registration.
    fn end<F>(&self, old: Option<Arc<Callback<F>>>) {
        if let Some(old) = old {
            self.remove(old.registration());
            old.end();
        }
    }
}

/// The callbacks of one process handle, at most one of each kind; they end with it.
#[derive(Default)]
pub(crate) struct HandleWatches {
    output: Mutex<Option<OutputCallback>>,
    exit: Mutex<Option<ExitCallback>>,
}

impl HandleWatches {
    pub(crate) fn set_output(
        &self,
        hub: &Hub,
        runner: &ProcessRunner,
        new: Option<OutputCallback>,
    ) -> Result<(), Failure> {
        new.iter().try_for_each(|new| attach_output(hub, runner, new))?;
        let old = std::mem::replace(&mut *lock(&self.output), new);
        hub.end(old);
        Ok(())
    }

    pub(crate) fn set_exit(
        &self,
        hub: &Hub,
        runner: &ProcessRunner,
        new: Option<ExitCallback>,
    ) -> Result<(), Failure> {
        new.iter().try_for_each(|new| attach_exit(hub, runner, new))?;
        let old = std::mem::replace(&mut *lock(&self.exit), new);
        hub.end(old);
        Ok(())
    }

    /// Ends all; without a hub its manager is gone, and with it all that could call.
    pub(crate) fn end(&self, hub: Option<&Hub>) {
        let (output, exit) = (lock(&self.output).take(), lock(&self.exit).take());
        if let Some(hub) = hub {
            hub.end(output);
            hub.end(exit);
        }
    }
}
