//! Keys and values typed in one line of a form: `lr=0.1 note="two words"`.

use crate::domain::{ItemName, Key, Tags, number};
use crate::tui::message::NewMetric;

/// Splits at spaces outside double quotes, and takes the quotes away.
fn pieces(text: &str) -> Result<Vec<String>, String> {
    let (mut pieces, mut piece, mut quoted, mut any) = (Vec::new(), String::new(), false, false);
    for c in text.chars() {
        match c {
            '"' => (quoted, any) = (!quoted, true),
            c if c.is_whitespace() && !quoted => {
                if any {
                    pieces.push(std::mem::take(&mut piece));
                }
                any = false;
            }
            c => {
                piece.push(c);
                any = true;
            }
        }
    }
    if quoted {
        return Err("a double quote is not closed".to_owned());
    }
    if any {
        pieces.push(piece);
    }
    Ok(pieces)
}

fn split(piece: &str) -> Result<(Key, &str), String> {
    let (key, value) = piece
        .split_once('=')
        .ok_or_else(|| format!("'{piece}' is not key=value"))?;
    let key = Key::new(key).map_err(|error| error.to_string())?;
    Ok((key, value))
}

/// Reads keys and texts.
pub fn texts(line: &str) -> Result<Tags, String> {
    let mut found = Tags::new();
    for piece in pieces(line)? {
        let (key, value) = split(&piece)?;
        if found.insert(key.clone(), value.to_owned()).is_some() {
            return Err(format!("'{key}' stands there twice"));
        }
    }
    Ok(found)
}

/// Writes keys and texts as [`texts`] reads them. A double quote in a value cannot be written, and is left out.
pub fn write_texts(values: &Tags) -> String {
    let pieces: Vec<String> = values
        .iter()
        .map(|(key, value)| {
            let value = value.replace('"', "");
            let quoted = value.is_empty()
                || value.contains(char::is_whitespace)
                || key.as_str().contains(' ');
            if quoted {
                format!("\"{}={value}\"", key.as_str())
            } else {
                format!("{}={value}", key.as_str())
            }
        })
        .collect();
    pieces.join(" ")
}

/// Puts the changes made to one text of keys and values on top of another; `None` where any of them cannot be read.
pub fn merge(first: &str, typed: &str, now: &str) -> Option<String> {
    let (first, typed) = (texts(first).ok()?, texts(typed).ok()?);
    let mut merged = texts(now).ok()?;
    let (set, removed) = difference(&first, &typed);
    merged.extend(set);
    for key in removed {
        merged.remove(&key);
    }
    Some(write_texts(&merged))
}

/// What is to be set and what to be removed so that tags become those that were typed.
pub fn difference(before: &Tags, after: &Tags) -> (Tags, Vec<Key>) {
    let set = after
        .iter()
        .filter(|(key, value)| before.get(*key) != Some(*value))
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect();
    let removed = before
        .keys()
        .filter(|key| !after.contains_key(*key))
        .cloned()
        .collect();
    (set, removed)
}

/// Reads metrics: `loss=0.31 auc=0.93@10`, the step behind the `@`.
pub fn metrics(line: &str) -> Result<Vec<NewMetric>, String> {
    let pieces = pieces(line)?;
    pieces
        .iter()
        .map(|piece| {
            let (key, value) = split(piece)?;
            let (value, step) = match value.rsplit_once('@') {
                Some((value, step)) => {
                    let step = step
                        .parse()
                        .map_err(|_error| format!("'{step}' is not a step, a whole number"))?;
                    (value, Some(step))
                }
                None => (value, None),
            };
            let value = number::parse(value).ok_or_else(|| format!("'{value}' is not a number"))?;
            Ok(NewMetric {
                key,
                value,
                step,
                timestamp: None,
            })
        })
        .collect()
}

/// Reads names of checklist items, with commas between them.
pub fn items(line: &str) -> Result<Vec<ItemName>, String> {
    let names = line
        .split(',')
        .map(str::trim)
        .filter(|name| !name.is_empty());
    names
        .map(|name| ItemName::new(name).map_err(|error| error.to_string()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_put_on_top_of_what_somebody_else_wrote() {
        let merged = |typed, now| merge("a=1 b=2", typed, now);
        assert_eq!(merged("a=1 b=3", "a=1 b=2 c=4").unwrap(), "a=1 b=3 c=4");
        assert_eq!(merged("b=2", "a=1 b=5").unwrap(), "b=5");
        assert_eq!(merged("a=1 b", "a=1"), None);
    }

    #[test]
    fn what_is_written_reads_back() {
        let line = r#"empty="" lr=0.1 "note=two words""#;
        let values = texts(line).unwrap();
        assert_eq!(values.len(), 3);
        assert_eq!(texts(&write_texts(&values)).unwrap(), values);
    }

    #[test]
    fn what_is_wrong_is_told() {
        for (line, problem) in [
            ("lr", "is not key=value"),
            ("lr=1 lr=2", "twice"),
            ("a=\"b", "not closed"),
            ("a@b=1", "key"),
        ] {
            let told = texts(line).unwrap_err();
            assert!(told.contains(problem), "{line}: {told}");
        }
        assert!(metrics("loss=x").unwrap_err().contains("not a number"));
        assert!(metrics("loss=1@x").unwrap_err().contains("not a step"));
    }

    #[test]
    fn metrics_may_name_their_step() {
        let found = metrics("loss=nan auc=0.93@10").unwrap();
        assert!(found[0].value.is_nan() && found[0].step.is_none());
        assert_eq!((found[1].value, found[1].step), (0.93, Some(10)));
    }

    #[test]
    fn changed_tags_are_set_and_missing_ones_removed() {
        let (set, removed) = difference(
            &texts("a=1 b=2 c=3").unwrap(),
            &texts("a=1 b=9 d=4").unwrap(),
        );
        assert_eq!(write_texts(&set), "b=9 d=4");
        assert_eq!(removed, [Key::new("c").unwrap()]);
    }
}
