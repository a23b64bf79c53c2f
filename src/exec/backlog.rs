//! A queue that keeps taking in while what is done with its items is stuck, so that the command behind it never waits for a store.
//!
//! A slow store slows the command down (its pipe fills), as a slow terminal would. Only a store that is stuck for longer than a
//! moment makes the queue grow to its limit, and then lets what is new go, counted.

use jiff::Timestamp;
use std::collections::VecDeque;
use std::future::Future;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::Instant;

/// A piece of work that takes longer than this is stuck.
const STUCK: Duration = Duration::from_secs(2);

/// Some of what the command said, and when, which may be long before the store takes it.
#[derive(Debug)]
pub(super) struct Said {
    pub(super) at: Timestamp,
    pub(super) bytes: Vec<u8>,
}

pub(super) struct Backlog {
    incoming: mpsc::Receiver<Said>,
    open: bool,
    queue: VecDeque<Said>,
    bytes: usize,
    limit: usize,
    patience: Duration,
    dropped_items: u64,
    dropped_bytes: u64,
}

impl Backlog {
    pub(super) fn new(incoming: mpsc::Receiver<Said>, limit: usize) -> Self {
        Self::with_patience(incoming, limit, STUCK)
    }

    fn with_patience(incoming: mpsc::Receiver<Said>, limit: usize, patience: Duration) -> Self {
        Self {
            patience,
            incoming,
            open: true,
            queue: VecDeque::new(),
            bytes: 0,
            limit,
            dropped_items: 0,
            dropped_bytes: 0,
        }
    }

    /// The next item; `None` when there will be no more. Safe to cancel.
    pub(super) async fn next(&mut self) -> Option<Said> {
        if let Some(item) = self.queue.pop_front() {
            self.bytes -= item.bytes.len();
            return Some(item);
        }
        if !self.open {
            return None;
        }
        let item = self.incoming.recv().await;
        self.open = item.is_some();
        item
    }

    /// Does some work, which may be stuck for long, and takes in what comes meanwhile.
    pub(super) async fn during<T>(&mut self, work: impl Future<Output = T>) -> T {
        tokio::pin!(work);
        let stuck_at = Instant::now() + self.patience;
        loop {
            let room = self.bytes < self.limit;
            let stuck = Instant::now() >= stuck_at;
            tokio::select! {
                biased;
                done = &mut work => return done,
                item = self.incoming.recv(), if self.open && (room || stuck) => match item {
                    Some(item) => self.take_in(item),
                    None => self.open = false,
                },
                () = tokio::time::sleep_until(stuck_at), if !room && !stuck => {}
            }
        }
    }

    /// Takes nothing new any more; what was sent already still comes.
    pub(super) fn close(&mut self) {
        self.incoming.close();
    }

    /// Items and bytes that were let go.
    pub(super) fn dropped(&self) -> (u64, u64) {
        (self.dropped_items, self.dropped_bytes)
    }

    fn take_in(&mut self, item: Said) {
        if self.bytes < self.limit {
            self.bytes += item.bytes.len();
            self.queue.push_back(item);
        } else {
            self.dropped_items += 1;
            self.dropped_bytes += item.bytes.len() as u64;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(byte: u8) -> Said {
        Said {
            at: Timestamp::UNIX_EPOCH,
            bytes: vec![byte],
        }
    }

    #[tokio::test]
    async fn a_stuck_worker_lets_the_new_go_and_keeps_the_old_in_order() {
        let (sender, receiver) = mpsc::channel(1);
        let mut backlog = Backlog::with_patience(receiver, 3, Duration::from_millis(10));
        let feeding = tokio::spawn(async move {
            for byte in 0..10_u8 {
                sender.send(said(byte)).await.unwrap();
            }
        });
        backlog
            .during(tokio::time::sleep(Duration::from_millis(300)))
            .await;
        feeding.await.unwrap();
        let mut kept = Vec::new();
        while let Some(item) = backlog.next().await {
            kept.extend(item.bytes);
        }
        assert_eq!(kept, [0, 1, 2]);
        assert_eq!(backlog.dropped(), (7, 7));
    }

    #[tokio::test]
    async fn a_slow_worker_makes_the_sender_wait_instead() {
        let (sender, receiver) = mpsc::channel(1);
        let mut backlog = Backlog::new(receiver, 1);
        let feeding = tokio::spawn(async move {
            for byte in 0..10_u8 {
                sender.send(said(byte)).await.unwrap();
            }
        });
        let mut kept = 0;
        while backlog.next().await.is_some() {
            kept += 1;
            backlog
                .during(tokio::time::sleep(Duration::from_millis(10)))
                .await;
        }
        feeding.await.unwrap();
        assert_eq!((kept, backlog.dropped()), (10, (0, 0)));
    }
}
