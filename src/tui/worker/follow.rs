//! Follows what is written to the store: cheap questions at an interval, one message for each change seen.
//!
//! A store that is far is asked less often: the longer nothing happens and nobody presses a key the less, and never for more than a small part of the time.

use super::link::Gate;
use crate::service::ModelLifecycleService;
use crate::tui::message::{Failure, Msg};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::{Notify, mpsc, watch};

/// A store that says nothing for so long is told as one that does not answer.
const SILENCE: Duration = Duration::from_secs(3);
/// For so long the first questions of the screen wait for the first look.
const HEAD_START: Duration = Duration::from_millis(300);
/// After a failure it is waited for so long at least.
const AFTER_FAILURE: Duration = Duration::from_secs(2);

/// A store that is far: the shortest and the longest pause between two looks, and how often in a row nothing is seen before the pause grows.
const BEAT: Duration = Duration::from_secs(2);
const SLOWEST_BEAT: Duration = Duration::from_secs(8);
const STILL: u32 = 5;
/// The pause is so many times as long as a look took.
const SHARE: u32 = 10;
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// How long it is waited before the next look at a store that is far.
fn far_pause(still: u32, took: Duration) -> Duration {
    // Nothing for ten seconds: half as often; for as long again: a quarter.
    let beat = BEAT * 2_u32.saturating_pow((still / STILL).min(2));
    beat.min(SLOWEST_BEAT)
        .max((took * SHARE).min(LONGEST_PAUSE))
}

/// Opens the gate after the first look, so that what is asked behind it sees every write that is not told here; a store that is slow is not waited
/// for, and then the first look tells a change itself.
pub(super) async fn follow(
    service: ModelLifecycleService,
    messages: mpsc::Sender<Msg>,
    gate: Gate,
    mut interval: watch::Receiver<Duration>,
    attention: Arc<Notify>,
) {
    let is_near = service.capabilities().near;
    let mut still = 0_u32;
    let mut failing = false;
    let mut seen = None;
    let mut is_first = true;
    loop {
        let asked = Instant::now();
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
                still = if changed { 0 } else { still.saturating_add(1) };
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
        if is_near {
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                changed = interval.changed() => if changed.is_err() { return },
            }
            continue;
        }
        let took = asked.elapsed();
        tokio::select! {
            () = tokio::time::sleep(pause.max(far_pause(still, took))) => {}
            changed = interval.changed() => if changed.is_err() { return },
            // Somebody is here: the next look is as soon as it may be.
            () = attention.notified() => {
                still = 0;
                tokio::time::sleep(pause.max(far_pause(0, took)).saturating_sub(asked.elapsed())).await;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_far_store_is_asked_less_the_longer_nothing_happens() {
        let quick = Duration::from_millis(20);
        let pauses: Vec<u64> = [0, 4, 5, 9, 10, 1_000]
            .map(|still| far_pause(still, quick).as_secs())
            .to_vec();
        assert_eq!(pauses, [2, 2, 4, 4, 8, 8]);
        assert_eq!(far_pause(0, Duration::from_secs(1)).as_secs(), 10);
        assert_eq!(far_pause(0, Duration::from_secs(20)).as_secs(), 30);
    }
}
