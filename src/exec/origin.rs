//! Where a run comes from: the command, the place, the person and the commit.

use super::redact;
use crate::domain::{Identity, Key, RunSource, Tags};
use std::ffi::OsString;
use std::process::Stdio;
use std::time::Duration;

/// A repository on a slow disk must not keep the command waiting.
const PATIENCE_WITH_GIT: Duration = Duration::from_millis(1500);

pub(super) struct Origin {
    pub(super) source: RunSource,
    /// `git.dirty` where the working tree is not what was committed.
    pub(super) tags: Tags,
}

/// Looks around.
pub(super) async fn of(command: &[OsString], identity: &Identity) -> Origin {
    let (commit, changes) = tokio::join!(
        git(&["rev-parse", "--verify", "HEAD"]),
        git(&["status", "--porcelain", "--untracked-files=no"]),
    );
    let mut tags = Tags::new();
    if changes.is_some_and(|changes| !changes.is_empty()) {
        tags.insert(Key::trusted("git.dirty"), "true".to_owned());
    }
    let source = RunSource {
        command: Some(redact::command_line(command)),
        git_commit: commit.filter(|commit| {
            commit.len() >= 40 && commit.bytes().all(|byte| byte.is_ascii_hexdigit())
        }),
        host: Some(identity.host.clone()),
        user: Some(identity.user.clone()),
        directory: std::env::current_dir()
            .ok()
            .map(|directory| directory.to_string_lossy().into_owned()),
        // This program's own: whoever ends it ends the command, too.
        pid: Some(std::process::id()),
        ..RunSource::default()
    };
    Origin { source, tags }
}

/// What git says; `None` without git, without a repository, or too late.
async fn git(arguments: &[&str]) -> Option<String> {
    let mut git = tokio::process::Command::new("git");
    git.args(arguments)
        .env("GIT_OPTIONAL_LOCKS", "0")
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true);
    let said = tokio::time::timeout(PATIENCE_WITH_GIT, git.output())
        .await
        .ok()?
        .ok()?;
    said.status
        .success()
        .then(|| String::from_utf8_lossy(&said.stdout).trim().to_owned())
}
