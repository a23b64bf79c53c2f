//! The service that questions go to, once there is one: who asks before that waits.

use super::follow::follow;
use crate::service::{ModelLifecycleService, ServiceOptions};
use crate::tui::message::{Failure, Msg, Progress};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Notify, mpsc, watch};

/// The pauses between attempts to reach a server: twice as long each time.
const SHORTEST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(15);

/// Gives the service to those who wait for it.
pub(super) type Gate = watch::Sender<Option<ModelLifecycleService>>;

/// Where the service will be.
#[derive(Clone)]
pub(super) struct Link(watch::Receiver<Option<ModelLifecycleService>>);

impl Link {
    pub(super) fn new() -> (Gate, Self) {
        let (gate, link) = watch::channel(None);
        (gate, Self(link))
    }

    /// Waits for the service; `None` when there will be none any more.
    pub(super) async fn service(&mut self) -> Option<ModelLifecycleService> {
        let there = self.0.wait_for(Option::is_some).await.ok()?;
        there.clone()
    }
}

/// Connects, however long it takes, and then follows what is written.
///
/// What passes by itself is tried again after a pause that is told, and at once when somebody asks for it; what does not, only then.
pub(super) async fn connect(
    options: ServiceOptions,
    messages: mpsc::Sender<Msg>,
    gate: Gate,
    again: Arc<Notify>,
    interval: watch::Receiver<Duration>,
    attention: Arc<Notify>,
) {
    let mut pause = SHORTEST_PAUSE;
    loop {
        let opened = tokio::select! {
            opened = ModelLifecycleService::open(options.clone()) => Some(opened),
            // An attempt that hangs is given up for another one.
            () = again.notified() => None,
        };
        let progress = match opened {
            None => Progress::Begun,
            Some(Ok(service)) => {
                let read_only = service.read_only();
                let is_near = service.capabilities().near;
                let connected = Msg::Connection(Progress::Connected { read_only, is_near });
                if messages.send(connected).await.is_ok() {
                    follow(service, messages, gate, interval, attention).await;
                }
                return;
            }
            Some(Err(error)) => {
                let failure = Failure::from(&error);
                let passes = failure.passes();
                let told = if passes {
                    Progress::Failed { failure, pause }
                } else {
                    Progress::Refused(failure)
                };
                if messages.send(Msg::Connection(told)).await.is_err() {
                    return;
                }
                if passes {
                    tokio::select! {
                        () = tokio::time::sleep(pause) => pause = (pause * 2).min(LONGEST_PAUSE),
                        () = again.notified() => pause = SHORTEST_PAUSE,
                    }
                } else {
                    again.notified().await;
                    pause = SHORTEST_PAUSE;
                }
                Progress::Begun
            }
        };
        if messages.send(Msg::Connection(progress)).await.is_err() {
            return;
        }
    }
}
