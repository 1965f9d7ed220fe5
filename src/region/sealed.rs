//! Files that the system keeps from changing.

use crate::error::{Reason, Result};
use memmap2::{MmapOptions, MmapRaw};
use std::fs::File;

/// Maps bytes of a file that nothing can change any more: a memfd with the seals for that, or a file under fs-verity.
///
/// memmap2 checks for both, and then asks for the length, which by then is final. The kernel itself reports the seals,
/// which only files in memory have. But whether a file is under fs-verity is reported by its file system
/// ([`FS_IOC_MEASURE_VERITY`]), and a FUSE server may report anything. So only file systems whose own code in the
/// kernel keeps the guarantee are asked. What this function finds first stays true: a file does not move to another
/// file system, and one in memory stays there.
///
/// [`FS_IOC_MEASURE_VERITY`]: https://docs.kernel.org/filesystems/fsverity.html#fs-ioc-measure-verity
pub(super) fn map(file: &File, options: &MmapOptions) -> Result<MmapRaw> {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    if rustix::fs::fcntl_get_seals(file).is_err() {
        let found = match super::filesystem::FileSystem::of(file) {
            Ok(system) if system.enforces_verity() => None,
            Ok(system) => Some(format!("it is on {system}")),
            Err(error) => Some(format!("its file system does not report its kind ({error})")),
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
