//! Headers that people and other programs write, and headers with mistakes: what is read is what NumPy reads, and what
//! only one of the two reads is known.
//!
//! Each case of the tables is a test; NumPy tries the files of all of them in one run.

use crate::mutations::{Random, TEXTS, TOKENS, mutated};
use crate::npy::run;
use crate::python::Python;
use crate::texts::REFUSED;
use crate::told::told;
use mmap_array::npy::{self, Header};
use mmap_array::{ErrorKind, Order};
use std::fs;
use std::sync::OnceLock;

const V1: (u8, u8) = (1, 0);
const V2: (u8, u8) = (2, 0);
const V3: (u8, u8) = (3, 0);

/// The bytes behind each header, which are more than those need that are opened.
const DATA: usize = 4096;

/// A file with this header, in the encoding of the version, and data.
fn file(version: (u8, u8), text: &str) -> Vec<u8> {
    let bytes = match version {
        (1 | 2, 0) if text.chars().all(|c| u32::from(c) < 256) => text.chars().map(|c| c as u8).collect(),
        _ => text.as_bytes().to_vec(),
    };
    file_of(version, &bytes)
}

fn file_of((major, minor): (u8, u8), text: &[u8]) -> Vec<u8> {
    let mut file = [b"\x93NUMPY", &[major, minor][..]].concat();
    match (major, minor) {
        (1, 0) => file.extend(u16::try_from(text.len()).unwrap().to_le_bytes()),
        _ => file.extend(u32::try_from(text.len()).unwrap().to_le_bytes()),
    }
    file.extend(text);
    file.resize(file.len() + DATA, 0);
    file
}

/// A header with these parts.
fn dict(descr: &str, fortran_order: &str, shape: &str) -> String {
    format!("{{'descr': {descr}, 'fortran_order': {fortran_order}, 'shape': {shape}, }}")
}

fn descr(descr: &str) -> Vec<u8> {
    file(V1, &dict(descr, "False", "(2,)"))
}

fn order(fortran_order: &str) -> Vec<u8> {
    file(V1, &dict("'<i4'", fortran_order, "(2, 3)"))
}

fn shape(shape: &str) -> Vec<u8> {
    file(V1, &dict("'<i4'", "False", shape))
}

/// A header as NumPy writes it, padded until the data begin at this byte.
fn data_at(start: usize, padding: char) -> Vec<u8> {
    let text = "{'descr': '<i4', 'fortran_order': False, 'shape': (2,), }";
    file(V1, &format!("{text}{}", padding.to_string().repeat(start - 10 - text.len())))
}

/// What is said of a header that is read: shape, order, and the dtype's `descr` in either byte order. (Types without an
/// order have the machine's, which may not be Python's.)
fn said(header: &Header) -> String {
    let shape = header.shape().iter().map(usize::to_string).collect::<Vec<_>>().join(",");
    let order = if header.order() == Order::F { "F" } else { "C" };
    format!("{}\t{order}\t{}", if shape.is_empty() { "-" } else { &shape }, told(header.dtype()))
}

/// The same of both sides, without what depends on the machine.
fn turned<'a>(parts: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    parts.into_iter().enumerate().filter(|(i, _)| ![2, 3].contains(i)).map(|(_, part)| part.to_owned()).collect()
}

/// What NumPy says of each of these files.
fn tried(python: &Python, files: &[Vec<u8>]) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    for (number, file) in files.iter().enumerate() {
        fs::write(folder.path().join(format!("{number}.npy")), file).unwrap();
    }
    let lines = run(python, "try", folder.path(), files.len());
    assert_eq!(lines.len(), files.len());
    lines.into_iter().map(|line| line.join("\t")).collect()
}

/// What a test expects.
#[derive(Clone, Copy)]
enum Expected {
    /// Both read it, as the same.
    Read,
    /// Both refuse it.
    Refused,
    /// NumPy alone reads it; the error here says this.
    ReadByNumPy(&'static str),
    /// NumPy refuses it.
    ReadHere,
}
use Expected::{Read, ReadByNumPy, ReadHere, Refused};

macro_rules! cases {
    ($($expected:expr => { $($name:ident: $file:expr;)* })*) => {
        const CASES: &[(&str, fn() -> Vec<u8>)] = &[$($((stringify!($name), || $file),)*)*];

        $($(
            #[test]
            #[cfg_attr(windows, ignore = "under Wine there is no Python")]
            fn $name() {
                check(stringify!($name), $expected);
            }
        )*)*
    };
}

fn check(name: &str, expected: Expected) {
    static NUMPY: OnceLock<Option<Vec<String>>> = OnceLock::new();
    let numpy = NUMPY.get_or_init(|| {
        let files: Vec<_> = CASES.iter().map(|(_, file)| file()).collect();
        Some(tried(Python::get()?, &files))
    });
    let number = CASES.iter().position(|&(case, _)| case == name).unwrap();
    let file = CASES[number].1();
    let read = Header::read(&mut &file[..]);
    let numpy = numpy.as_ref().map(|lines| lines[number].as_str());
    let numpy_refuses = numpy.is_none_or(|line| line.starts_with("refused"));
    match expected {
        Read | ReadHere => {
            let header = read.unwrap();
            check_opens(&file, &header);
            match (numpy, expected) {
                (Some(line), Read) => assert_eq!(turned(said(&header).split('\t')), turned(line.split('\t'))),
                _ => assert!(numpy_refuses, "{numpy:?}"),
            }
        }
        Refused => {
            let error = read.unwrap_err();
            assert!([ErrorKind::Header, ErrorKind::Overflow, ErrorKind::Shape].contains(&error.kind()), "{error:?}");
            assert!(numpy_refuses, "{numpy:?}, and here {error}");
        }
        ReadByNumPy(why) => {
            let error = read.unwrap_err().to_string();
            assert!(error.contains(why), "{error}");
            assert!(!numpy.is_some_and(|line| line.starts_with("refused")), "{numpy:?}");
        }
    }
}

/// The file opens as what its header says, with the elements behind the header.
fn check_opens(file: &[u8], header: &Header) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("case.npy");
    fs::write(&path, file).unwrap();
    // SAFETY: nobody else uses the file.
    let array = unsafe { npy::dyn_options().open(&path) }.unwrap();
    assert_eq!((array.shape(), array.order(), array.dtype()), (header.shape(), header.order(), header.dtype()));
    assert_eq!(array.byte_offset(), (file.len() - DATA) as u64);
    assert_eq!(array.as_bytes().unwrap().len() as u64, header.nbytes());
}

cases! {
    Read => {
        no_padding: file(V1, "{'descr': '<i4', 'fortran_order': False, 'shape': (2,)}");
        no_newline_behind_the_padding: data_at(128, ' ');
        newlines_as_padding: data_at(128, '\n');
        data_at_80: data_at(80, ' ');
        data_at_112: data_at(112, ' ');
        data_at_256: data_at(256, ' ');
        data_at_an_odd_byte: data_at(97, '\t');
        an_array_without_axes: shape("()");
        leading_white_space: file(V1, &format!(" \t {}", dict("'<i4'", "False", "(2,)")));
        a_newline_in_front: file(V1, &format!("\n{}", dict("'<i4'", "False", "(2,)")));
        tabs_and_newlines_between: file(V1, "{\t'descr'\n:\r\n'<i4'\x0c, 'fortran_order' :False,'shape':\t(\n2\n,\n)\n}\n\n");
        no_space_at_all: file(V1, "{'descr':'<i4','fortran_order':False,'shape':(2,)}");
        keys_in_another_order: file(V1, "{'shape': (2,), 'fortran_order': False, 'descr': '<i4'}");
        a_key_twice: file(V1, "{'shape': (9,), 'descr': '<i4', 'fortran_order': True, 'shape': (2, 3), }");
        a_broken_value_that_another_replaces: file(V1, "{'shape': None, 'descr': '<i4', 'fortran_order': True, 'shape': (2, 3), }");
        comments: file(V1, "{'descr': '<i4', # the type }\n 'fortran_order': False, 'shape': (2,), } # the end");
        double_quotes: file(V1, "{\"descr\": \"<i4\", \"fortran_order\": False, \"shape\": (2,), }");
        triple_quotes: descr("'''<i4'''");
        unicode_and_raw_strings: file(V1, "{u'descr': r'<i4', U'fortran_order': False, R'shape': (2,)}");
        escapes_in_strings: file(V1, "{'de\\x73cr': '\\74i4', 'fortran_order': False, 'shape': (2,)}");
        strings_in_two_parts: file(V1, "{'de' 'scr': '<' 'i4', 'fortran_order': False, 'shape': (2,)}");
        a_line_that_goes_on: file(V1, "{'descr': '<i4', 'fortran_order': \\\n False, 'shape': (2,)}");
        no_trailing_comma_in_the_shape: shape("(2, 3)");
        a_trailing_comma_in_the_shape: shape("(2, 3,)");
        a_hexadecimal_length: shape("(0x2,)");
        an_octal_length: shape("(0o10,)");
        a_binary_length: shape("(0b11,)");
        a_length_with_an_underscore: shape("(1_0,)");
        a_length_with_a_sign: shape("(+2,)");
        a_length_of_minus_zero: shape("(-0, 3)");
        a_length_in_parentheses: shape("((2),)");
        the_whole_in_parentheses: file(V1, &format!("({})", dict("'<i4'", "False", "(2,)")));
        python_2_s_long_in_version_1: shape("(10L, 2)");
        python_2_s_long_in_version_2: file(V2, &dict("'<i4'", "False", "(10L,)"));
        python_2_s_long_in_a_field: descr("[('a', '<i4', (2L,))]");
        native_order: descr("'=i4'");
        no_order: descr("'i4'");
        no_order_where_there_is_one: descr("'|i4'");
        an_order_where_there_is_none: descr("'<u1'");
        an_order_of_truth_values: descr("'>b1'");
        a_type_by_its_name: descr("'float64'");
        a_field_that_is_a_list: descr("[['a', '<i4'], ['b', '<f8', [2]]]");
        a_field_s_shape_that_is_an_integer: descr("[('a', '<i4', 3)]");
        a_field_s_shape_that_is_a_list: descr("[('a', '<i4', [3, 2])]");
        padding_that_is_a_subarray: descr("[('a', '|u1'), ('', '|V1', (3,)), ('b', '<i4')]");
        a_subarray_of_no_elements: descr("[('a', '<i4', (0,)), ('b', '<i4')]");
        a_subarray_without_axes: descr("[('a', '<i4', ())]");
        subarrays_of_subarrays: descr("[('c', ('<f8', (5,)), (2,))]");
        titles: descr("[(('aa', 'a'), '<i4'), ('', '|V1'), (('bb', 'b'), '<i4')]");
        a_field_with_an_empty_name: descr("[('a', '<i4'), ('', '<i4')]");
        fortran_order_of_one_axis: file(V1, &dict("'<i4'", "True", "(3,)"));
        fortran_order_of_no_axis: file(V1, &dict("'<i4'", "True", "()"));
        fortran_order_of_two_axes: order("True");
        void_of_no_bytes: descr("'|V0'");
        bytes_of_no_bytes: descr("'|S0'");
        text_of_no_characters: descr("'<U0'");
        records_of_no_fields: descr("[]");
        records_of_padding: descr("[('', '|V8')]");
        times: descr("[('a', '<M8[ns]'), ('b', '>m8[25s]'), ('c', '<M8')]");
        a_latin_1_name_in_version_1: descr("[('é', '<i4')]");
        a_latin_1_name_in_version_2: file(V2, &dict("[('é', '<i4')]", "False", "(2,)"));
        a_utf_8_name_in_version_3: file(V3, &dict("[('整形 é', '<i4')]", "False", "(2,)"));
        a_utf_8_name_in_version_1_is_latin_1: file_of(V1, dict("[('整', '<i4')]", "False", "(2,)").as_bytes());
        a_header_of_10_000_characters: data_at(10_010, ' ');
        a_header_of_10_000_characters_of_4_bytes:
            file(V3, &format!("{}#{}", dict("'<i4'", "False", "(2,)"), "𝄞".repeat(9_942)));
        an_axis_of_zero: shape("(3, 0, 2)");
        as_many_axes_as_in_numpy: shape(&format!("({})", "1,".repeat(64)));
        a_large_axis_beside_one_of_zero: shape("(0, 536870911)");
    }
    Refused => {
        nul_padding: data_at(128, '\0');
        a_nul_within: descr("'<i4\0'");
        text_behind_the_dict: file(V1, &format!("{} x", dict("'<i4'", "False", "(2,)")));
        a_second_dict: file(V1, &dict("'<i4'", "False", "(2,)").repeat(2));
        nothing: file(V1, "");
        white_space_alone: file(V1, "    \n");
        a_list: file(V1, "['descr', 'fortran_order', 'shape']");
        a_dict_without_an_end: file(V1, "{'descr': '<i4', 'fortran_order': False, 'shape': (2,)");
        an_extra_key: file(V1, "{'descr': '<i4', 'fortran_order': False, 'shape': (2,), 'x': 1}");
        no_key_descr: file(V1, "{'fortran_order': False, 'shape': (2,)}");
        no_key_fortran_order: file(V1, "{'descr': '<i4', 'shape': (2,)}");
        no_key_shape: file(V1, "{'descr': '<i4', 'fortran_order': False}");
        a_key_of_bytes: file(V1, "{b'descr': '<i4', 'fortran_order': False, 'shape': (2,)}");
        a_shape_that_is_a_list: shape("[2]");
        a_shape_that_is_an_integer: shape("2");
        a_shape_that_is_an_integer_in_parentheses: shape("(2)");
        a_shape_that_is_none: shape("None");
        a_length_that_is_a_float: shape("(2.0,)");
        a_length_that_is_a_truth_value: shape("(True,)");
        a_length_that_is_text: shape("('2',)");
        a_length_that_is_a_tuple: shape("((2,),)");
        a_length_with_a_zero_in_front: shape("(02,)");
        a_long_with_a_small_l: shape("(10l,)");
        a_long_in_version_3: file(V3, &dict("'<i4'", "False", "(10L,)"));
        an_expression: shape("(1 + 1,)");
        a_negative_length: shape("(-2,)");
        two_negative_lengths: shape("(-2, -3)");
        a_length_beyond_64_bits: shape("(18446744073709551616,)");
        a_length_beyond_63_bits: shape("(9223372036854775808,)");
        a_product_beyond_63_bits: shape("(4294967296, 4294967296)");
        a_product_of_bytes_beyond_63_bits: shape("(2305843009213693952,)");
        a_product_beyond_63_bits_beside_zero: shape("(0, 4611686018427387904, 4611686018427387904)");
        sixty_five_axes: shape(&format!("({})", "1,".repeat(65)));
        fortran_order_of_zero: order("0");
        fortran_order_of_none: order("None");
        fortran_order_in_small_letters: order("true");
        fortran_order_in_quotes: order("'False'");
        a_float_of_three_bytes: descr("'<f3'");
        an_empty_type: descr("''");
        a_type_that_is_an_integer: descr("4");
        a_type_that_is_a_dict: descr("{'names': ['a'], 'formats': ['<i4']}");
        bytes_of_negative_length: descr("'|S-1'");
        a_unit_that_is_none: descr("'<M8[xx]'");
        a_name_twice: descr("[('a', '<i4'), ('a', '<i4')]");
        a_title_that_is_its_name: descr("[(('a', 'a'), '<i4')]");
        a_title_that_is_another_name: descr("[(('b', 'a'), '<i4'), ('b', '<i4')]");
        a_field_of_four_parts: descr("[('a', '<i4', (2,), 1)]");
        a_field_of_one_part: descr("[('a',)]");
        a_name_of_bytes: descr("[(b'a', '<i4')]");
        a_negative_subarray: descr("[('a', '<i4', (-1,))]");
        a_subarray_at_the_top: descr("('<i4', (2,))");
        several_types_in_one_with_a_count: descr("'3i4'");
        python_objects: descr("'|O'");
        python_2_s_objects: descr("'|O8'");
        python_objects_in_a_field: descr("[('a', '<i4'), ('b', [('c', '|O')])]");
        version_0_1: file((0, 1), &dict("'<i4'", "False", "(2,)"));
        version_1_1: file((1, 1), &dict("'<i4'", "False", "(2,)"));
        version_2_1: file((2, 1), &dict("'<i4'", "False", "(2,)"));
        version_4_0: file((4, 0), &dict("'<i4'", "False", "(2,)"));
        version_255_255: file((255, 255), &dict("'<i4'", "False", "(2,)"));
        no_utf_8_in_version_3: file_of(V3, b"{'descr': [('\xe9', '<i4')], 'fortran_order': False, 'shape': (2,)}");
        a_header_of_10_001_characters: data_at(10_011, ' ');
        a_header_of_10_001_characters_of_4_bytes:
            file(V3, &format!("{}#{}", dict("'<i4'", "False", "(2,)"), "𝄞".repeat(9_943)));
        three_hundred_brackets: descr(&format!("{}'<i4'{}", "[('a', ".repeat(150), ")]".repeat(150)));
        brackets_that_hold_nothing: shape(&format!("{}{}", "(".repeat(300), ")".repeat(300)));
    }
    // No Rust string can hold half of a surrogate pair.
    ReadByNumPy("half a surrogate pair") => {
        a_name_that_no_utf_8_can_hold: file(V3, &dict("[('\\ud800', '<i4')]", "False", "(2,)"));
    }
    ReadByNumPy("a named character") => {
        a_character_by_its_name: file(V3, &dict("[('\\N{DIGIT ONE}', '<i4')]", "False", "(2,)"));
    }
    // It is another type on another machine.
    ReadByNumPy("depends on the machine") => {
        a_type_that_depends_on_the_machine: descr("'l'");
    }
    ReadByNumPy("several elements") => {
        several_types_in_one: descr("'i4,f8'");
    }
    ReadByNumPy("expected an integer") => {
        a_value_that_another_replaces_and_no_header_can_have:
            file(V1, "{'shape': 1.5, 'descr': '<i4', 'fortran_order': True, 'shape': (2, 3), }");
    }
    ReadByNumPy("expected a comma") => {
        a_long_apart_from_its_l: shape("(10 L,)");
    }
    // Python calls it indentation.
    ReadHere => {
        a_float_of_8_bits_as_numpy_writes_it_for_ml_dtypes: file(V1, &dict("'<f1'", "False", "(2,)"));
        white_space_on_a_second_line: file(V1, &format!("\n  {}", dict("'<i4'", "False", "(2,)")));
    }
}

/// A header in some of the ways in which it could be written.
fn written(random: &mut Random) -> String {
    let gap =
        |random: &mut Random| random.among(&["", "", "", "", " ", " ", "\n", "\t ", "#,}'\n", "\\\n", "\x0c", "\r\n"]);
    let descrs = ["'<i4'", "[('a', '>f8', (2,)), ('', '|V3')]", "'='\"i2\"", "[['b', r'|S3', 0x3]]", "u'M8[ns]'"];
    let orders = ["True", "False", "False", "(True)"];
    let shapes = ["()", "(2,)", "(3, 2)", "(10L, 0x3)", "(0, 7)", "(2, 3, 4, )", "(1_0, +2)", "((3),)", "(-0,)", "(3)"];
    let mut entries = vec![("descr", &descrs[..]), ("fortran_order", &orders), ("shape", &shapes)];
    if random.below(5) == 0 {
        entries.push(("shape", &["None", "(4,)", "'x'", "(2, -1)"]));
    }
    let mut text = gap(random).to_owned() + "{";
    while !entries.is_empty() {
        let (key, values) = entries.swap_remove(random.below(entries.len()));
        let prefix = random.among(&["", "", "", "u", "r", "R"]);
        let quote = random.among(&["'", "'", "\"", "\"\"\""]);
        let parts = [prefix, quote, key, quote, ":", random.among(values), if entries.is_empty() { "" } else { "," }];
        for (i, part) in parts.into_iter().enumerate() {
            text += part;
            text += if i < 3 { "" } else { gap(random) };
        }
    }
    text + random.among(&["", ","]) + gap(random) + "}" + gap(random) + random.among(&["", " ", "\n", "    \n", "#"])
}

#[test]
#[cfg_attr(windows, ignore = "under Wine there is no Python")]
fn a_header_with_mistakes_is_read_as_numpy_reads_it() {
    const MORE: &[&str] =
        &["'shape'", "'descr'", "'fortran_order'", "False", "10L", "'shape': (1,), ", "(3,)", "(0, 2)"];
    let Some(python) = Python::get() else { return };
    let mut random = Random(0x1234_5678_9abc_def1);
    let shapes = ["()", "(2,)", "(3, 2)", "(10L, 0x3)", "(0, 7)", "(2, 3, 4, )"];
    let files: Vec<Vec<u8>> = (0..6_000)
        .map(|i| {
            let version = [V1, V2, V3][random.below(3)];
            let order = random.among(&["True", "False"]);
            let text = dict(random.among(TEXTS), order, random.among(&shapes));
            match i % 5 {
                0 => file(version, &mutated(&text, &mut random)),
                1 => file(version, &dict(&mutated(random.among(TEXTS), &mut random), order, random.among(&shapes))),
                2 => {
                    let tokens = if random.below(2) == 0 { MORE } else { TOKENS };
                    let at = text.char_indices().nth(i % text.chars().count()).unwrap().0;
                    file(version, &format!("{}{}{}", &text[..at], random.among(tokens), &text[at..]))
                }
                3 => file(version, &written(&mut random)),
                _ => {
                    let mut file = file(version, &text);
                    for _ in 0..=random.below(2) {
                        let at = random.below(file.len() - DATA);
                        file[at] = if random.below(2) == 0 {
                            random.below(256) as u8
                        } else {
                            file[at] ^ (1 << random.below(8))
                        };
                    }
                    file
                }
            }
        })
        .collect();
    let mut read = 0;
    for (file, line) in files.iter().zip(tried(python, &files)) {
        let text = String::from_utf8_lossy(&file[..file.len() - DATA]);
        match Header::read(&mut &file[..]) {
            // White space around the text is none of its business here.
            Ok(_) if line.contains("IndentationError") => {}
            // Types that are written on other machines, or by ml_dtypes.
            Ok(_) if ["f1", "f12", "c24"].iter().any(|name| line.contains(&format!("{name}' not understood"))) => {}
            Ok(header) => {
                assert_eq!(turned(said(&header).split('\t')), turned(line.split('\t')), "{text:?}");
                read += 1;
            }
            Err(error) => {
                let known = line.starts_with("refused") || REFUSED.iter().any(|why| error.to_string().contains(why));
                assert!(known, "{text:?} is to NumPy {line}, and here: {error}");
            }
        }
    }
    println!("{read} of {} were read", files.len());
    assert!(read > 800);
}
