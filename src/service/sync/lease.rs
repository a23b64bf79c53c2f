//! One worker at a time: a lease in the store, taken, kept, and taken over from one that is gone.
//!
//! A lease expires by itself. Where its holder ran on this very host and is not there any more, nobody waits for that.

use super::super::core::Core;
use crate::store::Result;
use jiff::SignedDuration;
use std::time::Duration;

/// How long a lease holds without a sign of its holder.
const HOLDS: SignedDuration = SignedDuration::from_secs(30);
/// How often the holder gives one.
pub(super) const SIGN: Duration = Duration::from_secs(8);

/// Takes the lease; `Err` inside tells who has it.
pub(super) async fn take(core: &Core) -> Result<Result<i64, String>> {
    let now = core.clock.now();
    let me = holder(&core.identity.host);
    let lease = core.store.sync_lease().await?;
    let from = lease
        .holder
        .as_deref()
        .filter(|other| is_gone(other, &core.identity.host))
        .map(|_| lease.token);
    // One that seems to hold for longer than any was taken under another clock.
    let from = from.or((lease.expires_at > now + HOLDS + HOLDS).then_some(lease.token));
    match core
        .store
        .take_sync_lease(&me, from, now, now + HOLDS)
        .await?
    {
        Some(token) => Ok(Ok(token)),
        None => Ok(Err(lease
            .holder
            .unwrap_or_else(|| "another modeldeck".to_owned()))),
    }
}

/// Prolongs the lease; false where it is lost.
pub(super) async fn keep(core: &Core, token: i64) -> Result<bool> {
    core.store
        .keep_sync_lease(token, core.clock.now() + HOLDS)
        .await
}

/// `gpu-07 pid 4711 since 123456`: where this process is, and which of all that had its number.
fn holder(host: &str) -> String {
    let pid = std::process::id();
    match began(pid) {
        Some(began) => format!("{host} pid {pid} since {began}"),
        None => format!("{host} pid {pid}"),
    }
}

/// Tells whether a holder ran here and does not run any more.
fn is_gone(holder: &str, host: &str) -> bool {
    let Some(rest) = holder
        .strip_prefix(host)
        .and_then(|rest| rest.strip_prefix(" pid "))
    else {
        return false;
    };
    let Some((pid, since)) = rest.split_once(" since ") else {
        return false;
    };
    match (pid.parse(), since.parse()) {
        (Ok(pid), Ok(since)) => began(pid) != Some(since),
        _ => false,
    }
}

/// When a process began, in the kernel's ticks; `None` for one that is not there, and where the kernel does not tell.
fn began(pid: u32) -> Option<u64> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name, which may hold anything, stands in brackets; what follows it does not.
    let (_, after) = stat.rsplit_once(')')?;
    let mut fields = after.split_whitespace();
    // A zombie is gone already.
    let state = fields.next()?;
    if matches!(state, "Z" | "X") {
        return None;
    }
    fields.nth(18)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_holder_is_gone_when_its_process_is() {
        let me = holder("here");
        assert!(!is_gone(&me, "here"));
        assert!(!is_gone(&me, "there"), "who runs elsewhere cannot be seen");
        let pid = std::process::id();
        assert!(is_gone(&format!("here pid {pid} since 1"), "here"));
        let mut child = std::process::Command::new("true").spawn().unwrap();
        let since = began(child.id()).unwrap_or(1);
        child.wait().unwrap();
        assert!(is_gone(
            &format!("here pid {} since {since}", child.id()),
            "here"
        ));
        assert!(!is_gone("somebody", "here"));
    }
}
