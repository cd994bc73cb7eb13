//! The options of an extractor.

use std::env;
use std::path::{Path, PathBuf};

use super::{location, name, BinaryExtractor};
use crate::error::{ProcessError, Result};

/// The prefix of private directories unless the caller chooses one.
const DEFAULT_PREFIX: &str = "process_manager";
/// Leaves room for the separator and the random part within NAME_MAX.
const LONGEST_PREFIX: usize = 200;

/// Builds a [`BinaryExtractor`] with other than the default directories.
#[derive(Debug, Clone, Default)]
pub struct BinaryExtractorBuilder {
    options: Options,
}

/// What the builder collected.
#[derive(Debug, Clone)]
pub(super) struct Options {
    base: PathBuf,
    base_is_chosen: bool,
    prefix: String,
    fallbacks: Option<Vec<PathBuf>>,
}

impl Default for Options {
    fn default() -> Self {
        let base = env::temp_dir();
        Self {
            base: std::path::absolute(&base).unwrap_or(base),
            base_is_chosen: false,
            prefix: DEFAULT_PREFIX.to_owned(),
            fallbacks: None,
        }
    }
}

impl BinaryExtractorBuilder {
    /// The directory in which the private directory is made. It must exist. Default: `TMPDIR`,
    /// or `/tmp`. A relative path is taken from the working directory at the time of
    /// [`build`](Self::build).
    pub fn base_directory(mut self, base: impl Into<PathBuf>) -> Self {
        self.options.base = base.into();
        self.options.base_is_chosen = true;
        self
    }

    /// How the private directory's name begins; a `-` and twelve random characters follow.
    /// Default: `process_manager`. Extractors sweep the stale directories of their own prefix.
    pub fn prefix(mut self, prefix: impl Into<String>) -> Self {
        self.options.prefix = prefix.into();
        self
    }

    /// The directories tried, in this order, where the base directory is mounted noexec (or, when
    /// it is the default one, cannot be used at all). With none, memory is next. Relative paths
    /// are ignored. Default: `XDG_RUNTIME_DIR`, `/tmp`, `/dev/shm`, `/var/tmp`, `$HOME/.cache`.
    pub fn fallback_directories<P: Into<PathBuf>>(
        mut self,
        directories: impl IntoIterator<Item = P>,
    ) -> Self {
        self.options.fallbacks = Some(directories.into_iter().map(Into::into).collect());
        self
    }

    /// Makes the private directory.
    ///
    /// Errors: [`ProcessError::InvalidArgument`] for a prefix that is not part of a file name or
    /// an empty base directory, [`ProcessError::ExtractionFailed`] where no directory can be made.
    pub fn build(mut self) -> Result<BinaryExtractor> {
        self.options.check_prefix()?;
        self.options.base = std::path::absolute(&self.options.base)
            .map_err(|error| ProcessError::invalid("base directory", error.to_string()))?;
        let extractor = BinaryExtractor::with_options(self.options);
        extractor.prepare()?;
        Ok(extractor)
    }
}

impl Options {
    fn check_prefix(&self) -> Result<()> {
        if name::check(&self.prefix).is_err() || self.prefix.len() > LONGEST_PREFIX {
            let reason = format!("{:?} cannot begin a file name", self.prefix);
            return Err(ProcessError::invalid("prefix", reason));
        }
        Ok(())
    }

    pub(super) fn base(&self) -> &Path {
        &self.base
    }

    pub(super) fn base_is_chosen(&self) -> bool {
        self.base_is_chosen
    }

    pub(super) fn prefix(&self) -> &str {
        &self.prefix
    }

    pub(super) fn fallbacks(&self) -> Vec<PathBuf> {
        let all = self.fallbacks.clone().unwrap_or_else(location::usual_fallbacks);
        all.into_iter().filter(|path| path.is_absolute() && *path != self.base).collect()
    }
}
