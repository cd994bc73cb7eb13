//! The environment a child gets, as a list of changes to the host's.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};

/// Changes to the host's environment: additions, removals, or a clean start.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EnvPlan {
    clear: bool,
    changes: BTreeMap<OsString, Option<OsString>>,
}

impl EnvPlan {
    /// Sets a variable.
    pub fn set(&mut self, name: OsString, value: OsString) {
        self.changes.insert(name, Some(value));
    }

    /// Removes a variable of the host.
    pub fn remove(&mut self, name: OsString) {
        self.changes.insert(name, None);
    }

    /// Starts from an empty environment; forgets earlier changes.
    pub fn clear(&mut self) {
        self.clear = true;
        self.changes.clear();
    }

    /// True when the child gets the host's environment as it is.
    pub fn is_inherited(&self) -> bool {
        !self.clear && self.changes.is_empty()
    }

    /// The names and values that were set (`None`: removed).
    pub fn changes(&self) -> impl Iterator<Item = (&OsStr, Option<&OsStr>)> {
        self.changes.iter().map(|(name, value)| (name.as_os_str(), value.as_deref()))
    }

    /// The environment that results when applied to `host`.
    pub fn resolve(
        &self,
        host: impl Iterator<Item = (OsString, OsString)>,
    ) -> Vec<(OsString, OsString)> {
        let keep = |name: &OsString| !self.clear && !self.changes.contains_key(name);
        let mut result: Vec<_> = host.filter(|(name, _)| keep(name)).collect();
        let set = |(name, value): (&OsString, &Option<OsString>)| {
            value.clone().map(|value| (name.clone(), value))
        };
        result.extend(self.changes.iter().filter_map(set));
        result
    }
}
