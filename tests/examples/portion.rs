//! `portion` reads what it wrote.

#[allow(dead_code)]
#[path = "../../examples/portion.rs"]
mod example;

use example::demonstrate;
use std::fs;

#[test]
fn the_demonstration_reads_what_it_wrote_and_leaves_nothing() {
    // The full size where a hole in a file is sure to cost nothing. Elsewhere it may not: NTFS would reserve 64 GiB
    // on the disk, and wine may write them. Not for PowerPC either, which is tested under QEMU: it maps what lies
    // above 4 GiB at the offset's lower 32 bits.
    let holes = cfg!(target_os = "linux") && !cfg!(target_arch = "powerpc");
    let counts: &[u64] = if holes { &[1 << 20, 1 << 31] } else { &[1 << 20] };
    for &count in counts {
        let folder = tempfile::tempdir().unwrap();
        let mut out = Vec::new();
        demonstrate(count, folder.path(), &mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert!(text.contains(&format!("{} bytes", 32 * count)), "{text}");
        assert_eq!(text.lines().filter(|line| line.ends_with(&format!(" {}", 250 * (count - 1)))).count(), 1, "{text}");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
        assert!(demonstrate(count, &folder.path().join("missing"), &mut Vec::new()).is_err());
    }
}
