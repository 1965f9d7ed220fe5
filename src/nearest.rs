//! Suggestions of similar names, for errors about unknown ones.

/// Returns the most similar of the names, or `None` if more than a third of the characters differ.
pub(crate) fn nearest_name<'n>(names: &[&'n str], asked: &str) -> Option<&'n str> {
    let nearest = names.iter().copied().min_by_key(|name| distance(name, asked))?;
    let longer = nearest.chars().count().max(asked.chars().count());
    (distance(nearest, asked) <= longer.div_ceil(3)).then_some(nearest)
}

/// Returns the number of characters to change, insert or delete to turn one name into the other (Levenshtein distance).
fn distance(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().take(64).collect();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (i, a) in from.chars().take(64).enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, b) in to.iter().enumerate() {
            let change = diagonal + usize::from(a != *b);
            diagonal = row[j + 1];
            row[j + 1] = change.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[to.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_of_the_pen_are_found_and_other_names_are_not() {
        assert_eq!(nearest_name(&["price", "size"], "prize"), Some("price"));
        assert_eq!(nearest_name(&["price", "size"], "volume"), None);
        assert_eq!(nearest_name(&[], "price"), None);
        assert_eq!((distance("kitten", "sitting"), distance("", "abc"), distance("ä", "a")), (3, 3, 1));
    }
}
