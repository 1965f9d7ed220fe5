//! `ticks`, against pandas, and with a writer in another process.

#[allow(dead_code)]
#[path = "../../examples/ticks.rs"]
mod example;

use crate::python::Python;
use example::{Trade, append, follow, minutes, run};
use mmap_array::element::{Bytes, DateTime64};
use mmap_array::{ErrorKind, Le, npy};
use std::collections::HashMap;
use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use std::{env, str};

/// A time within which any writer has added something.
const LONG: Duration = Duration::from_secs(60);

fn text(printed: impl FnOnce(&mut Vec<u8>) -> Result<(), Box<dyn std::error::Error>>) -> Result<String, String> {
    let mut out = Vec::new();
    printed(&mut out).map(|()| String::from_utf8(out).unwrap()).map_err(|error| error.to_string())
}

fn trade(time: i64, price: f64, size: u32) -> Trade {
    Trade { time: Le::new(DateTime64::new(time)), price: Le::new(price), size: Le::new(size), side: Bytes::from(*b"B") }
}

const MAKE: &str = r#"
import sys
import numpy as np
rng = np.random.default_rng(5)
dtype = [('time', '<M8[ns]'), ('price', '<f8'), ('size', '<u4'), ('side', 'S1')]
for name, rows, span in [('year', 40_000, 365 * 24 * 3600), ('day', 50_000, 24 * 3600), ('none', 0, 1)]:
    trades = np.zeros(rows, dtype)
    # Before and after 1970.
    trades['time'] = np.sort(rng.integers(-span * 10**9 // 3, span * 10**9, rows))
    trades['price'] = rng.normal(100, 10, rows).round(2)
    trades['size'] = rng.integers(0, 2**32, rows, dtype='u4')
    trades['side'] = rng.choice([b'B', b'S'], rows)
    trades['time'][::1000] = np.datetime64('NaT')
    trades['price'][::7] = np.nan
    np.save(f'{sys.argv[1]}/{name}.npy', trades)
"#;

/// The minutes of a file that have trades, as pandas finds them.
const PANDAS: &str = r#"
import sys
import numpy as np, pandas as pd
trades = np.load(sys.argv[1])
columns = {'price': trades['price'], 'size': trades['size'].astype('u8')}
frame = pd.DataFrame(columns, index=pd.DatetimeIndex(trades['time']))
by_minute = frame[frame.index.notna()].resample('1min')
ohlc = by_minute['price'].ohlc()
for minute, row, volume, count in zip(ohlc.index, ohlc.values.tolist(), by_minute['size'].sum(), by_minute.size()):
    if count:
        print(minute.strftime('%Y-%m-%dT%H:%M'), *row, volume)
"#;

#[test]
#[cfg_attr(windows, ignore = "under Wine there is no Python")]
fn minutes_are_those_that_pandas_resamples() {
    let Some(python) = Python::get() else { return };
    let folder = tempfile::tempdir().unwrap();
    python.run(MAKE, [folder.path()]);
    let own = folder.path().join("own.npy");
    append(&own, 10_000, &mut io::sink()).unwrap();
    let mut compared = HashMap::new();
    for name in ["year", "day", "none", "own"] {
        let path = folder.path().join(format!("{name}.npy"));
        let ours = text(|out| minutes(&path, out)).unwrap();
        let theirs = python.run(PANDAS, [&path]);
        let (ours, theirs): (Vec<_>, Vec<_>) = (ours.lines().skip(1).collect(), theirs.lines().collect());
        assert_eq!(ours.len(), theirs.len(), "{name}");
        for (ours, theirs) in ours.iter().zip(&theirs) {
            // Only zeros and NaN are written in two ways.
            let parts = |line: &str| {
                let mut parts: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
                parts[1..5].iter_mut().for_each(|price| *price = format!("{:?}", price.parse::<f64>().unwrap()));
                parts
            };
            assert_eq!(parts(ours), parts(theirs), "{name}");
        }
        compared.insert(name, ours.len());
    }
    assert!(
        compared["year"] > 30_000 && compared["day"] == 1920 && compared["none"] == 0 && compared["own"] == 78,
        "{compared:?}"
    );
}

#[test]
fn minutes_of_trades_in_any_order_follow_the_order_of_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("trades.npy");
    let minute = 60_000_000_000;
    let trades = [
        trade(2 * minute, 5.0, 1),
        trade(-1, 7.5, u32::MAX),
        trade(i64::MIN, 1e9, 9),
        trade(2 * minute + 1, 3.0, 1),
        trade(-minute, 6.0, u32::MAX),
        trade(2 * minute, f64::NAN, 1),
        trade(2 * minute, 4.0, 1),
        trade(i64::MAX, f64::NAN, 0),
    ];
    npy::save(&path, &trades).unwrap();
    let printed = text(|out| minutes(&path, out)).unwrap();
    let lines: Vec<String> =
        printed.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
    assert_eq!(
        lines,
        [
            "minute open high low close volume",
            "1969-12-31T23:59 7.5 7.5 6 6 8589934590",
            "1970-01-01T00:02 5 5 3 4 4",
            "2262-04-11T23:47 NaN NaN NaN NaN 0"
        ]
    );
}

/// What the process does that a test starts.
#[test]
#[ignore = "started by another test with what it is to do"]
fn writer() {
    append(&PathBuf::from(env::var_os("TRADES").unwrap()), 10_000, &mut io::sink()).unwrap();
}

/// Keeps what is printed, and starts a process that appends to a file when the first of it comes.
struct Starter<'a> {
    path: &'a Path,
    process: Option<Child>,
    printed: Vec<u8>,
}

impl Write for Starter<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.process.is_none() {
            let mut command = Command::new(env::current_exe()?);
            command.args(["--exact", "ticks::writer", "--ignored", "--quiet"]).stdout(Stdio::null());
            self.process = Some(command.env("TRADES", self.path).spawn()?);
        }
        self.printed.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
#[cfg_attr(
    not(any(target_arch = "x86_64", target_vendor = "apple")),
    ignore = "under an emulator a test program cannot start itself"
)]
fn all_trades_that_another_process_appends_are_printed_once_and_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("trades.npy");
    append(&path, 30, &mut io::sink()).unwrap();
    let mut starter = Starter { path: &path, process: None, printed: Vec::new() };
    follow(&path, 10_000, LONG, &mut starter).unwrap();
    assert!(starter.process.unwrap().wait().unwrap().success());
    let printed = String::from_utf8(starter.printed).unwrap();
    let mut lines = printed.lines();
    assert!(lines.next().unwrap().ends_with("trades.npy: 30 trades; waiting for more"), "{printed}");
    let trades = npy::load::<Trade>(&path).unwrap();
    assert_eq!(trades.len(), 10_030);
    let line = |trade: &Trade| {
        let Trade { time, price, size, side } = *trade;
        format!("{time} {:?} {size} {side}", price.get())
    };
    assert!(lines.eq(trades[30..].iter().map(line)));
}

#[test]
fn following_ends_after_enough_trades_or_after_a_while_without_any() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("trades.npy");
    append(&path, 3, &mut io::sink()).unwrap();
    let start = Instant::now();
    let printed = text(|out| follow(&path, 5, Duration::from_millis(100), out)).unwrap();
    assert!(start.elapsed() >= Duration::from_millis(100) && printed.lines().count() == 1, "{printed}");
    assert_eq!(text(|out| follow(&path, 0, LONG, out)).unwrap().lines().count(), 1);

    /// Appends five trades when the first line comes.
    struct Appender<'a>(&'a Path, Vec<u8>);
    impl Write for Appender<'_> {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            if self.1.is_empty() {
                append(self.0, 5, &mut io::sink()).unwrap();
            }
            self.1.write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let mut appender = Appender(&path, Vec::new());
    follow(&path, 2, LONG, &mut appender).unwrap();
    assert_eq!(str::from_utf8(&appender.1).unwrap().lines().count(), 1 + 2);
}

#[test]
#[cfg_attr(windows, ignore = "Windows does not let mapped files be cut")]
fn a_file_that_has_fewer_trades_than_before_or_no_header_is_an_error_of_who_follows() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("trades.npy");

    /// Writes a file in place when the first line comes.
    struct Writer<'a>(&'a Path, Vec<u8>);
    impl Write for Writer<'_> {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let mut file = File::options().write(true).truncate(true).open(self.0)?;
            file.write_all(&self.1)?;
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let mut two = Vec::new();
    npy::save_to(&mut two, &[trade(0, 1.0, 1); 2][..]).unwrap();
    let mut others = Vec::new();
    npy::save_to(&mut others, &[7_u8; 9][..]).unwrap();
    for (file, text) in [
        (two, "trades.npy: had 5 trades, has only 2 now"),
        (others, "trades.npy"),
        (Vec::new(), "trades.npy"),
        (b"no array at all, but as long as a header".repeat(5), "trades.npy"),
    ] {
        npy::save(&path, &[trade(0, 1.0, 1); 5]).unwrap();
        let error = follow(&path, 9, LONG, &mut Writer(&path, file)).unwrap_err().to_string();
        assert!(error.contains(text), "{error}");
    }
}

#[test]
fn appending_goes_on_after_the_last_trade() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("trades.npy");
    for (count, len) in [(0, 0), (1, 1), (5000, 5001), (2, 5003)] {
        let printed = text(|out| append(&path, count, out)).unwrap();
        assert!(printed.ends_with(&format!("trades.npy: {count} trades added, {len} in all\n")), "{printed}");
        assert_eq!(npy::header(&path).unwrap().shape(), [len]);
    }
    let trades = npy::load::<Trade>(&path).unwrap();
    for pair in trades.windows(2) {
        let [before, after] = [pair[0], pair[1]];
        assert!(before.time.get() <= after.time.get() && (before.price.get() - after.price.get()).abs() < 0.04);
        assert!((100..=1000).contains(&after.size.get()) && ["B", "S"].contains(&after.side.to_str().unwrap()));
    }
    // Of a file that ends with any trade at all.
    for last in [trade(i64::MIN, f64::NAN, 0), trade(i64::MAX, f64::INFINITY, 0), trade(i64::MIN + 1, f64::MAX, 0)] {
        npy::save(&path, &[last]).unwrap();
        append(&path, 3, &mut io::sink()).unwrap();
        assert_eq!(npy::header(&path).unwrap().shape(), [4]);
        minutes(&path, &mut io::sink()).unwrap();
    }
}

#[test]
fn a_broken_file_is_an_error_or_other_trades_but_no_panic() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("trades.npy");
    append(&path, 4, &mut io::sink()).unwrap();
    let whole = fs::read(&path).unwrap();
    let run = |file: &[u8]| {
        fs::write(&path, file).unwrap();
        let idle = Duration::ZERO;
        let results = [
            text(|out| minutes(&path, out)),
            text(|out| follow(&path, 1, idle, out)),
            text(|out| append(&path, 1, out)),
        ];
        for error in results.iter().filter_map(|result| result.as_ref().err()) {
            assert!(error.contains("trades.npy"), "{error}");
        }
        results.iter().filter(|result| result.is_err()).count()
    };
    assert_eq!(run(&whole), 0);
    let mut errors = 0;
    for byte in 0..whole.len() {
        for value in [0, 0xff, whole[byte] ^ 1, whole[byte] ^ 0x80] {
            let mut broken = whole.clone();
            broken[byte] = value;
            errors += run(&broken);
        }
    }
    assert!(errors > 500, "{errors}");
    for len in 0..whole.len() {
        assert_eq!(run(&whole[..len]), 3, "{len}");
    }
    // Arrays of other shapes and dtypes.
    let trades: Vec<[Trade; 2]> = vec![[trade(0, 1.0, 1); 2]; 3];
    npy::save(&path, &trades).unwrap();
    assert!(text(|out| minutes(&path, out)).unwrap().ends_with("6\n"));
    assert!(text(|out| follow(&path, 1, Duration::ZERO, out)).unwrap().contains(" 6 trades;"));
    assert!(text(|out| append(&path, 1, out)).unwrap_err().contains("expected rows of shape"));
    npy::save(&path, &[1.5]).unwrap();
    let error = npy::options::<Trade>().open_shared(&path).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::DTypeMismatch);
    assert!(text(|out| append(&path, 1, out)).unwrap_err().contains("trades.npy"));
}

#[test]
fn arguments_that_make_no_sense_are_refused() {
    let refused = |args: &[&str]| {
        let args: Vec<OsString> = args.iter().map(OsString::from).collect();
        run(&args, &mut Vec::new()).unwrap_err().to_string()
    };
    for args in [&["append"][..], &["append", "a.npy"], &["minutes"], &["count", "a.npy"], &["minutes", "a", "b"]] {
        assert!(refused(args).starts_with("usage: "), "{args:?}");
    }
    assert!(refused(&["append", "a.npy", "-1"]).contains("COUNT cannot be \"-1\""));
    assert!(refused(&["follow", "a.npy", "x"]).contains("COUNT cannot be \"x\""));
    assert!(refused(&["minutes", "/no/such/trades.npy"]).contains("trades.npy"));
    assert!(refused(&["append", "/no/such/trades.npy", "1"]).contains("trades.npy"));
}

#[test]
fn the_demonstration_follows_five_trades_and_leaves_nothing() {
    let printed = text(|out| run(&[], out)).unwrap();
    assert!(printed.contains("500 trades added, 500 in all") && printed.contains("500 trades; waiting"), "{printed}");
    let waiting = printed.lines().skip_while(|line| !line.contains("waiting")).skip(1);
    assert_eq!(waiting.take_while(|line| !line.starts_with("minute ")).count(), 5, "{printed}");
}
