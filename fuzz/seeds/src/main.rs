//! What the fuzzer starts from: `seeds FOLDER SOURCE…` writes every string in these Rust sources as a file into the
//! folder, and the short words among them, in libFuzzer's form, as the dictionary `FOLDER.dict`.

use proc_macro2::{TokenStream, TokenTree};
use std::collections::BTreeSet;
use std::error::Error;
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

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = env::args().skip(1);
    let folder = args.next().ok_or("seeds FOLDER SOURCE…")?;
    let mut strings = BTreeSet::new();
    for source in args {
        add_strings(fs::read_to_string(&source)?.parse()?, &mut strings);
    }
    fs::create_dir_all(&folder)?;
    for (number, string) in strings.iter().enumerate() {
        fs::write(Path::new(&folder).join(number.to_string()), string)?;
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
    println!("{} seeds in {folder}", strings.len());
    Ok(())
}
