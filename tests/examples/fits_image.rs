//! `fits_image`, against astropy.

#[allow(dead_code)]
#[path = "../../examples/fits_image.rs"]
mod example;

use super::python::Python;
use example::{Failure, run};
use std::fs;
use std::path::Path;

const ASTROPY: &str = include_str!("fits_image.py");

/// What `fits_image FILE args…` prints.
fn printed(file: &Path, args: &str) -> Result<String, Failure> {
    print(file, args, None)
}

/// The same, with a picture made beside it.
fn pictured(file: &Path, args: &str, picture: &Path) -> Result<String, Failure> {
    print(file, args, Some(picture))
}

fn print(file: &Path, args: &str, picture: Option<&Path>) -> Result<String, Failure> {
    let picture = picture.into_iter().flat_map(|path| ["--png".into(), path.into()]);
    let args = std::iter::once(file.into()).chain(args.split_whitespace().map(Into::into)).chain(picture);
    let mut out = Vec::new();
    let printed = run(args, &mut out);
    assert!(printed.is_ok() || out.is_empty(), "what fails prints nothing");
    printed.map(|()| String::from_utf8(out).unwrap())
}

/// The statistics printed, as pixels, blank, min, max and mean.
fn statistics(text: &str) -> Vec<&str> {
    let value = |name: &str| text.lines().find_map(|line| line.strip_prefix(name)).map(str::trim_start);
    ["pixels ", "blank ", "min ", "max ", "mean "].into_iter().filter_map(value).collect()
}

#[test]
#[cfg_attr(windows, ignore = "under Wine there is no Python")]
fn windows_of_real_images_and_their_pictures_are_what_astropy_has() {
    let Some(python) = Python::get() else { return };
    let folder = tempfile::tempdir().unwrap();
    let requests = python.run(ASTROPY, ["make".as_ref(), folder.path()]);
    let (mut images, mut others) = (0, 0);
    for request in requests.lines() {
        let [path, options, expected @ ..] = &request.split('\t').collect::<Vec<_>>()[..] else { panic!("{request}") };
        if expected == ["no image"] {
            let failure = printed(Path::new(path), options).unwrap_err();
            assert!(failure.status == 1 && failure.text.contains(path), "{request}: {}", failure.text);
            others += 1;
            continue;
        }
        let picture = folder.path().join(format!("{images}.png"));
        let text = pictured(Path::new(path), options, &picture);
        let text = text.unwrap_or_else(|failure| panic!("{request}: {}", failure.text));
        let found = statistics(&text);
        // Counts, and integers of any width, are exactly equal; so are the extremes of floats.
        let number = |text: &str| text.parse::<f64>().unwrap();
        let whole = |text: &str| text.parse::<i128>().ok();
        assert_eq!(found.len(), if expected.len() == 2 { 2 } else { 5 }, "{request}: {text}");
        for (found, expected) in found.iter().zip(expected.iter().take(4)) {
            let equal = number(found) == number(expected) && whole(found) == whole(expected);
            assert!(equal, "{request}: {text}");
        }
        if let [_, _, _, _, mean, tolerance] = *expected {
            assert!((number(found[4]) - number(mean)).abs() <= number(tolerance), "{request}: {text}");
        }
        images += 1;
    }
    // Four windows each of 26 images that astropy comes with, at this version, and of 80 written.
    assert!(images == 4 * 106 && others > 100, "{images} {others}");
    let checked = python.run(ASTROPY, ["check".as_ref(), folder.path()]);
    assert_eq!(checked.trim(), images.to_string());
}

/// A header of these cards, with its end, padded with blanks.
fn header(cards: &[&str]) -> Vec<u8> {
    let mut text: String = cards.iter().chain(&["END"]).map(|card| format!("{card:<80}")).collect();
    while text.len() % 2880 != 0 {
        text.push(' ');
    }
    text.into_bytes()
}

/// Data, padded with zeros.
fn data(values: impl IntoIterator<Item = i16>) -> Vec<u8> {
    let mut bytes: Vec<u8> = values.into_iter().flat_map(i16::to_be_bytes).collect();
    bytes.resize(bytes.len().next_multiple_of(2880), 0);
    bytes
}

/// No data, a table of 80 bytes, and a cube of 2 planes of 3 rows of 4 pixels, the numbers from -12 on.
fn cube() -> Vec<u8> {
    let main = header(&["SIMPLE  = T", "BITPIX  = 8", "NAXIS   = 0"]);
    let axes = ["NAXIS   = 2 / axes", "NAXIS1  = 8", "NAXIS2  = 6"];
    let table =
        header(&[&["XTENSION= 'BINTABLE'", "BITPIX  = 8"][..], &axes, &["PCOUNT  = 32", "GCOUNT  = 1"]].concat());
    let image = header(&[
        "XTENSION= 'IMAGE   '           / image extension",
        "BITPIX  =                   16 / of 16 bits",
        "NAXIS   =                    3",
        "NAXIS1  =                    4",
        "NAXIS2  =                    3",
        "NAXIS3  =                    2",
        "EXTNAME = 'it''s / a cube '    / its name",
        "BLANK   =                   -7",
        "BZERO   =              3.276D4",
        "BZERO   =                    8",
        "COMMENT = 'no text",
    ]);
    [main, table, data([1; 40]), image, data(-12..12)].concat()
}

#[test]
fn headers_and_windows_are_read_from_the_bytes_where_they_are() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cube.fits");
    fs::write(&path, cube()).unwrap();
    for (options, expected) in [
        ("", ["12", "1", "32748", "32759", "32753.545454545456"]),
        ("--plane 1", ["12", "0", "32760", "32771", "32765.5"]),
        ("--hdu 2 --plane 1 --rows 1.. --columns ..1", ["2", "0", "32764", "32768", "32766.0"]),
        ("--plane 0 --rows 1..2 --columns 1..4", ["3", "1", "32754", "32755", "32754.5"]),
    ] {
        let text = printed(&path, options).unwrap();
        assert!(text.starts_with("HDU 2 \"it's / a cube\": [2, 3, 4] pixels of >i2 from byte 11520 on\n"), "{text}");
        assert_eq!(statistics(&text), expected, "{options}");
    }
    let text = printed(&path, "--plane 1 --rows 2..3").unwrap();
    assert!(text.contains("rows 2..3, columns 0..4 of plane [1], mapped from byte 11560 on\n"), "{text}");
    // A window of blank pixels has no extremes.
    let text = printed(&path, "--rows 1..2 --columns 1..2").unwrap();
    assert_eq!(statistics(&text), ["1", "1"]);
}

#[test]
fn a_picture_never_takes_the_place_of_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cube.fits");
    fs::write(&path, cube()).unwrap();
    let failure = pictured(&path, "", &path).unwrap_err();
    assert!(failure.status == 1 && failure.text.contains("cube.fits: "), "{}", failure.text);
    assert_eq!(fs::read(&path).unwrap(), cube());
}

#[test]
fn what_a_file_does_not_have_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cube.fits");
    fs::write(&path, cube()).unwrap();
    for (args, status, text) in [
        ("--hdu 0", 1, "HDU 0 is an image of shape [], without pixels"),
        ("--hdu 1", 1, "HDU 1 is an extension of the kind \"BINTABLE\", not an image"),
        ("--hdu 3", 1, "has no HDU 3 among its 3 HDUs"),
        ("--rows 2..4", 1, "has rows 0..3, but no window of rows 2..4"),
        ("--columns 2..2", 1, "has columns 0..4, but no window of columns 2..2"),
        ("--columns 3..1", 1, "but no window of columns 3..1"),
        ("--plane 2", 1, "has planes of shape [2], but no plane [2]"),
        ("--plane 0,0", 1, "but no plane [0, 0]"),
        ("--hdu -1", 2, "--hdu cannot be \"-1\""),
        ("--rows 3", 2, "--rows cannot be \"3\""),
        ("--plane 1,", 2, "--plane cannot be \"1,\""),
        ("--percentiles 90..10", 2, "--percentiles cannot be \"90..10\""),
        ("--png", 2, "--png cannot be \"\""),
        ("--mode r", 2, "no such option: --mode"),
        ("another", 2, "more than one file"),
    ] {
        let failure = printed(&path, args).unwrap_err();
        assert_eq!(failure.status, status, "{args}: {}", failure.text);
        assert!(failure.text.contains(text), "{args}: {}", failure.text);
        assert_eq!(failure.text.contains("usage:"), status == 2, "{args}: {}", failure.text);
        assert_eq!(failure.text.contains("cube.fits: "), status == 1, "{args}: {}", failure.text);
    }
    assert!(run([], &mut Vec::new()).unwrap_err().text.contains("no file"));
    assert!(printed(folder.path(), "").unwrap_err().text.contains("a directory"));
    assert!(printed(&folder.path().join("none"), "").unwrap_err().text.contains("none: "));
}

#[test]
fn a_header_that_claims_what_cannot_be_is_an_error_that_names_the_card() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("claims.fits");
    let begin = ["SIMPLE  = T", "BITPIX  = -64"];
    let flat = ["NAXIS   = 2", "NAXIS1  = 3000000000", "NAXIS2  = 3000000000"];
    for (cards, text) in [
        (&["SIMPLE  = F"][..], "HDU 0, the card at byte 0: SIMPLE is F"),
        (
            &["SIMPLE  = T", "BITPIX  = 17"],
            "HDU 0, the card at byte 80: BITPIX is 17; expected 8, 16, 32, 64, -32 or -64",
        ),
        (&["SIMPLE  = T", "BITPIX  = 'a'"], "HDU 0, the card at byte 80: BITPIX is \"a\"; expected an integer"),
        (
            &["SIMPLE  = T", "BITPIX  = 'a"],
            "HDU 0, the card at byte 80: BITPIX is \"'a\", a string without its end quote",
        ),
        (&["SIMPLE  = T"], "HDU 0: its header has no BITPIX"),
        (&begin, "HDU 0: its header has no NAXIS"),
        (
            &[&begin[..], &["NAXIS   = 4000000000"]].concat(),
            "the card at byte 160: NAXIS is 4000000000; expected 0 to 999",
        ),
        (&[&begin[..], &["NAXIS   = 999"]].concat(), "HDU 0: its header has no NAXIS1"),
        (&[&begin[..], &["NAXIS   = 1", "NAXIS1  = -3"]].concat(), "the card at byte 240: NAXIS1 is -3"),
        // 7.2e19 bytes
        (&[&begin[..], &flat].concat(), "HDU 0: its header claims axes of [3000000000, 3000000000]"),
        (&[&begin[..], &["NAXIS   = 0", "PCOUNT  = 9223372036854775807"]].concat(), "9223372036854775807 parameters"),
        (
            &[&["SIMPLE  = T", "BITPIX  = 8"], &flat[..]].concat(),
            // What does not fit the file may not fit the address space either.
            if cfg!(target_pointer_width = "64") {
                "rows 0..3000000000 of HDU 0: FILE: [3000000000, 3000000000] elements of"
            } else {
                "rows 0..3000000000 of HDU 0: FILE: the shape is too large: [3000000000, 3000000000] elements of"
            },
        ),
        (&[&begin[..], &["NAXIS   = 1", "NAXIS1  = 4611686018427387904", "GCOUNT  = 0"]].concat(), "without pixels"),
        (&[&begin[..], &["NAXIS   = 1", "NAXIS1  = 1", "BSCALE  = 1e999"]].concat(), "the card at byte 320: BSCALE is"),
    ] {
        fs::write(&path, [header(cards), data([0; 4])].concat()).unwrap();
        let failure = printed(&path, if text.contains("without") { "--hdu 0" } else { "" }).unwrap_err();
        let text = text.replace("FILE", &path.display().to_string());
        assert!(failure.text.contains(&text) && failure.text.contains("claims.fits"), "{text}: {}", failure.text);
    }

    let groups = ["NAXIS   = 2", "NAXIS1  = 0", "NAXIS2  = 5", "GROUPS  = T", "PCOUNT  = 3", "GCOUNT  = 90"];
    let image = header(&["XTENSION= 'IMAGE'", "BITPIX  = 16", "NAXIS   = 1", "NAXIS1  = 2"]);
    let groups = [header(&[&begin[..], &groups].concat()), data([0; 4 * 90 * 8]), image, data([5, 6])].concat();
    fs::write(&path, groups).unwrap();
    assert_eq!(
        printed(&path, "--hdu 0").unwrap_err().text,
        format!("{}: HDU 0 is random groups, not an image", path.display())
    );
    assert_eq!(statistics(&printed(&path, "").unwrap()), ["2", "0", "5", "6", "5.5"]);

    fs::write(&path, header(&[]).repeat(3)).unwrap();
    let failure = printed(&path, "").unwrap_err();
    assert!(
        failure.text.contains("the card at byte 0: expected the keyword SIMPLE, found \"END     \""),
        "{}",
        failure.text
    );
    let endless = [header(&begin)[..160].to_vec(), b"COMMENT  and so on  ".repeat(5000)].concat();
    fs::write(&path, &endless[..2880 * 30]).unwrap();
    let failure = printed(&path, "").unwrap_err();
    let text = format!("from byte 0 on has not ended yet: {}", path.display());
    assert!(failure.text.contains(&text) && failure.text.contains("byte 86400"), "{}", failure.text);
}

#[test]
fn a_broken_file_is_an_error_or_another_window_but_no_panic() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("broken.fits");
    let picture = folder.path().join("broken.png");
    let show = |file: &[u8]| {
        fs::write(&path, file).unwrap();
        let _ = fs::remove_file(&picture);
        pictured(&path, "--percentiles 1..99", &picture)
    };
    let whole = cube();
    // The window is in the first 24 of the data's bytes, before which everything is needed.
    for len in (0..11520 + 24).step_by(41).chain(11520..11520 + 24) {
        let failure = show(&whole[..len]).unwrap_err();
        let missing = ["the file ends at byte", "the end of the file at byte", "has no image", "empty", "no elements"];
        assert!(missing.iter().any(|text| failure.text.contains(text)), "{len}: {}", failure.text);
    }
    show(&whole[..11520 + 24]).unwrap();
    // The cards that are there, in each of the headers.
    let cards = (0..240).chain(2880..3440).chain(8640..9520);
    for byte in cards.filter(|byte| whole[*byte] != b' ' || byte % 40 == 0) {
        for value in [0, b' ', b'9', b'-', 0xff, whole[byte] ^ 1] {
            let mut broken = whole.clone();
            broken[byte] = value;
            match show(&broken) {
                Ok(text) => assert!(statistics(&text).len() >= 2, "{byte}: {text}"),
                Err(failure) => assert!(failure.text.contains("broken.fits"), "{byte}: {}", failure.text),
            }
        }
    }
}
