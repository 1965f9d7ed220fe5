//! Lists the largest functions of a program from its symbol table, an array of records in the middle of a file.
//!
//! ```text
//! cargo run --release --example elf_symbols
//! cargo run --release --example elf_symbols FILE
//! ```
//!
//! Without an argument, the program reads its own file. The file header contains the position of the section headers,
//! and those contain the positions of the symbols and of their names. Each of these tables is mapped as an array of
//! records, after its length was checked against the file's. The file may contain anything: if it is damaged, or
//! truncated while it is read, the program returns an error that describes the problem.
#![forbid(unsafe_code)]

use bytemuck::{Pod, Zeroable};
use mmap_array::{ArrayView, MmapArray, MmapArrayMut, SharedArray, access::Shared, field, shared, view::Field};
use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::error::Error;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// The number of functions that are printed.
const MOST: usize = 20;

fn main() -> ExitCode {
    let mut args = std::env::args_os().skip(1);
    let (file, rest) = (args.next().map(PathBuf::from), args.next());
    if rest.is_some() || file.as_ref().is_some_and(|file| file.as_os_str() == "--help") {
        eprintln!("usage: elf_symbols [FILE]");
        return ExitCode::from(2);
    }
    let itself = file.is_none();
    let listed = (file.map_or_else(std::env::current_exe, Ok).map_err(Into::into))
        .and_then(|file| list(&file, &mut io::stdout().lock()));
    let Err(error) = listed else { return ExitCode::SUCCESS };
    let hint = if itself { "; pass a program to read instead of this one: elf_symbols FILE" } else { "" };
    eprintln!("elf_symbols: {error}{hint}");
    ExitCode::FAILURE
}

/// The header of the file. Words have 4 or 8 bytes, depending on the class of the file. It is packed because a file
/// need not align its records.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C, packed)]
struct Header<W> {
    ident: [u8; 16],
    kind: u16,
    machine: u16,
    version: u32,
    entry: W,
    program_headers: W,
    section_headers: W,
    flags: u32,
    size: u16,
    program_header_size: u16,
    program_header_count: u16,
    section_header_size: u16,
    section_count: u16,
    names: u16,
}

/// The header of a section.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C, packed)]
struct Section<W> {
    name: u32,
    kind: u32,
    flags: W,
    address: W,
    offset: W,
    size: W,
    link: u32,
    info: u32,
    alignment: W,
    entry_size: W,
}

#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C, packed)]
struct Symbol32 {
    name: u32,
    address: u32,
    size: u32,
    info: u8,
    other: u8,
    section: u16,
}

#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C, packed)]
struct Symbol64 {
    name: u32,
    info: u8,
    other: u8,
    section: u16,
    address: u64,
    size: u64,
}

/// A symbol of either class. Both classes have the same fields, but in a different order.
trait Symbol: Pod {
    type Word: Pod + Into<u64>;
    const NAME: Field<Self, u32>;
    const INFO: Field<Self, u8>;
    const SECTION: Field<Self, u16>;
    const ADDRESS: Field<Self, Self::Word>;
    const SIZE: Field<Self, Self::Word>;
}

impl Symbol for Symbol32 {
    type Word = u32;
    const NAME: Field<Self, u32> = field!(Self, name);
    const INFO: Field<Self, u8> = field!(Self, info);
    const SECTION: Field<Self, u16> = field!(Self, section);
    const ADDRESS: Field<Self, u32> = field!(Self, address);
    const SIZE: Field<Self, u32> = field!(Self, size);
}

impl Symbol for Symbol64 {
    type Word = u64;
    const NAME: Field<Self, u32> = field!(Self, name);
    const INFO: Field<Self, u8> = field!(Self, info);
    const SECTION: Field<Self, u16> = field!(Self, section);
    const ADDRESS: Field<Self, u64> = field!(Self, address);
    const SIZE: Field<Self, u64> = field!(Self, size);
}

/// Prints the header of a program, and its largest functions.
pub(crate) fn list(path: &Path, out: &mut impl Write) -> Result<(), Box<dyn Error>> {
    let program = Program { path };
    let ident = program.map::<u8>("the first bytes", 0, 16)?.load()?;
    let [0x7f, b'E', b'L', b'F', class, byte_order, ..] = ident[..] else {
        return Err(program.error("not an ELF file"));
    };
    let (own, other) = if cfg!(target_endian = "little") { (1, 2) } else { (2, 1) };
    match (class, byte_order) {
        (1, order) if order == own => program.list::<Symbol32>(out),
        (2, order) if order == own => program.list::<Symbol64>(out),
        (1 | 2, order) if order == other => {
            Err(program.error("an ELF file in foreign byte order, which this example does not support"))
        }
        _ => Err(program.error(format!("expected class and byte order 1 or 2, found {class} and {byte_order}"))),
    }
}

struct Program<'a> {
    path: &'a Path,
}

impl Program<'_> {
    fn error(&self, text: impl AsRef<str>) -> Box<dyn Error> {
        format!("{}: {}", self.path.display(), text.as_ref()).into()
    }

    /// Maps records of the file; `what` names them in errors.
    fn map<T: Pod>(&self, what: &str, offset: u64, count: u64) -> Result<SharedArray<T>, Box<dyn Error>> {
        let too_many = |_| self.error(format!("{what}: {count} records exceed the address space"));
        let len = usize::try_from(count).map_err(too_many)?;
        let options = MmapArray::options().offset(offset).shape(len);
        options.open_shared(self.path).map_err(|error| format!("{what}: {error}").into())
    }

    fn list<S: Symbol>(&self, out: &mut impl Write) -> Result<(), Box<dyn Error>> {
        let header = self.map::<Header<S::Word>>("the header", 0, 1)?.at(0)?;
        let sections = self.sections(&header)?;

        let kinds = sections.project(field!(Section<S::Word>, kind));
        let position = |wanted| kinds.iter().position(|kind| kind == wanted);
        // All symbols, or, if the program was stripped of them, those that the dynamic linker needs.
        let Some((table, index)) =
            position(2).map(|index| (".symtab", index)).or_else(|| position(11).map(|index| (".dynsym", index)))
        else {
            return Err(self.error("has no symbol table"));
        };
        let section = sections[index];
        let (offset, size, entry_size) = (section.offset.into(), section.size.into(), section.entry_size.into());
        let record = size_of::<S>() as u64;
        if entry_size != record || size % record != 0 {
            return Err(self.error(format!("{table} has {size} bytes in records of {entry_size}, not of {record}")));
        }
        let symbols = self.map::<S>(table, offset, size / record)?;

        let link = section.link;
        let strings = sections.get(link as usize).filter(|section| section.kind == 3);
        let strings = strings
            .ok_or_else(|| self.error(format!("{table} has its names in section {link}, which is no string table")))?;
        let strings = self.map::<u8>("the names", strings.offset.into(), strings.size.into())?;
        // The names are valid only once `try_read` has returned without an error.
        let (functions, rows) = shared::try_read((&symbols, &strings), |(symbols, strings)| {
            let (functions, largest) = largest(&symbols);
            let rows = largest.into_iter().map(|(Reverse(size), address, index)| {
                let start = symbols.project(S::NAME).at(index);
                let endless = || self.error(format!("the name of symbol {index}, at {start}, has no terminating zero"));
                Ok((size, address, name_at(&strings, start).ok_or_else(endless)?))
            });
            let rows: Result<Vec<_>, Box<dyn Error>> = rows.collect();
            rows.map(|rows| (functions, rows))
        })?;

        let bits = 8 * size_of::<S::Word>();
        let (machine, entry) = (machine_name(header.machine), header.entry.into());
        writeln!(out, "ELF{bits}, {machine}, entry {entry:#x}, {} sections", sections.len())?;
        writeln!(out, "{table}: {} records of {record} bytes at byte {offset}, {functions} functions", symbols.len())?;
        let digits = bits / 4;
        writeln!(out, "\n{:>8}  {:<digits$}  Name", "Size", "Address")?;
        for (size, address, name) in rows {
            writeln!(out, "{size:>8}  {address:0digits$x}  {name}")?;
        }
        Ok(())
    }

    fn sections<W: Pod + Into<u64>>(&self, header: &Header<W>) -> Result<MmapArrayMut<Section<W>>, Box<dyn Error>> {
        let (offset, size, count) = (header.section_headers.into(), header.section_header_size, header.section_count);
        if offset == 0 {
            return Err(self.error("has no sections, and therefore no symbol table"));
        }
        if usize::from(size) != size_of::<Section<W>>() {
            return Err(self.error(format!("has section headers of {size} bytes, not {}", size_of::<Section<W>>())));
        }
        let map = |count| self.map::<Section<W>>("the section headers", offset, count);
        // A number that does not fit into 16 bits is in the first section header, which is otherwise unused.
        let count = if count == 0 { map(1)?.at(0)?.size.into() } else { count.into() };
        Ok(map(count)?.load()?)
    }
}

/// Returns the number of functions, and the size, address and symbol index of each of the largest.
fn largest<S: Symbol>(symbols: &ArrayView<'_, S, Shared>) -> (usize, BTreeSet<(Reverse<u64>, u64, usize)>) {
    let (kinds, homes) = (symbols.project(S::INFO), symbols.project(S::SECTION));
    let (sizes, addresses) = (symbols.project(S::SIZE), symbols.project(S::ADDRESS));
    let mut functions = 0;
    let mut largest = BTreeSet::new();
    for (index, (info, home)) in kinds.into_iter().zip(homes).enumerate() {
        let size: u64 = sizes.at(index).into();
        // Functions have the kind 2; undefined ones, which other files define, are in section 0.
        if info & 0xf == 2 && home != 0 && size > 0 {
            functions += 1;
            largest.insert((Reverse(size), addresses.at(index).into(), index));
        }
        if largest.len() > MOST {
            largest.pop_last();
        }
    }
    (functions, largest)
}

/// Returns the name that begins at a byte, or `None` if no zero terminates it.
fn name_at(strings: &ArrayView<'_, u8, Shared>, start: u32) -> Option<String> {
    let rest = strings.rows((start as usize).min(strings.len())..);
    let len = rest.iter().position(|byte| byte == 0)?;
    // The name is printed to a terminal, which must not interpret it.
    Some(String::from_utf8_lossy(&rest.rows(..len).to_vec()).replace(char::is_control, "?"))
}

fn machine_name(machine: u16) -> String {
    let name = match machine {
        3 => "x86",
        8 => "MIPS",
        20 => "PowerPC",
        21 => "PowerPC 64",
        22 => "S/390",
        40 => "ARM",
        62 => "x86-64",
        183 => "AArch64",
        243 => "RISC-V",
        258 => "LoongArch",
        _ => return format!("machine {machine}"),
    };
    name.into()
}
