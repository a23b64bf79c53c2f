//! The same with each of several things, a few at a time.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

/// How many are under way at once: [`all`] has as many turns.
pub(super) const AT_ONCE: usize = 6;

/// Does it with all of them and gives what came of each, in their order, or the first error; that does not stop the others. None is a task of its own, so
/// that all of it ends with whoever asked.
pub(super) async fn all<'a, T, U, E, F, Done>(things: &'a [T], does: F) -> Result<Vec<U>, E>
where
    F: Fn(&'a T) -> Done,
    Done: Future<Output = Result<U, E>>,
{
    let next = AtomicUsize::new(0);
    let done: Mutex<Vec<Option<Result<U, E>>>> = Mutex::new(things.iter().map(|_| None).collect());
    let walk = || async {
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let Some(thing) = things.get(at) else {
                return;
            };
            let came = does(thing).await;
            done.lock().unwrap_or_else(PoisonError::into_inner)[at] = Some(came);
        }
    };
    let turn = || Box::pin(walk());
    tokio::join!(turn(), turn(), turn(), turn(), turn(), turn());
    let done = std::mem::take(&mut *done.lock().unwrap_or_else(PoisonError::into_inner));
    done.into_iter()
        .map(|came| came.expect("each was walked to"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[tokio::test]
    async fn a_few_are_under_way_at_once_and_all_are_done() {
        let (under_way, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let things: Vec<usize> = (0..20).collect();
        let doubled = all(&things, |thing| {
            let (under_way, most) = (&under_way, &most);
            async move {
                most.fetch_max(
                    under_way.fetch_add(1, Ordering::SeqCst) + 1,
                    Ordering::SeqCst,
                );
                tokio::time::sleep(Duration::from_millis(2)).await;
                under_way.fetch_sub(1, Ordering::SeqCst);
                if *thing == 30 { Err(()) } else { Ok(thing * 2) }
            }
        });
        let expected: Vec<usize> = things.iter().map(|thing| thing * 2).collect();
        assert_eq!(doubled.await, Ok(expected));
        assert_eq!(most.into_inner(), AT_ONCE);
    }
}
