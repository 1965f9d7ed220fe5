//! `wav_peaks`, against SciPy: on the files that SciPy is tested with, and on what it and Python's `wave` write.

#[allow(dead_code)]
#[path = "../../examples/wav_peaks.rs"]
mod example;

use crate::python::Python;
use example::Request;
use std::ffi::OsString;
use std::fs;
use std::path::Path;

fn printed(path: &Path, options: &str) -> Result<String, String> {
    let args = std::iter::once(path.as_os_str().to_owned()).chain(options.split_whitespace().map(OsString::from));
    let mut out = Vec::new();
    match Request::parse(args)?.print(&mut out) {
        Ok(()) => Ok(String::from_utf8(out).unwrap()),
        Err(error) => {
            assert!(out.is_empty(), "what fails prints nothing");
            Err(error.to_string())
        }
    }
}

/// The rows of the table, one for each channel.
fn rows(text: &str) -> Vec<&str> {
    text.lines().skip_while(|line| !line.starts_with("Channel ")).skip(1).collect()
}

/// A chunk, with its size in the file's byte order.
fn chunk(big: bool, id: &[u8; 4], data: &[u8]) -> Vec<u8> {
    let size = data.len() as u32;
    let pad = &[0][..data.len() % 2];
    [&id[..], &if big { size.to_be_bytes() } else { size.to_le_bytes() }, data, pad].concat()
}

/// A file whose samples, three frames of two channels and 16 bits, begin at an odd byte of a chunk's rest.
fn stereo(big: bool, extensible: bool) -> Vec<u8> {
    let half = |x: u16| if big { x.to_be_bytes() } else { x.to_le_bytes() };
    let word = |x: u32| if big { x.to_be_bytes() } else { x.to_le_bytes() };
    let tag = if extensible { 0xfffe } else { 1 };
    let mut format = [&half(tag)[..], &half(2), &word(1000), &word(4000), &half(4), &half(16)].concat();
    if extensible {
        let guid = [&word(1)[..], &half(0), &half(16), &[0x80, 0, 0, 0xaa, 0, 0x38, 0x9b, 0x71]].concat();
        format.extend([&half(22)[..], &half(16), &word(3), &guid].concat());
    }
    let samples = [1, -32768_i16, 300, 16384, -7, 0].map(|x| half(x as u16)).concat();
    let chunks = [chunk(big, b"LIST", &[1, 2, 3]), chunk(big, b"fmt ", &format), chunk(big, b"data", &samples)];
    let riff = [&b"WAVE"[..], &chunks.concat()].concat();
    chunk(big, if big { b"RIFX" } else { b"RIFF" }, &riff)
}

#[test]
fn channels_have_their_peaks_in_either_byte_order() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("stereo.wav");
    for (big, extensible) in [(false, false), (false, true), (true, false), (true, true)] {
        fs::write(&path, stereo(big, extensible)).unwrap();
        let at = if extensible { 80 } else { 56 };
        let text = printed(&path, "").unwrap();
        let expected = format!(
            "channels: 2, of integers of 16 bits (bytes: 2), 1000 Hz\n3 frames from frame 0 of 3, at byte {at}\n\n\
             Channel                Lowest              Highest  Peak/dB   RMS/dB\n\
             left                       -7                  300   -40.77   -45.54 |▁▁▁|\n\
             right                  -32768                16384     0.00    -3.80 |█▄ |\n"
        );
        assert_eq!(text, expected);
        let text = printed(&path, "--from 0.001 --seconds 0.001 --blocks 5").unwrap();
        assert!(text.contains(&format!("1 frames from frame 1 of 3, at byte {}\n", at + 4)), "{text}");
        assert!(rows(&text)[1].ends_with("16384    -6.02    -6.02 |▄|"), "{text}");
        let text = printed(&path, "--from 0.003").unwrap();
        assert!(rows(&text).iter().all(|row| row.ends_with("-                    -        -        - ||")), "{text}");
        let error = printed(&path, "--from 0.004").unwrap_err();
        assert!(error.contains("it ends after 0.003 seconds, before second 0.004"), "{error}");
    }
}

#[test]
fn a_broken_file_is_an_error_or_other_numbers_but_no_panic() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("broken.wav");
    let print = |file: &[u8]| {
        fs::write(&path, file).unwrap();
        printed(&path, "")
    };
    for (big, extensible) in [(false, true), (true, false)] {
        let whole = stereo(big, extensible);
        let samples = whole.len() - 12;
        for len in 0..whole.len() {
            match print(&whole[..len]) {
                Ok(text) => {
                    let said = format!("the file ends early: it has {} of 12 bytes", len - samples);
                    assert!(text.contains(&said) && rows(&text).len() == 2, "{len}: {text}");
                }
                Err(error) => assert!(len < samples && error.contains("broken.wav: "), "{len}: {error}"),
            }
        }
        for byte in 0..samples {
            for value in [0, 0xff, whole[byte] ^ 1, whole[byte] ^ 0x80] {
                let mut broken = whole.clone();
                broken[byte] = value;
                match print(&broken) {
                    Ok(text) => assert!((1..=4).contains(&rows(&text).len()), "{byte}: {text}"),
                    Err(error) => assert!(error.contains("broken.wav: "), "{byte}: {error}"),
                }
            }
        }
    }
    let mut chunks = b"RIFF\0\0\0\0WAVE".to_vec();
    chunks.extend(b"JUNK\0\0\0\0".repeat(20_000));
    assert!(print(&chunks).unwrap_err().contains("no samples in the first 10000 chunks"));
    chunks.splice(12..16, *b"data");
    assert!(print(&chunks).unwrap_err().contains("comes before the chunk `fmt `, which describes it"));
    assert!(print(b"RIFF\0\0\0\0AVI LIST").unwrap_err().contains("not a RIFF/WAVE file"));
    assert!(print(b"ID3").unwrap_err().contains("the file ends at byte 3"));
    assert!(printed(folder.path(), "").is_err());
    assert!(printed(&folder.path().join("none.wav"), "").unwrap_err().contains("none.wav: "));
}

#[test]
fn options_that_say_nothing_are_errors() {
    for (options, text) in [
        ("--from -1", "--from cannot be \"-1\""),
        ("--from nan", "--from cannot be \"nan\""),
        ("--seconds", "--seconds cannot be \"\""),
        ("--blocks 2.5", "--blocks cannot be \"2.5\""),
        ("--to 3", "no such option: --to"),
        ("another", "more than one file"),
    ] {
        let error = printed(Path::new("none.wav"), options).unwrap_err();
        assert!(error.contains(text), "{options}: {error}");
    }
    assert_eq!(Request::parse([].into_iter()).err().unwrap(), "no file");
}

/// Not where a hole in a file may take its length on the disk, nor under the QEMU for PowerPC, which maps what lies
/// above 4 GiB at the offset's lower 32 bits.
#[test]
#[cfg(all(target_os = "linux", not(target_arch = "powerpc")))]
fn a_window_behind_4_gib_of_an_rf64_file_is_read() {
    use std::fs::File;
    use std::io::{Seek, SeekFrom, Write};
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("day.wav");
    // 6 bytes a frame, 24 bits of two channels.
    let (rate, frames) = (48_000, 30_000_u64 * 48_000);
    let size = 6 * frames;
    let sizes = [u64::MAX, size, frames].map(u64::to_le_bytes).concat();
    let format = [[1, 0, 2, 0], 48_000_u32.to_le_bytes(), 288_000_u32.to_le_bytes(), [6, 0, 24, 0]].concat();
    let head = [&b"RF64\xff\xff\xff\xffWAVE"[..], &chunk(false, b"ds64", &sizes), &chunk(false, b"fmt ", &format)];
    let head = [&head.concat()[..], b"data\xff\xff\xff\xff"].concat();
    let mut file = File::create(&path).unwrap();
    file.write_all(&head).unwrap();
    file.set_len(head.len() as u64 + size).unwrap();
    let at = head.len() as u64 + 6 * 29_990 * rate;
    file.seek(SeekFrom::Start(at)).unwrap();
    file.write_all(&[0, 0, 0x80, 0xff, 0xff, 0x3f]).unwrap();
    drop(file);

    let text = printed(&path, "--from 29990 --seconds 0.001 --blocks 2").unwrap();
    assert!(text.contains(&format!("48 frames from frame {} of {frames}, at byte {at}\n", 29_990 * rate)), "{text}");
    let rows = rows(&text);
    assert!(rows[0].starts_with("left                 -8388608                    0     0.00"), "{text}");
    assert!(rows[1].starts_with("right                       0              4194303    -6.02"), "{text}");
    assert!(rows[0].ends_with("|█ |") && rows[1].ends_with("|▄ |"), "{text}");
}

/// What is expected of each file: its path and options, then its rate and frames and the rows of the table, or nothing
/// where SciPy finds it broken. SciPy's integers of 3 and of 5 to 7 bytes have zeros below.
const SCIPY: &str = r#"
import glob, math, os, struct, sys, warnings, wave
import numpy as np
import scipy.io
from scipy.io import wavfile

warnings.simplefilter('ignore', wavfile.WavFileWarning)

def bytes_per_sample(path):
    with open(path, 'rb') as file:
        head = file.read(4096)
    fmt = struct.unpack_from('>HHIIHH' if head[:4] == b'RIFX' else '<HHIIHH', head, head.index(b'fmt ') + 8)
    return fmt[4] // fmt[1]

def row(path, name, samples, blocks):
    size = samples.dtype.itemsize
    if samples.dtype.kind == 'f':
        levels, text = samples.astype(float), lambda x: np.format_float_positional(x, trim='-')
    elif samples.dtype.kind == 'u':
        levels, text = (samples.astype(float) - 128) / 128, str
    else:
        below = 8 * (size - bytes_per_sample(path))
        levels, text = samples.astype(float) / 2.0**(8 * size - 1), lambda x: str(int(x) >> below)
    decibels = lambda level: f'{20 * np.log10(level) + 0.0:.2f}'.replace('-0.00', '0.00')
    peak = np.abs(levels)
    blocks = min(blocks, len(samples))
    peaks = [peak[len(peak) * k // blocks:len(peak) * (k + 1) // blocks].max() for k in range(blocks)]
    bars = ''.join(' ▁▂▃▄▅▆▇█'[min(math.ceil(8 * peak), 8)] for peak in peaks)
    columns = [text(samples.min()), text(samples.max()), decibels(peak.max()), decibels(np.sqrt((levels**2).mean()))]
    return '{:<8} {:>20} {:>20} {:>8} {:>8} |{}|'.format(name, *columns, bars)

def expect(path, options, start=0.0, seconds=1e9, blocks=40):
    print(path, options, sep='\t')
    try:
        rate, data = wavfile.read(path)
    except ValueError:
        print('\0', end='')
        return
    data = data.reshape(len(data), -1)
    in_frames = lambda seconds: math.floor(seconds * rate + 0.5)
    window = data[in_frames(start):][:in_frames(seconds)]
    print(f'{rate} Hz\n{len(window)} frames from frame {in_frames(start)} of {len(data)}, ')
    names = ['left', 'right'] if data.shape[1] == 2 else range(1, data.shape[1] + 1)
    for name, samples in zip(names, window.T):
        print(row(path, name, samples, blocks))
    print('\0', end='')

folder = sys.argv[1]
generator = np.random.default_rng(7)
for dtype, channels in [('<i2', 2), ('<i2', 1), ('>i2', 2), ('|u1', 2), ('<i4', 3), ('>i4', 2), ('<i8', 2), ('<f4', 2),
                        ('>f4', 5), ('<f8', 1)]:
    dtype = np.dtype(dtype)
    samples = generator.standard_normal((1003, channels)) * np.linspace(0, 1, 1003)[:, None] * np.arange(1, channels + 1)
    if dtype.kind != 'f':
        info = np.iinfo(dtype)
        samples = (samples / 16 * (info.max // 2 + 1)).clip(info.min // 2, info.max // 2) + (info.min + info.max + 1) // 2
    path = os.path.join(folder, f'{dtype.str[1:]}-{dtype.str[0] == ">"}-{channels}.wav')
    wavfile.write(path, 11025, samples.astype(dtype))
with wave.open(os.path.join(folder, 'wave.wav'), 'wb') as file:
    file.setnchannels(2), file.setsampwidth(3), file.setframerate(44100)
    file.writeframes(generator.bytes(6 * 2000))

data = os.path.join(os.path.dirname(scipy.io.__file__), 'tests', 'data')
for path in sorted(glob.glob(folder + '/*.wav') + glob.glob(data + '/*.wav')):
    expect(path, '')
    expect(path, '--from 0.0003 --seconds 0.002 --blocks 3', 0.0003, 0.002, 3)
"#;

#[test]
#[cfg_attr(windows, ignore = "under Wine there is no Python")]
fn real_files_have_the_peaks_that_scipy_finds() {
    let Some(python) = Python::get() else { return };
    let folder = tempfile::tempdir().unwrap();
    let (mut read, mut refused) = (0, Vec::new());
    for part in python.run(SCIPY, [folder.path()]).split_terminator('\0') {
        let mut lines = part.lines();
        let (path, options) = lines.next().unwrap().split_once('\t').unwrap();
        let printed = printed(Path::new(path), options);
        let [Some(rate), Some(frames)] = [lines.next(), lines.next()] else {
            refused.push(printed.unwrap_err());
            continue;
        };
        let text = printed.unwrap_or_else(|error| panic!("{path}: {error}"));
        assert!(text.contains(rate) && text.contains(frames), "{path}: {part}\n{text}");
        assert_eq!(rows(&text), lines.collect::<Vec<_>>(), "{path} {options}");
        read += 1;
    }
    // Each file twice, whole and a window: 22 of SciPy's, and 11 made by it and by `wave`.
    assert_eq!((read, refused.len()), (2 * (22 + 11 - 4), 2 * 4));
    for text in [
        "early-eof-no-data.wav: the chunks: ",
        "incomplete-chunk.wav: the chunks: ",
        "ulaw.wav: its samples are µ-law (format 0x7); expected integers or floats",
        "inconsistent.wav: invalid format: 3 channels in frames of 4 bytes",
    ] {
        assert_eq!(refused.iter().filter(|error| error.contains(text)).count(), 2, "{text}: {refused:?}");
    }
}
