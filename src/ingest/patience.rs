//! How long a write that the store cannot take at the moment is tried again.
//!
//! A refusal by a rule is never tried again: it would be refused again.

use crate::service::{ErrorKind, ServiceError};
use crate::store::StoreError;
use std::future::Future;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::Instant;

const FIRST_WAIT: Duration = Duration::from_millis(50);
const LONGEST_WAIT: Duration = Duration::from_secs(2);

/// For how long a failing store is waited for.
#[derive(Debug, Clone)]
pub enum Patience {
    /// So long, and only for what passes by itself: a busy store.
    Limited(Duration),
    /// Whatever the store's fault is, until a deadline is set and has passed: for a training that must go on.
    UntilDeadline(watch::Receiver<Option<Instant>>),
}

impl Patience {
    /// Writes, again and again as long as the store is at fault and patience lasts.
    pub(crate) async fn persist<T, F, Fut>(&self, mut write: F) -> Result<T, ServiceError>
    where
        F: FnMut() -> Fut,
        Fut: Future<Output = Result<T, ServiceError>>,
    {
        let began = Instant::now();
        let mut wait = FIRST_WAIT;
        loop {
            let error = match write().await {
                Err(error) if is_fault_of_store(&error) => error,
                settled => return settled,
            };
            if !self.lasts(began, &error) {
                return Err(error);
            }
            tracing::warn!(%error, "the store did not take a write; trying again");
            self.pause(wait).await;
            wait = (wait * 2).min(LONGEST_WAIT);
        }
    }

    fn lasts(&self, began: Instant, error: &ServiceError) -> bool {
        match self {
            Self::Limited(limit) => {
                matches!(
                    error.kind(),
                    ErrorKind::Busy
                        | ErrorKind::Unreachable
                        | ErrorKind::NotMlflow
                        | ErrorKind::Unavailable
                        | ErrorKind::Conflict
                ) && began.elapsed() < *limit
            }
            Self::UntilDeadline(deadline) => deadline
                .borrow()
                .is_none_or(|deadline| Instant::now() < deadline),
        }
    }

    /// Waits, but notices when a deadline is set meanwhile.
    async fn pause(&self, wait: Duration) {
        match self {
            Self::Limited(_) => tokio::time::sleep(wait).await,
            Self::UntilDeadline(deadline) => {
                let mut deadline = deadline.clone();
                let was_set = deadline.borrow_and_update().is_some();
                tokio::select! {
                    () = tokio::time::sleep(wait) => {}
                    // A dropped sender changes nothing any more; then the sleep ends this.
                    Ok(()) = deadline.changed(), if !was_set => {}
                }
            }
        }
    }
}

/// Whether the store could not, rather than would not.
pub(crate) fn is_fault_of_store(error: &ServiceError) -> bool {
    matches!(
        error.kind(),
        ErrorKind::Failed
            | ErrorKind::Unusable
            | ErrorKind::Unauthorized
            | ErrorKind::Unreachable
            | ErrorKind::NotMlflow
            | ErrorKind::Unavailable
            | ErrorKind::Busy
    ) || matches!(
        error,
        ServiceError::Store(StoreError::ReadOnly { .. } | StoreError::Conflict { .. })
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU32, Ordering};

    fn busy() -> ServiceError {
        let doing = "a write".to_owned();
        StoreError::Busy { doing }.into()
    }

    #[tokio::test]
    async fn a_busy_store_is_waited_for() {
        let tries = AtomicU32::new(0);
        let patience = Patience::Limited(Duration::from_secs(30));
        let written = patience
            .persist(|| async {
                match tries.fetch_add(1, Ordering::Relaxed) {
                    0 | 1 => Err(busy()),
                    _ => Ok(()),
                }
            })
            .await;
        assert!(written.is_ok());
        assert_eq!(tries.into_inner(), 3);
    }

    #[tokio::test]
    async fn a_refusal_is_told_at_once() {
        let tries = AtomicU32::new(0);
        let (_tx, rx) = watch::channel(None);
        let refused: Result<(), _> = Patience::UntilDeadline(rx)
            .persist(|| async {
                tries.fetch_add(1, Ordering::Relaxed);
                Err(ServiceError::invalid("params", "no"))
            })
            .await;
        assert!(refused.is_err());
        assert_eq!(tries.into_inner(), 1);
    }

    #[tokio::test]
    async fn a_deadline_that_is_set_later_ends_the_patience() {
        let (tx, rx) = watch::channel(None);
        let waiting = tokio::spawn(async move {
            Patience::UntilDeadline(rx)
                .persist(|| async { Err::<(), _>(busy()) })
                .await
        });
        tx.send(Some(Instant::now())).unwrap();
        let ended = tokio::time::timeout(Duration::from_secs(10), waiting);
        assert!(ended.await.unwrap().unwrap().is_err());
    }
}
