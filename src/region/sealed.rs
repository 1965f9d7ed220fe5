//! Files that the system keeps from changing.

use crate::error::{Reason, Result};
use memmap2::{MmapOptions, MmapRaw};
use std::fs::File;

/// Maps bytes of a file that nobody can change any more: a memfd with the seals for that, or a file under fs-verity.
///
/// memmap2 asks for both, and then for the length, which is the file's for ever by that time. The seals are told by the
/// kernel itself, which has them of files in memory alone. But whether a file is under fs-verity is told by its file
/// system ([`FS_IOC_MEASURE_VERITY`]), and a FUSE server says what it likes: so that is asked only of those whose own
/// code in the kernel keeps the promise. What is found first stays true: a file lies where it lies, and one in memory
/// stays so.
///
/// [`FS_IOC_MEASURE_VERITY`]: https://docs.kernel.org/filesystems/fsverity.html#fs-ioc-measure-verity
pub(super) fn map(file: &File, options: &MmapOptions) -> Result<MmapRaw> {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    if rustix::fs::fcntl_get_seals(file).is_err() {
        let found = match super::filesystem::FileSystem::of(file) {
            Ok(system) if system.enforces_verity() => None,
            Ok(system) => Some(format!("it lies on {system}")),
            Err(error) => Some(format!("its file system does not say of which kind it is ({error})")),
        };
        if let Some(found) = found {
            return Err(Reason::NotImmutable { source: std::io::Error::other(found) }.error());
        }
    }
    options.map_if_safe(file).map(MmapRaw::from).map_err(|error| match error.map_failed() {
        true => crate::error::Error::io("map the file", error.into()),
        false => Reason::NotImmutable { source: error.into() }.error(),
    })
}
