//! Pictures.

use crate::{args, inspected, saved};
use mmap_array::{Order, npy};
use std::fs;
use std::path::{Path, PathBuf};

/// The colors of a picture, row by row.
fn pixels(path: &Path) -> (u32, Vec<[u8; 3]>) {
    let mut reader = png::Decoder::new(std::io::BufReader::new(fs::File::open(path).unwrap())).read_info().unwrap();
    let mut bytes = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut bytes).unwrap();
    (info.width, bytes.chunks_exact(3).map(|pixel| pixel.try_into().unwrap()).collect())
}

/// The colors of the picture that is drawn of a file.
fn drawn(file: &Path, picture: &Path) -> (u32, Vec<[u8; 3]>) {
    assert_eq!(inspected([file.as_os_str(), "--plot".as_ref(), picture.as_os_str()]).unwrap(), "");
    pixels(picture)
}

#[test]
fn numbers_are_drawn_as_a_line_or_an_image() {
    let folder = tempfile::tempdir().unwrap();
    let picture = folder.path().join("a.png");
    let plot = |file: &Path| drawn(file, &picture);
    // Up on the left, down on the right.
    let fall: Vec<f32> = (0..5000_i16).map(|number| -f32::from(number)).collect();
    let (width, line) = plot(&saved(folder.path(), "line.npy", &fall, &[5000]));
    let first_blue = |x: u32| {
        let column = line.iter().skip(x as usize).step_by(width as usize);
        column.take(400).position(|&[red, _, blue]| blue > red.saturating_add(60)).unwrap()
    };
    assert!(first_blue(200) + 150 < first_blue(850), "{} {}", first_blue(200), first_blue(850));

    // Dark above and light below.
    let image: Vec<f32> = (0..600_i16).map(|number| f32::from(number / 30)).collect();
    let (width, image) = plot(&saved(folder.path(), "image.npy", &image, &[20, 30]));
    let at = |x: u32, y: u32| image[(y * width + x) as usize];
    assert_eq!(at(300, 50), at(700, 50));
    let light = |[red, green, blue]: [u8; 3]| u32::from(red) + u32::from(green) + u32::from(blue);
    assert!(light(at(500, 50)) + 100 < light(at(500, 520)), "{:?} {:?}", at(500, 50), at(500, 520));
    // Its cells are squares, so the picture is less high than others.
    assert!((540..580).contains(&(image.len() as u32 / width)), "{}", image.len());

    // Of tall and wide arrays too, so that both axes have room for their labels.
    let size = |shape: [usize; 2]| {
        let (width, image) = plot(&saved(folder.path(), "long.npy", &vec![0.5; shape[0] * shape[1]], &shape));
        (width, image.len() as u32 / width)
    };
    let (tall, wide) = (size([50_000, 3]), size([3, 50_000]));
    assert!((400..700).contains(&tall.0) && tall.1 == 700, "{tall:?}");
    assert!(wide.0 == 1000 && (300..450).contains(&wide.1), "{wide:?}");

    // One row of a leading axis is an image too.
    let stack = saved(folder.path(), "stack.npy", &[0.0; 24], &[2, 3, 4]);
    let target = picture.display().to_string();
    let failure = |path: &Path, rows: &str| {
        let text = inspected(args(path, &format!("{rows} --plot {target}"))).unwrap_err().text;
        text.strip_prefix(&format!("{}: ", path.display())).unwrap().to_owned()
    };
    let three = "3 axes cannot be drawn, only one or two, not counting axes of length 1";
    assert_eq!(failure(&stack, ""), format!("{three}; --rows 0 takes one row of the first"));
    assert_eq!(inspected(args(&stack, &format!("--rows 0..1 --plot {target}"))).unwrap(), "");
    assert_eq!(inspected(args(&stack, &format!("--rows 1..2 --plot {target}"))).unwrap(), "");
    let higher = saved(folder.path(), "higher.npy", &[0.0; 60], &[5, 2, 3, 2]);
    assert_eq!(failure(&higher, "--rows 2..4"), three.replace('3', "4"), "one row has three axes");
    assert_eq!(failure(&higher, "--rows 2..3"), three);
    let stack = saved(folder.path(), "stack.npy", &[0.0; 40], &[5, 1, 4, 2]);
    assert_eq!(failure(&stack, "--rows 2.."), format!("{three}; --rows 2 takes one row of the first"));
    assert_eq!(inspected(args(&stack, &format!("--rows 2..3 --plot {target}"))).unwrap(), "");
    assert_eq!(
        inspected(args(&saved(folder.path(), "one.npy", &[1.0], &[1, 1, 1]), &format!("--plot {target}"))).unwrap(),
        ""
    );
    assert!(inspected(args(&stack, "--rows 2..3 --plot a.jpg")).unwrap_err().text.contains(".png"));

    for odd in [&[][..], &[f32::NAN], &[1.0; 3], &[0.0, f32::MAX, f32::MIN], &[1e-45, 2e-45], &[f32::INFINITY, 1.0]] {
        plot(&saved(folder.path(), "odd.npy", odd, &[odd.len()]));
        plot(&saved(folder.path(), "odd.npy", odd, &[odd.len(), 1]));
    }
}

/// A file of elements of a dtype.
fn of(folder: &Path, descr: &str, shape: &[usize], bytes: impl IntoIterator<Item = u8>) -> PathBuf {
    let header = npy::Header::new(mmap_array::DType::from_descr(descr).unwrap(), shape, Order::C).unwrap();
    let mut file = header.to_bytes().unwrap();
    file.extend(bytes);
    let path = folder.join("of.npy");
    fs::write(&path, file).unwrap();
    path
}

#[test]
fn three_channels_are_colors_and_complex_numbers_and_times_are_drawn() {
    let folder = tempfile::tempdir().unwrap();
    let picture = folder.path().join("a.png");
    let plot = |file: &Path| drawn(file, &picture);
    // Left red, right blue, as bytes, as halves of a word, and as floats.
    let (left, right) = ([255_u8, 0, 0], [0, 0, 255]);
    let image: Vec<u8> = (0..20 * 30).flat_map(|pixel| if pixel % 30 < 15 { left } else { right }).collect();
    let bytes = of(folder.path(), "'|u1'", &[20, 30, 3], image.iter().copied());
    let (width, first) = plot(&bytes);
    let at = |image: &[[u8; 3]], x: u32| image[(300 * width + x) as usize];
    assert_eq!([at(&first, 200), at(&first, 900)], [left, right]);
    let words = image.iter().flat_map(|&byte| (u16::from(byte) * 257).to_be_bytes());
    assert!(
        plot(&of(folder.path(), "'>u2'", &[20, 30, 3], words)).1.iter().filter(|&&pixel| pixel == left).count()
            > 100_000
    );
    let floats = image.iter().flat_map(|&byte| (f32::from(byte) / 255.0).to_le_bytes());
    assert_eq!(at(&plot(&of(folder.path(), "'<f4'", &[20, 30, 3], floats)).1, 900), right);
    // A fourth channel is opacity: nothing at all is white.
    let clear = of(folder.path(), "'|u1'", &[20, 30, 4], image.chunks(3).flat_map(|rgb| [rgb[0], rgb[1], rgb[2], 0]));
    assert_eq!(at(&plot(&clear).1, 200), [255; 3]);

    let blue = |image: &[[u8; 3]]| image.iter().filter(|&&[red, _, blue]| blue > red.saturating_add(60)).count();
    let turning = (0..1000).flat_map(|k| <[f64; 2]>::from((f64::from(k) / 50.0).sin_cos())).flat_map(f64::to_le_bytes);
    // All of one magnitude, so that one bar has them all.
    let circle = plot(&of(folder.path(), "'<c16'", &[1000], turning)).1;
    let seconds = (0..1000_i64).flat_map(|k| (1_583_020_800 + 60 * k).to_le_bytes());
    let times = plot(&of(folder.path(), "'<M8[s]'", &[1000], seconds)).1;
    assert!(blue(&circle) > 1000 && blue(&times) > 4 * blue(&circle), "{} {}", blue(&circle), blue(&times));
    let nat = of(folder.path(), "'<M8[s]'", &[2], [i64::MIN; 2].into_iter().flat_map(i64::to_le_bytes));
    plot(&nat);
}

#[test]
fn what_cannot_be_drawn_says_so_and_leaves_no_picture() {
    let folder = tempfile::tempdir().unwrap();
    let good = saved(folder.path(), "good.npy", &[1.0, 2.0], &[2]);
    let short = saved(folder.path(), "short.npy", &[1.0, 2.0], &[3]);
    let zero_d = saved(folder.path(), "zero.npy", &[1.0], &[]);
    let records = of(folder.path(), "[('a', '|u1')]", &[2], [1, 2]);
    let texts = folder.path().join("texts.npy");
    fs::rename(of(folder.path(), "'|S2'", &[2], *b"abcd"), &texts).unwrap();
    let records = if records.exists() { records } else { of(folder.path(), "[('a', '|u1')]", &[2], [1, 2]) };
    let target = folder.path().join("a.png").display().to_string();
    for (path, target, expected) in [
        (&short, "no/such/folder/a.png", "need 12 bytes"),
        (&good, "no/such/folder/a.png", "no/such/folder/a.png: the picture cannot be written"),
        (&zero_d, &target, "0 axes cannot be drawn"),
        (&records, &target, "records cannot be drawn; choose a field of numbers by --field, one of [\"a\"]"),
        (&texts, &target, "elements of |S2 are no numbers"),
    ] {
        let failure = inspected(args(path, &format!("--plot {target}"))).unwrap_err();
        assert_eq!((failure.status, failure.text.lines().count()), (1, 1), "{}", failure.text);
        assert!(failure.text.contains(expected), "{}", failure.text);
    }
    assert!(!folder.path().join("a.png").exists());
    // No colors, and the picture is not the file.
    let points = saved(folder.path(), "points.npy", &[1.5; 36], &[3, 4, 3]);
    let failure = inspected(args(&points, &format!("--plot {target}"))).unwrap_err();
    assert!(failure.text.contains("a color from 0 to 1, but these are from 1.5 to 1.5"), "{}", failure.text);
    let itself = folder.path().join("itself.png");
    fs::copy(&good, &itself).unwrap();
    let failure = inspected(args(&itself, &format!("--plot {}", itself.display()))).unwrap_err();
    assert!(failure.text.contains("the picture would replace the file itself"), "{}", failure.text);
    let failure = inspected([good.as_os_str(), good.as_os_str(), "--plot".as_ref(), "a.png".as_ref()]).unwrap_err();
    assert!(failure.status == 2 && failure.text.contains("--plot draws one array"), "{}", failure.text);
}
