//! Who runs this program, as the operating system knows it.

use crate::domain::Identity;
use nix::unistd::{User, geteuid, gethostname, getuid};

/// The operating-system user, the host and the SSH client. `claim` (`--as`) stands beside the user and replaces nothing.
///
/// The user comes from the real user id and never from `$USER`, which anybody can set.
pub fn current(claim: Option<String>) -> Identity {
    let uid = if getuid().is_root() {
        geteuid()
    } else {
        getuid()
    };
    let user = User::from_uid(uid)
        .ok()
        .flatten()
        .map_or_else(|| format!("uid:{uid}"), |user| user.name);
    let host = gethostname()
        .ok()
        .and_then(|host| host.into_string().ok())
        .unwrap_or_else(|| "localhost".to_owned());
    let ssh_client = std::env::var("SSH_CLIENT")
        .ok()
        .and_then(|client| client.split(' ').next().map(str::to_owned))
        .filter(|client| !client.is_empty());
    Identity {
        user,
        host,
        ssh_client,
        claim,
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_claim_never_replaces_the_user() {
        let (plain, claimed) = (
            super::current(None),
            super::current(Some("mallory".to_owned())),
        );
        assert_eq!(plain.person(), claimed.person());
        assert_eq!(claimed.claim.as_deref(), Some("mallory"));
        assert!(!plain.user.is_empty() && !plain.host.is_empty());
    }
}
