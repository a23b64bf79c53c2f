//! A mirror in trouble, for the stage.

use super::now;
use jiff::SignedDuration;
use modeldeck::domain::{MirrorState, SyncItem, SyncItemState, SyncKind, SyncStatus};
use modeldeck::tui::message::SyncMore;

/// Offline, with an item that is DEAD and two that wait.
pub(crate) fn mirror() -> SyncMore {
    let item = |id, kind, object: &str, part: Option<&str>, state, attempts, minutes| SyncItem {
        id,
        kind,
        object: object.to_owned(),
        part: part.map(str::to_owned),
        state,
        attempts,
        queued_at: now() - SignedDuration::from_mins(minutes),
        next_try_at: None,
        reason: None,
    };
    let dead = SyncItem {
        reason: Some(
            "the file is not what was recorded any more: its digest is another one".to_owned(),
        ),
        ..item(
            4,
            SyncKind::Artifact,
            "r1",
            Some("model.bin"),
            SyncItemState::Dead,
            3,
            125,
        )
    };
    SyncMore {
        status: SyncStatus {
            target: Some("http://mlflow:5000".to_owned()),
            state: MirrorState::Offline,
            depth: 2,
            dead: 1,
            oldest_at: Some(now() - SignedDuration::from_mins(4)),
            last_success_at: Some(now() - SignedDuration::from_mins(5)),
            next_try_at: Some(now() + SignedDuration::from_secs(8)),
            problem: Some("no connection: connection refused".to_owned()),
            worker: None,
        },
        is_on_server: false,
        items: vec![
            dead,
            item(7, SyncKind::Run, "r2", None, SyncItemState::Queued, 0, 4),
            item(
                9,
                SyncKind::ModelVersion,
                "fraud 3\u{1b}[2J",
                None,
                SyncItemState::Retry,
                2,
                3,
            ),
        ],
    }
}
