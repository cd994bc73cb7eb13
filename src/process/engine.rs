//! What the processes of one manager share: the reactor, and what holds their trees.
//!
//! Watcher and cgroup subtree are made with the first process that needs them and kept as long as
//! the engine: making them anew for each process would cost a helper process each time.

use std::os::fd::AsFd;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::time::{Duration, Instant};

use once_cell::sync::OnceCell;

use super::tidier::Tidier;
use crate::cgroup::Subtree;
use crate::error::Result;
use crate::keeper::{Channel, Image, Watcher};
use crate::reactor::{Interest, Key, Reactor, Ready, Slot, Source, Turn};
use crate::sys::spawn::LowNumbers;

/// A watcher that was killed and cannot be started again is tried again after this.
const RETRY: Duration = Duration::from_secs(1);

/// The shared parts of many processes.
pub(crate) struct Engine {
    reactor: Arc<Reactor>,
    image: OnceCell<Image>,
    watcher: OnceCell<Arc<Watcher>>,
    subtree: OnceCell<Arc<Subtree>>,
    tidier: OnceCell<Arc<Tidier>>,
    /// Held for the starts; found by them.
    _low: Option<Arc<LowNumbers>>,
}

impl Engine {
    /// Descriptors only: no thread, no helper.
    pub(crate) fn new() -> Result<Arc<Self>> {
        let reactor = Reactor::new()?;
        let (image, watcher) = (OnceCell::new(), OnceCell::new());
        let (subtree, tidier) = (OnceCell::new(), OnceCell::new());
        let _low = LowNumbers::shared();
        Ok(Arc::new(Self { reactor, image, watcher, subtree, tidier, _low }))
    }

    pub(crate) fn reactor(&self) -> &Arc<Reactor> {
        &self.reactor
    }

    /// Keeps the keeper's program at hand, for the guards and watchers that are started from now.
    pub(crate) fn keep_image(&self) -> Result<()> {
        self.image.get_or_try_init(Image::get).map(drop)
    }

    /// The host's watcher, started with the first call. It watches.
    pub(crate) fn watcher(&self) -> Result<&Arc<Watcher>> {
        let watcher = self.begin_watcher()?;
        watcher.ready()?;
        Ok(watcher)
    }

    /// The same, but it may still be coming up.
    fn begin_watcher(&self) -> Result<&Arc<Watcher>> {
        self.watcher.get_or_try_init(|| {
            self.keep_image()?;
            let watcher = Watcher::shared()?;
            Tender::start(&watcher, &self.reactor)?;
            Ok(watcher)
        })
    }

    /// Where cgroups for processes are made.
    ///
    /// Errors: `Unsupported` with the reason.
    pub(crate) fn subtree(&self) -> Result<&Arc<Subtree>> {
        self.subtree.get_or_try_init(|| {
            // It comes up while the cgroup is made; with its registration it is waited for.
            self.begin_watcher()?;
            let subtree = Subtree::shared()?;
            self.tidier.get_or_try_init(|| Tidier::start(&subtree, &self.reactor))?;
            Ok(subtree)
        })
    }

    /// What has held a tree was given back.
    pub(super) fn given_back(&self) {
        self.tidier.get().into_iter().for_each(|tidier| tidier.given_back());
    }
}

/// Listens to the watcher, and replaces it when it was killed.
struct Tender {
    watcher: Arc<Watcher>,
    reactor: Weak<Reactor>,
    key: OnceLock<Key>,
    channel: Mutex<Arc<Channel>>,
}

impl Tender {
    fn start(watcher: &Arc<Watcher>, reactor: &Arc<Reactor>) -> Result<()> {
        let tender = Arc::new(Self {
            watcher: watcher.clone(),
            reactor: Arc::downgrade(reactor),
            key: OnceLock::new(),
            channel: Mutex::new(watcher.channel()),
        });
        // Without a process there is nothing to watch over.
        let key = reactor.insert_unattended(tender.clone())?;
        let key = *tender.key.get_or_init(|| key);
        let channel = tender.channel().clone();
        reactor.watch(key, 0, channel.as_fd(), Interest::READ)
    }

    fn channel(&self) -> MutexGuard<'_, Arc<Channel>> {
        self.channel.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tend(&self) {
        let (Some(reactor), Some(key)) = (self.reactor.upgrade(), self.key.get()) else { return };
        let mut channel = self.channel();
        // The old channel may be gone with a watcher that somebody else has replaced already.
        reactor.unwatch(*key, 0, channel.as_fd());
        let tended = self.watcher.tend();
        *channel = self.watcher.channel();
        let watched = tended.and_then(|replaced| {
            if replaced {
                log::warn!("the watcher was killed and has been replaced");
            }
            reactor.watch(*key, 0, channel.as_fd(), Interest::READ)
        });
        if let Err(error) = watched {
            log::error!("the watcher cannot be replaced: {error}");
            reactor.set_deadline(*key, Instant::now().checked_add(RETRY));
        }
    }
}

impl Source for Tender {
    fn on_ready(&self, _: Slot, _: Ready, _: &mut Turn) {
        self.tend();
    }

    fn on_deadline(&self, _: Instant, _: &mut Turn) {
        self.tend();
    }
}
