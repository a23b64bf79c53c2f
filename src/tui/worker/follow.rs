//! Follows what is written to the store: cheap questions at an interval, one message for each change seen.

use super::link::Gate;
use crate::service::ModelLifecycleService;
use crate::tui::message::{Failure, Msg};
use std::time::Duration;
use tokio::sync::{mpsc, watch};

/// A store that says nothing for so long is told as one that does not answer.
const SILENCE: Duration = Duration::from_secs(3);
/// For so long the first questions of the screen wait for the first look.
const HEAD_START: Duration = Duration::from_millis(300);
/// After a failure it is waited for so long at least.
const AFTER_FAILURE: Duration = Duration::from_secs(2);

/// Opens the gate after the first look, so that what is asked behind it sees every write that is not told here; a store that is slow is not waited
/// for, and then the first look tells a change itself.
pub(super) async fn follow(
    service: ModelLifecycleService,
    messages: mpsc::Sender<Msg>,
    gate: Gate,
    mut interval: watch::Receiver<Duration>,
) {
    let mut failing = false;
    let mut seen = None;
    let mut is_first = true;
    loop {
        let mut answer = std::pin::pin!(service.change_token());
        let mut early = None;
        if std::mem::take(&mut is_first) {
            early = tokio::time::timeout(HEAD_START, &mut answer).await.ok();
            if let Some(Ok(token)) = &early {
                seen = Some(*token);
            }
            gate.send_replace(Some(service.clone()));
        }
        let answer = match early {
            Some(answer) => answer,
            None => match tokio::time::timeout(SILENCE, &mut answer).await {
                Ok(answer) => answer,
                // The question stays: asking again would only add to what the store has to do.
                Err(_still_silent) => {
                    let told = std::mem::replace(&mut failing, true);
                    let silence = Msg::Watch(Some(Failure::silence(SILENCE)));
                    if !told && messages.send(silence).await.is_err() {
                        return;
                    }
                    answer.await
                }
            },
        };
        let message = match answer {
            Ok(token) => {
                let changed = seen != Some(token);
                seen = Some(token);
                if std::mem::take(&mut failing) {
                    Some(Msg::Watch(None))
                } else {
                    changed.then_some(Msg::Changed)
                }
            }
            Err(error) => {
                failing = true;
                Some(Msg::Watch(Some(Failure::from(&error))))
            }
        };
        if let Some(message) = message
            && messages.send(message).await.is_err()
        {
            return;
        }
        let mut pause = *interval.borrow_and_update();
        if failing {
            pause = pause.max(AFTER_FAILURE);
        }
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            changed = interval.changed() => if changed.is_err() { return },
        }
    }
}
