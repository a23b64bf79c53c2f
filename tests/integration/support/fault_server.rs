//! A server between a client and MLflow that answers badly on purpose: over raw TCP, because mocks cannot truncate, stall or hang up.
//!
//! Without a fault it passes everything through. It reads one request a connection, which is how modeldeck speaks to plain http.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// What happens to a request.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Fault {
    /// This whole answer, without asking MLflow.
    Answer(Vec<u8>),
    /// Hang up before MLflow is asked.
    HangUp,
    /// MLflow does it, and the answer is lost.
    LoseAnswer,
    /// MLflow does it, and this many bytes of the answer arrive.
    Truncate(usize),
    /// Nothing, for as long as anybody waits.
    Silence,
    /// MLflow does it, and its answer comes a byte at a time, this far apart.
    Drip(Duration),
    /// MLflow does it, and a text of its answer is another.
    Replace(String, String),
}

#[derive(Debug, Default)]
struct Plan {
    fault: Option<Fault>,
    /// Which of the requests from now on, counted from 0; `None` for all.
    only: Option<usize>,
    /// Only requests whose first line holds this, and so many of them.
    calls: Option<(&'static str, usize)>,
    /// One in so many requests, by chance, meets one of these.
    some: Option<(u64, Vec<Fault>)>,
    /// The request behind which the client is cut off.
    cut: Option<usize>,
}

impl Plan {
    /// What a request meets for whose client this one is the last: it is done, and nothing after it.
    fn cut(&self, number: usize) -> Option<Fault> {
        let last = self.cut.filter(|last| number >= *last)?;
        Some(if number == last {
            Fault::LoseAnswer
        } else {
            Fault::HangUp
        })
    }

    /// What a request meets.
    fn choose(&mut self, number: usize, request: &[u8]) -> Option<Fault> {
        if let Some((path, left)) = &mut self.calls {
            let line = request
                .split(|byte| *byte == b'\r')
                .next()
                .unwrap_or_default();
            if *left == 0 || !String::from_utf8_lossy(line).contains(*path) {
                return None;
            }
            *left -= 1;
        }
        let cut = self.cut(number).or_else(|| self.by_chance(number));
        cut.or_else(|| {
            let fault = self.fault.clone();
            fault.filter(|_| self.only.is_none_or(|only| only == number))
        })
    }

    /// Chance that comes out the same each time: the digits of a number's square, stirred.
    fn by_chance(&self, number: usize) -> Option<Fault> {
        let (share, faults) = self.some.as_ref()?;
        let stirred = (number as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let stirred = (stirred ^ (stirred >> 29)).wrapping_mul(0xBF58_476D_1CE4_E5B9) >> 32;
        let which = usize::try_from(stirred / share).unwrap_or(0) % faults.len();
        stirred
            .is_multiple_of(*share)
            .then(|| faults[which].clone())
    }
}

/// What came in since the last change.
#[derive(Debug, Default)]
struct Seen {
    /// Grows with each change, so that what began before one is not counted behind it.
    era: usize,
    /// The first lines of requests by their numbers.
    lines: BTreeMap<usize, String>,
    done: BTreeSet<usize>,
    under_way: usize,
    most_under_way: usize,
}

/// The server; it ends with the test.
#[derive(Debug)]
pub(crate) struct FaultServer {
    port: u16,
    plan: Arc<Mutex<Plan>>,
    requests: Arc<AtomicUsize>,
    seen: Arc<Mutex<Seen>>,
    ended: Arc<AtomicBool>,
}

impl FaultServer {
    pub(crate) fn before(upstream: u16) -> Self {
        Self::at(0, upstream)
    }

    /// At a port that was chosen; 0 for any.
    pub(crate) fn at(port: u16, upstream: u16) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", port)).unwrap();
        let server = Self {
            port: listener.local_addr().unwrap().port(),
            plan: Arc::default(),
            requests: Arc::default(),
            seen: Arc::default(),
            ended: Arc::default(),
        };
        let (plan, requests, seen, ended) = (
            Arc::clone(&server.plan),
            Arc::clone(&server.requests),
            Arc::clone(&server.seen),
            Arc::clone(&server.ended),
        );
        std::thread::spawn(move || {
            for connection in listener.incoming() {
                if ended.load(Ordering::SeqCst) {
                    return;
                }
                let (plan, requests, seen, ended) = (
                    Arc::clone(&plan),
                    Arc::clone(&requests),
                    Arc::clone(&seen),
                    Arc::clone(&ended),
                );
                std::thread::spawn(move || {
                    let (number, era) = {
                        let seen = seen.lock().unwrap();
                        (requests.fetch_add(1, Ordering::SeqCst), seen.era)
                    };
                    let choose = |request: &[u8]| plan.lock().unwrap().choose(number, request);
                    // A client that hung up itself is no trouble of the test's.
                    let _ = connection.and_then(|connection| {
                        let request = Numbered {
                            number,
                            era,
                            seen: &seen,
                        };
                        serve(connection, upstream, choose, &request, &ended)
                    });
                    let mut seen = seen.lock().unwrap();
                    if seen.era == era {
                        seen.done.insert(number);
                    }
                });
            }
        });
        server
    }

    pub(crate) fn uri(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// From now on every request meets this.
    pub(crate) fn all(&self, fault: Fault) {
        self.set(Some(fault), None);
    }

    /// Of the requests from now on, the one with this number meets this.
    pub(crate) fn only(&self, number: usize, fault: Fault) {
        self.set(Some(fault), Some(number));
    }

    /// Of the requests from now on, so many whose first line holds this meet it.
    pub(crate) fn calls(&self, path: &'static str, most: usize, fault: Fault) {
        self.set(Some(fault), None);
        self.plan.lock().unwrap().calls = Some((path, most));
    }

    /// From now on one in so many requests meets one of these, each time the same ones.
    pub(crate) fn one_in(&self, share: u64, faults: Vec<Fault>) {
        self.set(None, None);
        self.plan.lock().unwrap().some = Some((share, faults));
    }

    /// Of the requests from now on, the one with this number is the last that is done: its answer is lost, and so is whatever follows.
    pub(crate) fn cut(&self, number: usize) {
        self.set(None, None);
        self.plan.lock().unwrap().cut = Some(number);
    }

    /// Waits until a request with this number was done with, which is when its client dies.
    pub(crate) async fn reached(&self, number: usize) {
        while !self.seen.lock().unwrap().done.contains(&number) {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }

    /// The first line of a request since the last change.
    pub(crate) fn line(&self, number: usize) -> String {
        self.seen.lock().unwrap().lines[&number].clone()
    }

    /// The first lines of the requests since the last change, and how many were under way at once.
    pub(crate) fn lines(&self) -> (Vec<String>, usize) {
        let seen = self.seen.lock().unwrap();
        (seen.lines.values().cloned().collect(), seen.most_under_way)
    }

    /// From now on everything passes; returns how many requests there were since the last change.
    pub(crate) fn none(&self) -> usize {
        let seen = self.seen();
        self.set(None, None);
        seen
    }

    /// How many requests there were since the last change.
    pub(crate) fn seen(&self) -> usize {
        self.requests.load(Ordering::SeqCst)
    }

    fn set(&self, fault: Option<Fault>, only: Option<usize>) {
        let mut plan = self.plan.lock().unwrap();
        let mut seen = self.seen.lock().unwrap();
        self.requests.store(0, Ordering::SeqCst);
        *seen = Seen {
            era: seen.era + 1,
            under_way: seen.under_way,
            ..Seen::default()
        };
        drop(seen);
        *plan = Plan {
            fault,
            only,
            ..Plan::default()
        };
    }
}

impl Drop for FaultServer {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::SeqCst);
        let _wake = TcpStream::connect(("127.0.0.1", self.port));
    }
}

/// One whole request.
fn request(connection: &mut TcpStream) -> std::io::Result<Vec<u8>> {
    let mut request = Vec::new();
    let mut chunk = vec![0; 64 * 1024];
    loop {
        let read = connection.read(&mut chunk)?;
        request.extend_from_slice(&chunk[..read]);
        let end = request.windows(4).position(|window| window == b"\r\n\r\n");
        if let Some(end) = end {
            let head = String::from_utf8_lossy(&request[..end]).to_lowercase();
            let length = head
                .lines()
                .find_map(|line| {
                    line.strip_prefix("content-length:")?
                        .trim()
                        .parse::<usize>()
                        .ok()
                })
                .unwrap_or(0);
            if request.len() >= end + 4 + length {
                return Ok(request);
            }
        }
        if read == 0 {
            return Ok(request);
        }
    }
}

/// MLflow's whole answer; it is asked to hang up behind it.
fn ask(upstream: u16, request: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut server = TcpStream::connect(("127.0.0.1", upstream))?;
    let end = request
        .windows(2)
        .position(|window| window == b"\r\n")
        .unwrap_or(0);
    let mut changed = request[..end].to_vec();
    changed.extend_from_slice(b"\r\nConnection: close");
    changed.extend_from_slice(&request[end..]);
    server.write_all(&changed)?;
    let mut answer = Vec::new();
    server.read_to_end(&mut answer)?;
    Ok(answer)
}

/// Which request it is.
struct Numbered<'a> {
    number: usize,
    era: usize,
    seen: &'a Mutex<Seen>,
}

fn serve(
    mut connection: TcpStream,
    upstream: u16,
    choose: impl FnOnce(&[u8]) -> Option<Fault>,
    numbered: &Numbered<'_>,
    ended: &AtomicBool,
) -> std::io::Result<()> {
    let request = request(&mut connection)?;
    {
        let text = String::from_utf8_lossy(&request);
        let mut seen = numbered.seen.lock().unwrap();
        if seen.era == numbered.era {
            let line = text.lines().next().unwrap_or_default().to_owned();
            seen.lines.insert(numbered.number, line);
        }
        seen.under_way += 1;
        seen.most_under_way = seen.most_under_way.max(seen.under_way);
    }
    let served = respond(&mut connection, &request, upstream, choose(&request), ended);
    numbered.seen.lock().unwrap().under_way -= 1;
    served?;
    connection.shutdown(Shutdown::Write)
}

fn respond(
    connection: &mut TcpStream,
    request: &[u8],
    upstream: u16,
    fault: Option<Fault>,
    ended: &AtomicBool,
) -> std::io::Result<()> {
    match fault {
        None => connection.write_all(&ask(upstream, request)?),
        Some(Fault::Answer(answer)) => connection.write_all(&answer),
        Some(Fault::HangUp) => Ok(()),
        Some(Fault::LoseAnswer) => ask(upstream, request).map(drop),
        Some(Fault::Truncate(most)) => {
            let answer = ask(upstream, request)?;
            connection.write_all(&answer[..most.min(answer.len().saturating_sub(1))])
        }
        Some(Fault::Silence) => {
            while !ended.load(Ordering::SeqCst) {
                std::thread::sleep(Duration::from_millis(50));
            }
            Ok(())
        }
        Some(Fault::Drip(apart)) => {
            for byte in ask(upstream, request)? {
                connection.write_all(&[byte])?;
                std::thread::sleep(apart);
            }
            Ok(())
        }
        Some(Fault::Replace(from, to)) => {
            let answer = ask(upstream, request)?;
            let text = String::from_utf8_lossy(&answer).replace(&from, &to);
            let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
            let head: Vec<&str> = head
                .lines()
                .filter(|line| !line.to_lowercase().starts_with("content-length"))
                .collect();
            connection.write_all(format!("{}\r\n\r\n{body}", head.join("\r\n")).as_bytes())
        }
    }
}

/// An answer with a status, a content type and a body.
pub(crate) fn answer(status: &str, kind: &str, body: &str) -> Fault {
    with_header(status, kind, "", body)
}

/// The same with one more header line, which ends with CR LF.
pub(crate) fn with_header(status: &str, kind: &str, header: &str, body: &str) -> Fault {
    let length = body.len();
    Fault::Answer(
        format!("HTTP/1.1 {status}\r\nContent-Type: {kind}\r\n{header}Content-Length: {length}\r\nConnection: close\r\n\r\n{body}").into_bytes(),
    )
}
