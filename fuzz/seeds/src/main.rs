//! Creates the inputs from which the fuzzer starts: `seeds FOLDER [KIND] SOURCE…` writes every string in the Rust
//! sources as a file into the folder, and the short words among them to the dictionary `FOLDER.dict`, in libFuzzer's
//! format.
//!
//! With a kind, the files are in the form of the target of that name:
//!
//! - `--npy`: `.npy` files in which the strings are headers, dtypes or shapes;
//! - `--npz`: archives of such files, stored and deflated;
//! - `--tar`: tar archives of them, under names in each way;
//! - `--concat`: such a file twice, or a pickle;
//! - `--compressed`: such files compressed by gzip and by Zstandard, with a byte that says which in place of the first
//!   four.

use flate2::Compression;
use flate2::write::{DeflateEncoder, GzEncoder};
use proc_macro2::{TokenStream, TokenTree};
use rawzip::{CompressionMethod, ZipArchiveWriter};
use std::collections::BTreeSet;
use std::error::Error;
use std::io::Write;
use std::path::Path;
use std::{env, fs};

fn add_strings(tokens: TokenStream, strings: &mut BTreeSet<String>) {
    for token in tokens {
        match token {
            TokenTree::Group(group) => add_strings(group.stream(), strings),
            TokenTree::Literal(literal) => {
                if let syn::Lit::Str(string) = syn::Lit::new(literal) {
                    strings.insert(string.value());
                }
            }
            TokenTree::Ident(_) | TokenTree::Punct(_) => {}
        }
    }
}

/// Returns `.npy` files that contain the string as a header, a dtype or a shape, if it looks like one.
fn npy(string: &str) -> Vec<Vec<u8>> {
    let dict = |descr: &str, order: &str, shape: &str| {
        format!("{{'descr': {descr}, 'fortran_order': {order}, 'shape': {shape}, }}\n")
    };
    let texts = match string.trim_start().as_bytes() {
        [b'{', ..] => vec![string.to_owned()],
        [b'(', ..] => vec![dict("'<i2'", "False", string), dict("[('a', '>f8')]", "True", string)],
        [b'[' | b'\'', ..] => vec![dict(string, "False", "(3,)"), dict(string, "True", "(2, 2)")],
        _ => return Vec::new(),
    };
    let file = |text: &String| {
        let len = text.len().to_le_bytes();
        let start = if text.is_ascii() { [b"\x93NUMPY\x01\0", &len[..2]] } else { [b"\x93NUMPY\x03\0", &len[..4]] };
        [&start.concat(), text.as_bytes(), &(0..=255).collect::<Vec<u8>>()].concat()
    };
    texts.iter().filter(|text| text.len() < 2000).map(file).collect()
}

/// Returns an archive that contains the file twice, as a stored member and as a deflated one.
fn npz(file: &[u8]) -> Result<Vec<u8>, Box<dyn Error>> {
    let mut zip = ZipArchiveWriter::new(Vec::new());
    let (mut entry, config) = zip.new_file("a.npy").start()?;
    let mut writer = config.wrap(&mut entry);
    writer.write_all(file)?;
    let (_, sums) = writer.finish()?;
    entry.finish(sums)?;
    let (mut entry, config) = zip.new_file("é.npy").compression_method(CompressionMethod::DEFLATE).start()?;
    let mut writer = config.wrap(DeflateEncoder::new(&mut entry, Compression::default()));
    writer.write_all(file)?;
    let (encoder, sums) = writer.finish()?;
    encoder.finish()?;
    entry.finish(sums)?;
    Ok(zip.finish()?)
}

/// Returns the file compressed in both formats.
fn compressed(file: &[u8]) -> Result<[Vec<u8>; 2], Box<dyn Error>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(file)?;
    let frame = ruzstd::encoding::compress_to_vec(file, ruzstd::encoding::CompressionLevel::Fastest);
    Ok([[&[0], &encoder.finish()?[4..]].concat(), [&[1], &frame[4..]].concat()])
}

/// Pickles of stacks, of protocols 2 and 4.
const PICKLES: [&[u8]; 2] = [
    b"\x80\x02}q\0(X\x06\0\0\0chunksq\x01K\x03Jp\x11\x01\0K\x01\x87q\x02K\x02\x85q\x03\x86q\x04X\x05\0\0\0dtypeq\x05\
      cnumpy\ndtype\nq\x06X\x02\0\0\0f8q\x07\x89\x88\x87q\x08Rq\t(K\x03X\x01\0\0\0<q\nNNNJ\xff\xff\xff\xffJ\xff\xff\xff\
      \xffK\0tq\x0bbX\x04\0\0\0axisq\x0cK\0u.",
    b"\x80\x04}(\x8c\x06chunksK\x03K\x02\x86\x85\x8c\x05dtype\x8c\x05numpy\x8c\x05dtype\x93\x8c\x02f8\x89\x88\x87R\x8c\
      \x04axisK\0u.",
];

/// Returns the file twice, each time with its length before it.
fn twice(file: &[u8]) -> Vec<u8> {
    [&(file.len() as u16).to_le_bytes(), file].concat().repeat(2)
}

/// Returns two tar archives that contain the file: under a plain name and a long one, and under that of a PAX header,
/// with links.
fn tar(file: &[u8]) -> Result<[Vec<u8>; 2], Box<dyn Error>> {
    let mut header = tar::Header::new_gnu();
    header.set_size(file.len() as u64);
    let mut gnu = tar::Builder::new(Vec::new());
    gnu.append_data(&mut header, "a.npy", file)?;
    gnu.append_data(&mut header, "long/".repeat(30), file)?;
    let mut pax = tar::Builder::new(Vec::new());
    pax.append_pax_extensions([("path", "é.npy".as_bytes()), ("size", file.len().to_string().as_bytes())])?;
    let mut header = tar::Header::new_ustar();
    header.set_size(file.len() as u64);
    pax.append_data(&mut header, "cut", file)?;
    for kind in [tar::EntryType::Link, tar::EntryType::Symlink] {
        let mut header = tar::Header::new_gnu();
        header.set_size(0);
        header.set_entry_type(kind);
        pax.append_link(&mut header, "link", "a.npy")?;
    }
    Ok([gnu.into_inner()?, pax.into_inner()?])
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = env::args().skip(1).peekable();
    let folder = args.next().ok_or("usage: seeds FOLDER [--KIND] SOURCE…")?;
    let kind = args.next_if(|arg| arg.starts_with("--"));
    let mut strings = BTreeSet::new();
    for source in args {
        add_strings(fs::read_to_string(&source)?.parse()?, &mut strings);
    }
    fs::create_dir_all(&folder)?;
    let files = || strings.iter().flat_map(|string| npy(string));
    let seeds: Vec<Vec<u8>> = match kind.as_deref() {
        Some("--npy") => files().collect(),
        Some("--compressed") => {
            files().map(|file| compressed(&file)).collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect()
        }
        Some("--concat") => files().map(|file| twice(&file)).chain(PICKLES.map(<[u8]>::to_vec)).collect(),
        Some("--npz") => files().map(|file| npz(&file)).collect::<Result<_, _>>()?,
        Some("--tar") => files().map(|file| tar(&file)).collect::<Result<Vec<_>, _>>()?.concat(),
        Some(kind) => return Err(format!("there is no kind {kind}").into()),
        None => strings.iter().map(|string| string.clone().into_bytes()).collect(),
    };
    for (number, seed) in seeds.iter().enumerate() {
        fs::write(Path::new(&folder).join(number.to_string()), seed)?;
    }
    let words: BTreeSet<&str> = strings
        .iter()
        .flat_map(|string| string.split(' ').chain([string.as_str()]))
        .filter(|word| (1..=16).contains(&word.len()))
        .collect();
    let entry = |word: &str| {
        let bytes: String = word.bytes().map(|byte| format!("\\x{byte:02x}")).collect();
        format!("\"{bytes}\"\n")
    };
    fs::write(format!("{folder}.dict"), words.into_iter().map(entry).collect::<String>())?;
    println!("{} seeds in {folder}", seeds.len());
    Ok(())
}
