//! Cuts a stream of bytes into numbered lines without ever holding more than one bounded line.

/// The longest line that is read, in bytes; a longer one is a bad line.
pub const LONGEST_LINE: usize = 1 << 20;

/// A line without its end; `None` for one that was too long to be kept.
pub struct Line<'a> {
    pub number: u64,
    pub bytes: Option<&'a [u8]>,
}

/// Remembers the unfinished line between two chunks.
#[derive(Debug, Default)]
pub struct LineSplitter {
    /// The beginning of a line whose end has not come yet; stale when `taken`.
    partial: Vec<u8>,
    taken: bool,
    too_long: bool,
    number: u64,
}

impl LineSplitter {
    /// Takes the next whole line from the front of `chunk`; `None` when what is left of it is unfinished (it is remembered).
    pub fn next_line<'s, 'c: 's>(&'s mut self, chunk: &mut &'c [u8]) -> Option<Line<'s>> {
        self.forget_taken();
        let Some(end) = chunk.iter().position(|byte| *byte == b'\n') else {
            self.remember(chunk);
            *chunk = &[];
            return None;
        };
        let (line, rest) = (&chunk[..end], &chunk[end + 1..]);
        *chunk = rest;
        self.number += 1;
        if self.partial.is_empty() && !self.too_long {
            let bytes = (line.len() <= LONGEST_LINE).then_some(line);
            return Some(Line {
                number: self.number,
                bytes,
            });
        }
        self.remember(line);
        Some(self.take_partial())
    }

    /// The last line of a stream that did not end with a line break.
    pub fn finish(&mut self) -> Option<Line<'_>> {
        self.forget_taken();
        if self.partial.is_empty() && !self.too_long {
            return None;
        }
        self.number += 1;
        Some(self.take_partial())
    }

    /// Lines begun so far.
    pub fn count(&self) -> u64 {
        self.number
    }

    fn take_partial(&mut self) -> Line<'_> {
        self.taken = true;
        Line {
            number: self.number,
            bytes: (!self.too_long).then_some(&*self.partial),
        }
    }

    fn forget_taken(&mut self) {
        if self.taken {
            self.partial.clear();
            self.taken = false;
            self.too_long = false;
        }
    }

    fn remember(&mut self, bytes: &[u8]) {
        if self.too_long {
            return;
        }
        if self.partial.len() + bytes.len() > LONGEST_LINE {
            self.too_long = true;
            self.partial = Vec::new();
        } else {
            self.partial.extend_from_slice(bytes);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(text: &[u8], size: usize) -> Vec<Option<Vec<u8>>> {
        let mut splitter = LineSplitter::default();
        let mut lines = Vec::new();
        for chunk in text.chunks(size) {
            let mut chunk = chunk;
            while let Some(line) = splitter.next_line(&mut chunk) {
                lines.push(line.bytes.map(<[u8]>::to_vec));
            }
        }
        lines.extend(splitter.finish().map(|line| line.bytes.map(<[u8]>::to_vec)));
        lines
    }

    #[test]
    fn lines_are_the_same_however_they_arrive() {
        let text = b"one\n\ntwo \xff\nthree";
        let expected: Vec<Option<Vec<u8>>> = [&b"one"[..], b"", b"two \xff", b"three"]
            .map(|line| Some(line.to_vec()))
            .into();
        for size in 1..=text.len() {
            assert_eq!(split(text, size), expected, "chunks of {size}");
        }
        assert_eq!(split(b"one\n", 2).len(), 1);
    }

    #[test]
    fn a_line_that_is_too_long_is_skipped_and_the_next_one_is_whole() {
        let mut text = vec![b'x'; LONGEST_LINE + 1];
        text.extend_from_slice(b"\nnext\n");
        for size in [1000, text.len()] {
            assert_eq!(split(&text, size), [None, Some(b"next".to_vec())]);
        }
    }
}
