//! What becomes of jobs when nobody waits for them, and of lanes that cannot connect.

use super::*;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

const ENDLESS: &str =
    "WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n";

fn lane(most: usize) -> Lane {
    Lane::new("test", most, PathBuf::from("memory"), None, || {
        Ok(Connection::open_in_memory().unwrap())
    })
}

fn endless(connection: &mut Connection) -> Result<i64> {
    Ok(connection.query_row(ENDLESS, [], |row| row.get(0))?)
}

fn quick(connection: &mut Connection) -> Result<i64> {
    Ok(connection.query_row("SELECT 7", [], |row| row.get(0))?)
}

async fn within<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(20), future)
        .await
        .expect("it does not take so long")
}

#[tokio::test]
async fn a_read_that_nobody_waits_for_is_interrupted() {
    let lane = lane(1);
    let endless = lane.read("reading", endless);
    assert!(
        tokio::time::timeout(Duration::from_millis(50), endless)
            .await
            .is_err()
    );
    assert_eq!(within(lane.read("reading", quick)).await.unwrap(), 7);
}

#[tokio::test]
async fn a_read_that_has_not_begun_is_skipped() {
    let lane = lane(1);
    let done = Arc::new(AtomicBool::new(false));
    let mark = Arc::clone(&done);
    let mut first = Box::pin(lane.read("reading", endless));
    let mut second = Box::pin(lane.read("reading", move |connection| {
        mark.store(true, Ordering::Relaxed);
        quick(connection)
    }));
    assert!(
        tokio::time::timeout(Duration::from_millis(20), &mut first)
            .await
            .is_err()
    );
    assert!(
        tokio::time::timeout(Duration::from_millis(20), &mut second)
            .await
            .is_err()
    );
    drop(second);
    drop(first);
    assert_eq!(within(lane.read("reading", quick)).await.unwrap(), 7);
    assert!(!done.load(Ordering::Relaxed));
}

#[tokio::test]
async fn a_second_reader_does_not_wait_for_the_first() {
    let lane = lane(2);
    let mut endless = Box::pin(lane.read("reading", endless));
    assert!(
        tokio::time::timeout(Duration::from_millis(20), &mut endless)
            .await
            .is_err()
    );
    assert_eq!(within(lane.read("reading", quick)).await.unwrap(), 7);
}

#[tokio::test]
async fn an_accepted_write_is_carried_through() {
    let lane = lane(1);
    let done = Arc::new(AtomicBool::new(false));
    let mark = Arc::clone(&done);
    let write = lane.write("writing", move |_| {
        std::thread::sleep(Duration::from_millis(50));
        mark.store(true, Ordering::Relaxed);
        Ok(())
    });
    assert!(
        tokio::time::timeout(Duration::from_millis(1), write)
            .await
            .is_err()
    );
    // Ends the thread when it is done.
    drop(lane);
    assert!(done.load(Ordering::Relaxed));
}

#[tokio::test]
async fn a_lane_that_cannot_connect_says_so_and_tries_again() {
    let tried = Arc::new(AtomicBool::new(false));
    let lane = Lane::new("test", 1, PathBuf::from("memory"), None, move || {
        if tried.swap(true, Ordering::Relaxed) {
            Ok(Connection::open_in_memory().unwrap())
        } else {
            Err(StoreError::Invalid {
                message: "not now".to_owned(),
            })
        }
    });
    let refused = within(lane.read("reading", quick)).await;
    assert!(
        matches!(refused, Err(StoreError::Invalid { .. })),
        "{refused:?}"
    );
    assert_eq!(within(lane.read("reading", quick)).await.unwrap(), 7);
}

#[tokio::test]
async fn a_panic_in_a_job_ends_that_job_only() {
    let lane = lane(1);
    let lost =
        within(lane.read("reading", |_| -> Result<i64> { panic!("told by the hook") })).await;
    assert!(
        matches!(lost, Err(StoreError::Unavailable { .. })),
        "{lost:?}"
    );
    assert_eq!(within(lane.read("reading", quick)).await.unwrap(), 7);
}
