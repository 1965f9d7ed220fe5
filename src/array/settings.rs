//! Mapping elements by the settings of a builder, as often as others who change the file make it necessary.

use super::elements::{Again, Elements, Layout, sealed::Described};
use super::source::{self, FileBytes, Source};
use crate::error::{Error, Result};
use crate::region::{Mode, Portion, RangeLock, Region};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// The settings for mapping a portion of a file, independent of its contents.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Settings {
    pub(super) populate: bool,
    pub(super) lock: bool,
    pub(super) reserve: bool,
}

impl Settings {
    /// Maps elements that have been found.
    pub(super) fn map_elements<E: Elements<A>, A>(
        self,
        elements: E,
        layout: Layout,
        bytes: &FileBytes<'_>,
        mode: Mode<'_>,
    ) -> Result<E::Array> {
        let region = self.map_layout(&elements, &layout, bytes, mode)?;
        elements.array(region, layout)
    }

    /// Maps the elements of a source that others may change, and keeps `find` to find and map them again.
    pub(super) fn map_source<E, A>(
        self,
        elements: E,
        find: impl Fn(&E, &FileBytes<'_>) -> Result<Layout> + Send + Sync + 'static,
        source: impl Source,
        write: bool,
    ) -> Result<E::Array>
    where
        E: Elements<A> + Clone + Send + Sync + 'static,
    {
        source::lend_to_map(source, write, |bytes| self.map_shared(elements, find, &bytes, write))
    }

    /// Maps elements that others may change, and keeps `find` to find and map them again.
    pub(super) fn map_shared<E, A>(
        self,
        elements: E,
        find: impl Fn(&E, &FileBytes<'_>) -> Result<Layout> + Send + Sync + 'static,
        bytes: &FileBytes<'_>,
        write: bool,
    ) -> Result<E::Array>
    where
        E: Elements<A> + Clone + Send + Sync + 'static,
    {
        let file = bytes.file.try_clone().map_err(|source| Error::io("keep the file open", source))?;
        // Of a member of an archive it is the first time where it was found a moment ago.
        let member = bytes.member.clone().map(|member| Box::new((member, AtomicBool::new(true))));
        let these = elements.clone();
        // It belongs to the open file, and so to all that is ever mapped of it here: an old map takes none of it away.
        let lock = Mutex::new(None);
        let map = move |again: &Again| {
            let member = match member.as_deref() {
                Some((member, first)) if first.swap(false, Ordering::Relaxed) => Some(member.clone()),
                Some((member, _)) => Some(member.again(&again.file)?),
                None => None,
            };
            let bytes = FileBytes { member, ..again.bytes() };
            let layout = find(&these, &bytes)?;
            let mode = if write { Mode::SharedMut(&again.file) } else { Mode::Shared(&again.file) };
            let lock = &mut *lock.lock().unwrap_or_else(PoisonError::into_inner);
            let before = lock.as_ref().map_or(Vec::new(), |lock: &RangeLock| lock.ranges().to_vec());
            self.portion_of(&layout)?.lock_rest(&again.file, mode, lock)?;
            let unlocked = Self { lock: false, ..self };
            match unlocked.map_layout(&these, &layout, &bytes, mode) {
                Ok(region) => Ok((region, layout)),
                Err(error) => {
                    if let Some(lock) = lock {
                        lock.keep(before);
                    }
                    Err(error)
                }
            }
        };
        let path = bytes.path.map(Path::to_path_buf);
        let again = Again { file: Arc::new(file), path, map: Box::new(map) };
        let (region, layout) = again.map()?;
        elements.array(region, Layout { again: Some(again.into()), ..layout })
    }

    pub(super) fn map_layout(
        self,
        elements: &impl Described,
        layout: &Layout,
        bytes: &FileBytes<'_>,
        mode: Mode<'_>,
    ) -> Result<Region> {
        if mode.writes() || matches!(mode, Mode::CopyOnWrite) {
            layout.check_disjoint()?;
        }
        let portion = self.portion_of(layout)?;
        let what = || layout.describe(&elements.name(layout));
        let mut region = Region::map(bytes.file, bytes.path, layout.end, &portion, mode, what)?;
        if let Some(front) = layout.front {
            region.set_front(front);
        }
        Ok(region)
    }

    pub(super) fn portion(self, offset: u64, len: usize) -> Portion {
        Portion { offset, len, populate: self.populate, reserve: self.reserve, lock: self.lock, strips: None }
    }

    /// Returns the portion that the elements of a layout occupy. If they are not contiguous, only the elements are
    /// locked.
    pub(super) fn portion_of(self, layout: &Layout) -> Result<Portion> {
        Ok(Portion { strips: layout.strips(), ..self.portion(layout.start(), layout.span()?) })
    }
}
