//! Finds events among what a command prints, and decides what of it is shown.
//!
//! A line is held back only while it may still be an event that shall be hidden: everything else, an unfinished progress bar too,
//! passes at once and unchanged.

use crate::ingest::{LONGEST_LINE, event};
use std::borrow::Cow;

pub(super) struct Scanner {
    /// Whether events are kept from the screen. The captured output has them in any case.
    hide: bool,
    place: Place,
    /// The line so far, of one that may be an event.
    line: Vec<u8>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    LineStart,
    /// In a line that began like an event.
    Candidate,
    /// In a line that is none.
    Other,
}

/// What came of some bytes.
pub(super) struct Scanned<'a> {
    pub(super) show: Cow<'a, [u8]>,
    pub(super) events: Vec<Vec<u8>>,
}

impl Scanner {
    pub(super) fn new(hide: bool) -> Self {
        Self {
            hide,
            place: Place::LineStart,
            line: Vec::new(),
        }
    }

    pub(super) fn push<'a>(&mut self, bytes: &'a [u8]) -> Scanned<'a> {
        let (mut show, mut events) = (Vec::new(), Vec::new());
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            if self.place == Place::LineStart {
                let begins_like_one = piece[0] == b'{';
                self.place = if begins_like_one {
                    Place::Candidate
                } else {
                    Place::Other
                };
            }
            if self.place == Place::Candidate {
                self.line.extend_from_slice(piece);
            } else if self.hide {
                show.extend_from_slice(piece);
            }
            let ended = piece.ends_with(b"\n");
            if self.place == Place::Candidate && (ended || self.line.len() > LONGEST_LINE) {
                self.settle(&mut show, &mut events);
            }
            if ended {
                self.place = Place::LineStart;
            }
        }
        Scanned {
            show: if self.hide {
                Cow::Owned(show)
            } else {
                Cow::Borrowed(bytes)
            },
            events,
        }
    }

    /// The last line, which has no end.
    pub(super) fn finish(&mut self) -> Scanned<'static> {
        let (mut show, mut events) = (Vec::new(), Vec::new());
        if self.place == Place::Candidate {
            self.settle(&mut show, &mut events);
        }
        Scanned {
            show: Cow::Owned(show),
            events,
        }
    }

    fn settle(&mut self, show: &mut Vec<u8>, events: &mut Vec<Vec<u8>>) {
        self.place = Place::Other;
        let line = std::mem::take(&mut self.line);
        let fits = line.len() <= LONGEST_LINE + 1;
        let event = fits.then(|| event::parse(&line, |_| ()));
        if self.hide && !matches!(event, Some(Ok(()))) {
            show.extend_from_slice(&line);
        }
        // One that is bad is handed on too: the recorder tells what is wrong with it.
        let meant = line.starts_with(b"{\"event\"");
        match event {
            Some(Ok(()) | Err(event::NoEvent::Bad(_))) => events.push(line),
            Some(Err(event::NoEvent::NotJson(_))) if meant => events.push(line),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PRINTED: &[u8] = b"epoch 1\n{\"event\": \"metric\", \"key\": \"k\", \"value\": 1}\n\r 50 %{\n{\"mine\": 1}\n{\"event\":\"heartbeat\"}";

    fn scan(hide: bool, size: usize) -> (Vec<u8>, Vec<String>) {
        let mut scanner = Scanner::new(hide);
        let (mut shown, mut events) = (Vec::new(), Vec::new());
        for chunk in PRINTED.chunks(size) {
            let found = scanner.push(chunk);
            shown.extend_from_slice(&found.show);
            events.extend(found.events);
        }
        let found = scanner.finish();
        shown.extend_from_slice(&found.show);
        events.extend(found.events);
        let events = events
            .into_iter()
            .map(|line| String::from_utf8(line).unwrap().trim_end().to_owned())
            .collect();
        (shown, events)
    }

    #[test]
    fn events_are_found_however_they_arrive() {
        for size in 1..=PRINTED.len() {
            for hide in [false, true] {
                let (shown, events) = scan(hide, size);
                let expected = [
                    r#"{"event": "metric", "key": "k", "value": 1}"#,
                    r#"{"event":"heartbeat"}"#,
                ];
                assert_eq!(events, expected, "chunks of {size}");
                if hide {
                    assert_eq!(shown, b"epoch 1\n\r 50 %{\n{\"mine\": 1}\n");
                } else {
                    assert_eq!(shown, PRINTED);
                }
            }
        }
    }

    #[test]
    fn an_unfinished_line_passes_at_once_unless_it_may_be_an_event() {
        let mut scanner = Scanner::new(true);
        assert_eq!(&*scanner.push(b" 50 %").show, b" 50 %");
        assert_eq!(&*scanner.push(b"\r 51 %\n{\"a").show, b"\r 51 %\n");
        assert_eq!(&*scanner.push(b"\":1}\n").show, b"{\"a\":1}\n");
    }

    #[test]
    fn a_broken_event_is_shown_and_handed_on() {
        let printed = b"{\"event\":\"metric\"\n{'event'}\n{\"event\":\"step done\"}\n";
        let mut scanner = Scanner::new(true);
        let found = scanner.push(printed);
        assert_eq!(found.events, [b"{\"event\":\"metric\"\n".to_vec()]);
        assert_eq!(&*found.show, printed);
    }
}
