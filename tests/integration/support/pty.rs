//! A program in a terminal of its own: keys in, and the screen as a terminal would show it.

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};
use std::io::{Read as _, Write};
use std::num::NonZeroU16;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Whatever does not happen within this does not happen, on however busy a machine.
const DEADLINE: Duration = Duration::from_secs(60);

pub(crate) struct Pty {
    master: Option<Box<dyn MasterPty + Send>>,
    writer: Box<dyn Write + Send>,
    child: Box<dyn Child + Send + Sync>,
    shown: Arc<Mutex<Shown>>,
    reading: Option<JoinHandle<()>>,
    /// Set when the terminal is to go away.
    closing: Arc<AtomicBool>,
}

struct Shown {
    parser: vt100::Parser,
    bytes: usize,
}

fn size(width: u16, height: u16) -> PtySize {
    PtySize {
        rows: height,
        cols: width,
        pixel_width: 0,
        pixel_height: 0,
    }
}

fn cells(length: u16) -> NonZeroU16 {
    NonZeroU16::new(length).expect("a terminal has a row and a column")
}

impl Pty {
    /// Starts a program with nothing in its environment but a home, a terminal and what is given.
    pub(crate) fn start(
        program: &Path,
        arguments: &[&str],
        environment: &[(&str, &str)],
        home: &Path,
        (width, height): (u16, u16),
    ) -> Self {
        let pair = native_pty_system().openpty(size(width, height)).unwrap();
        let mut command = CommandBuilder::new(program);
        command.args(arguments);
        command.env_clear();
        command.env("HOME", home);
        command.env("TERM", "xterm-256color");
        command.env("TZ", "UTC");
        for (name, value) in environment {
            command.env(name, value);
        }
        command.cwd(home);
        let child = pair.slave.spawn_command(command).unwrap();
        // Without this the end of the program would not end the reading.
        drop(pair.slave);
        let shown = Arc::new(Mutex::new(Shown {
            parser: vt100::Parser::new(cells(height), cells(width), 0),
            bytes: 0,
        }));
        let mut reader = pair.master.try_clone_reader().unwrap();
        let seen = Arc::clone(&shown);
        let closing = Arc::new(AtomicBool::new(false));
        let is_closing = Arc::clone(&closing);
        let reading = std::thread::spawn(move || {
            let mut bytes = [0; 8_192];
            while let Ok(count @ 1..) = reader.read(&mut bytes) {
                let mut seen = seen.lock().unwrap();
                seen.bytes += count;
                seen.parser.process(&bytes[..count]);
                if is_closing.load(Ordering::SeqCst) {
                    return;
                }
            }
        });
        Self {
            writer: pair.master.take_writer().unwrap(),
            master: Some(pair.master),
            child,
            shown,
            reading: Some(reading),
            closing,
        }
    }

    /// The screen of the program under test.
    pub(crate) fn screen(store: &Path, home: &Path, size: (u16, u16)) -> Self {
        let program = Path::new(env!("CARGO_BIN_EXE_modeldeck"));
        let store = store.to_str().unwrap();
        Self::start(program, &["--store", store], &[], home, size)
    }

    /// Sends keys as a terminal would.
    pub(crate) fn send(&mut self, keys: &str) {
        self.writer.write_all(keys.as_bytes()).unwrap();
        self.writer.flush().unwrap();
    }

    /// Types a text as a person does: letter by letter, each once the one before is seen, since what comes faster is taken for pasted. A letter
    /// that was not taken, as by a question in its first moment, is typed again.
    pub(crate) fn type_by_hand(&mut self, text: &str) {
        for (at, letter) in text.char_indices() {
            let typed = &text[..at + letter.len_utf8()];
            let begun = Instant::now();
            loop {
                self.send(letter.encode_utf8(&mut [0; 4]));
                // The whole of the field: the cursor may still be on its way to it, behind any other letter.
                let is_seen = |pty: &Self| {
                    let line = pty.before_cursor();
                    line.rsplit('│')
                        .next()
                        .is_some_and(|field| field.trim() == typed)
                };
                if self.comes_about(Duration::from_secs(5), is_seen) {
                    break;
                }
                assert!(
                    begun.elapsed() < DEADLINE,
                    "'{typed}' was not taken:\n{}",
                    self.text()
                );
            }
        }
    }

    /// What stands before the cursor in its line.
    pub(crate) fn before_cursor(&self) -> String {
        let shown = self.shown.lock().unwrap();
        let screen = shown.parser.screen();
        let (row, column) = screen.cursor_position();
        screen.contents_between(row, 0, row, column)
    }

    pub(crate) fn text(&self) -> String {
        self.shown.lock().unwrap().parser.screen().contents()
    }

    /// How many bytes the program wrote so far.
    pub(crate) fn bytes(&self) -> usize {
        self.shown.lock().unwrap().bytes
    }

    /// Whether the program draws on the alternate screen.
    pub(crate) fn is_taken(&self) -> bool {
        self.shown
            .lock()
            .unwrap()
            .parser
            .screen()
            .alternate_screen()
    }

    /// Whether everything that was switched on in the terminal is off again.
    pub(crate) fn is_given_back(&self) -> bool {
        let shown = self.shown.lock().unwrap();
        let screen = shown.parser.screen();
        !screen.alternate_screen()
            && !screen.hide_cursor()
            && !screen.bracketed_paste()
            && screen.mouse_protocol_mode() == vt100::MouseProtocolMode::None
    }

    /// Waits until a text is on the screen; returns how long it took.
    pub(crate) fn wait_for(&self, text: &str) -> Duration {
        self.wait_until(text, |pty| pty.text().contains(text))
    }

    pub(crate) fn wait_until(&self, what: &str, holds: impl Fn(&Self) -> bool) -> Duration {
        let begun = Instant::now();
        assert!(
            self.comes_about(DEADLINE, holds),
            "'{what}' did not come about:\n{}",
            self.text()
        );
        begun.elapsed()
    }

    /// Whether something holds within a time.
    pub(crate) fn comes_about(&self, within: Duration, holds: impl Fn(&Self) -> bool) -> bool {
        let begun = Instant::now();
        while !holds(self) {
            if begun.elapsed() >= within {
                return false;
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        true
    }

    pub(crate) fn resize(&mut self, width: u16, height: u16) {
        self.shown
            .lock()
            .unwrap()
            .parser
            .screen_mut()
            .set_size(cells(height), cells(width));
        let master = self.master.as_ref().expect("the terminal is still there");
        master.resize(size(width, height)).unwrap();
    }

    pub(crate) fn signal(&self, signal: nix::sys::signal::Signal) {
        let id = i32::try_from(self.child.process_id().unwrap()).unwrap();
        nix::sys::signal::kill(nix::unistd::Pid::from_raw(id), signal).unwrap();
    }

    /// Reads nothing any more, as a connection that hangs does: sooner or later the program cannot write.
    pub(crate) fn stop_reading(&mut self) {
        self.closing.store(true, Ordering::SeqCst);
        for nth in 0..60 {
            self.resize(100 + nth, 40);
            std::thread::sleep(Duration::from_millis(30));
        }
    }

    /// Takes the terminal away, as a lost connection does.
    pub(crate) fn hang_up(&mut self) {
        // The reader holds the terminal open until it reads something once more.
        self.closing.store(true, Ordering::SeqCst);
        self.resize(81, 25);
        self.reading.take().unwrap().join().unwrap();
        self.writer = Box::new(std::io::sink());
        self.master = None;
    }

    /// Waits for the end of the program; returns its exit code and how long it took.
    pub(crate) fn end(&mut self) -> (u32, Duration) {
        let begun = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return (status.exit_code(), begun.elapsed());
            }
            assert!(
                begun.elapsed() < DEADLINE,
                "the program does not end:\n{}",
                self.text()
            );
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Pty {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
