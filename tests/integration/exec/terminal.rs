//! A command in a terminal: it can read keys, and Ctrl-C and Ctrl-Z are its own.

use super::EXEC;
use crate::support::program::{DEADLINE, Program, wait_for};
use portable_pty::{CommandBuilder, MasterPty, PtySize, native_pty_system};
use std::io::{Read as _, Write};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// A program in a terminal of its own.
struct Terminal {
    _master: Box<dyn MasterPty + Send>,
    child: Box<dyn portable_pty::Child + Send + Sync>,
    keys: Box<dyn Write + Send>,
    shown: Arc<Mutex<Vec<u8>>>,
}

impl Terminal {
    fn start(program: &Program, command: &[&str]) -> Self {
        let pair = native_pty_system().openpty(PtySize::default()).unwrap();
        let mut builder = CommandBuilder::new(command[0]);
        builder.args(&command[1..]);
        builder.env_clear();
        builder.env("PATH", std::env::var_os("PATH").unwrap());
        builder.env("HOME", program.dir.path());
        builder.env("MODELDECK_STORE", program.store());
        builder.env("TERM", "xterm");
        builder.cwd(program.dir.path());
        let child = pair.slave.spawn_command(builder).unwrap();
        drop(pair.slave);
        let mut reader = pair.master.try_clone_reader().unwrap();
        let shown = Arc::new(Mutex::new(Vec::new()));
        let screen = Arc::clone(&shown);
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(count @ 1..) = reader.read(&mut buffer) {
                screen.lock().unwrap().extend_from_slice(&buffer[..count]);
            }
        });
        Self {
            keys: pair.master.take_writer().unwrap(),
            _master: pair.master,
            child,
            shown,
        }
    }

    fn shown(&self) -> String {
        String::from_utf8_lossy(&self.shown.lock().unwrap()).into_owned()
    }

    #[track_caller]
    fn wait_for(&self, text: &str) {
        let began = Instant::now();
        while !self.shown().contains(text) {
            assert!(
                began.elapsed() < DEADLINE,
                "'{text}' did not come: {}",
                self.shown()
            );
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    fn press(&mut self, keys: &[u8]) {
        self.keys.write_all(keys).unwrap();
        self.keys.flush().unwrap();
    }

    #[track_caller]
    fn wait_for_end(&mut self) -> u32 {
        wait_for("the end", || self.child.try_wait().unwrap()).exit_code()
    }
}

const COUNT_INTERRUPTS: &str = "import signal,sys,time
got=[]
signal.signal(signal.SIGINT, lambda n,f: got.append(n))
print('ready')
while not got: time.sleep(0.01)
time.sleep(0.3)
print('interrupts:', len(got))
sys.exit(5)";

fn exec_in_terminal(program: &Program, command: &[&str]) -> Terminal {
    let mut whole = vec![env!("CARGO_BIN_EXE_modeldeck")];
    whole.extend(EXEC);
    whole.extend(command);
    Terminal::start(program, &whole)
}

#[test]
fn ctrl_c_reaches_the_command_once() {
    let program = Program::new();
    let mut terminal = exec_in_terminal(&program, &["python3", "-c", COUNT_INTERRUPTS]);
    terminal.wait_for("ready");
    terminal.press(b"\x03");
    terminal.wait_for("interrupts: 1");
    assert_eq!(terminal.wait_for_end(), 5);
    assert_eq!(program.only_run()["status"], "FAILED");
}

#[test]
fn a_command_reads_keys_and_its_events_stay_off_the_screen() {
    let program = Program::new();
    let script = "read word; echo \"got $word\"; echo '{\"event\":\"metric\",\"key\":\"k\",\"value\":1}'; echo after";
    let mut terminal = exec_in_terminal(&program, &["sh", "-c", script]);
    terminal.wait_for("started");
    terminal.press(b"hello\n");
    terminal.wait_for("got hello");
    terminal.wait_for("after");
    assert_eq!(terminal.wait_for_end(), 0);
    assert!(
        !terminal.shown().contains("\"event\""),
        "{}",
        terminal.shown()
    );
    assert_eq!(program.only_run()["metrics"]["k"]["value"], 1.0);
}

#[test]
fn ctrl_z_stops_the_whole_job_and_fg_takes_it_up_again() {
    let program = Program::new();
    let mut terminal = Terminal::start(&program, &["bash", "--norc", "--noprofile", "-i"]);
    let line = format!(
        "{} {} sh -c 'echo re''ady; read word; echo \"got $word\"'\n",
        env!("CARGO_BIN_EXE_modeldeck"),
        EXEC.join(" ")
    );
    terminal.press(line.as_bytes());
    terminal.wait_for("ready");
    terminal.press(b"\x1a");
    terminal.wait_for("Stopped");
    terminal.press(b"fg\n");
    // The shell has handed the terminal over once it has echoed what is going on.
    terminal.wait_for("fg\r\n");
    terminal.press(b"hello\n");
    terminal.wait_for("got hello");
    terminal.wait_for("COMPLETED");
    terminal.press(b"exit\n");
    terminal.wait_for_end();
}

#[test]
fn in_the_background_it_stops_when_it_reads_and_fg_lets_it_read() {
    let program = Program::new();
    let mut terminal = Terminal::start(&program, &["bash", "--norc", "--noprofile", "-i"]);
    let line = format!(
        "{} {} sh -c 'read word; echo \"got $word\"' &\n",
        env!("CARGO_BIN_EXE_modeldeck"),
        EXEC.join(" ")
    );
    terminal.press(line.as_bytes());
    terminal.wait_for("started");
    // The shell tells of a stopped job before its next prompt.
    let began = Instant::now();
    while !terminal.shown().contains("Stopped") {
        assert!(
            began.elapsed() < DEADLINE,
            "it did not stop: {}",
            terminal.shown()
        );
        terminal.press(b"\n");
        std::thread::sleep(Duration::from_millis(50));
    }
    terminal.press(b"fg\n");
    terminal.wait_for("fg\r\n");
    terminal.press(b"hello\n");
    terminal.wait_for("got hello");
    terminal.wait_for("COMPLETED");
    terminal.press(b"exit\n");
    terminal.wait_for_end();
}
