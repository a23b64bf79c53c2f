//! Who shares a transaction, and what a failure among them costs.

use super::*;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc;

struct Stage {
    _directory: tempfile::TempDir,
    lane: Lane,
    group: Arc<Group>,
    commits: Arc<AtomicUsize>,
    path: PathBuf,
}

fn stage() -> Stage {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("group.db");
    let setup = Connection::open(&path).unwrap();
    setup
        .execute_batch("CREATE TABLE t (name TEXT PRIMARY KEY)")
        .unwrap();
    let commits = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&commits);
    let file = path.clone();
    let lane = Lane::new("test", 1, path.clone(), None, move || {
        let mut connection = Connection::open(&file).unwrap();
        let counted = Arc::clone(&counted);
        let count = move || {
            counted.fetch_add(1, Ordering::Relaxed);
            false
        };
        connection.commit_hook(Some(count)).unwrap();
        Ok(connection)
    });
    Stage {
        _directory: directory,
        lane,
        group: Arc::new(Group::new(&path)),
        commits,
        path,
    }
}

impl Stage {
    /// Carries writes out that have gathered behind one; what became of each.
    async fn together(
        self: &Arc<Self>,
        jobs: Vec<Job>,
    ) -> Vec<std::result::Result<(), StoreError>> {
        let (open, gate) = mpsc::channel::<()>();
        let before = self.lane.write("holding the lane", move |_| {
            let _ = gate.recv();
            Ok(())
        });
        let gathered = async {
            let mut tasks = Vec::new();
            for job in jobs {
                let stage = Arc::clone(self);
                tasks.push(tokio::spawn(async move {
                    stage.group.write(&stage.lane, "writing", job).await
                }));
                // A task on this one thread runs until it waits, so the writes queue in their order.
                tokio::task::yield_now().await;
            }
            open.send(()).unwrap();
            let mut ended = Vec::new();
            for task in tasks {
                ended.push(task.await.unwrap());
            }
            ended
        };
        let (held, ended) = tokio::join!(before, gathered);
        held.unwrap();
        ended
    }

    fn names(&self) -> Vec<String> {
        let connection = Connection::open(&self.path).unwrap();
        let mut statement = connection
            .prepare("SELECT name FROM t ORDER BY rowid")
            .unwrap();
        let names = statement.query_map([], |row| row.get(0)).unwrap();
        names.collect::<rusqlite::Result<_>>().unwrap()
    }
}

type Job = Box<dyn FnOnce(&Connection) -> Result<()> + Send>;

fn insert(name: &'static str) -> Job {
    Box::new(move |connection| {
        connection.execute("INSERT INTO t VALUES (?1)", [name])?;
        Ok(())
    })
}

fn insert_then_fail(name: &'static str) -> Job {
    Box::new(move |connection| {
        insert(name)(connection)?;
        Err(Fault::Told(StoreError::Invalid {
            message: "no".to_owned(),
        }))
    })
}

fn held(results: &[std::result::Result<(), StoreError>]) -> Vec<bool> {
    results.iter().map(std::result::Result::is_ok).collect()
}

#[tokio::test]
async fn writes_that_gathered_share_a_transaction() {
    let stage = Arc::new(stage());
    let results = stage
        .together(vec![insert("a"), insert("b"), insert("c")])
        .await;
    assert_eq!(held(&results), [true, true, true]);
    assert_eq!(stage.names(), ["a", "b", "c"]);
    assert_eq!(stage.commits.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn one_that_fails_takes_back_its_own_and_nothing_else() {
    let stage = Arc::new(stage());
    let panics: Job = Box::new(|connection| {
        insert("lost")(connection)?;
        panic!("a test of panics");
    });
    let results = stage
        .together(vec![
            insert_then_fail("first"),
            insert("a"),
            insert("a"),
            insert_then_fail("b"),
            panics,
            insert("c"),
        ])
        .await;
    assert_eq!(held(&results), [false, true, false, false, false, true]);
    assert!(matches!(results[0], Err(StoreError::Invalid { .. })));
    assert!(matches!(results[2], Err(StoreError::Conflict { .. })));
    assert!(matches!(results[4], Err(StoreError::Unavailable { .. })));
    assert_eq!(stage.names(), ["a", "c"]);
}

#[tokio::test]
async fn what_was_rolled_back_with_a_transaction_is_not_acknowledged() {
    let stage = Arc::new(stage());
    // As SQLite does it when the disk is full.
    let full: Job = Box::new(|connection| {
        connection.execute_batch("ROLLBACK")?;
        let code = ffi::Error::new(ffi::SQLITE_FULL);
        Err(rusqlite::Error::SqliteFailure(code, None).into())
    });
    let results = stage
        .together(vec![
            insert("a"),
            insert_then_fail("b"),
            full,
            insert("later"),
        ])
        .await;
    assert_eq!(held(&results), [false, false, false, true]);
    let told = |at: usize| results[at].as_ref().unwrap_err().to_string();
    assert!(told(0).contains("the disk is full"), "{}", told(0));
    assert_eq!(told(1), "no");
    assert_eq!(stage.names(), ["later"]);
}

#[tokio::test]
async fn a_write_that_was_refused_by_the_lane_is_not_done_later() {
    let stage = stage();
    let file = stage.path.clone();
    let tried = AtomicBool::new(false);
    let lane = Lane::new("test", 1, file.clone(), None, move || {
        if tried.swap(true, Ordering::Relaxed) {
            Ok(Connection::open(&file).unwrap())
        } else {
            Err(StoreError::Invalid {
                message: "not now".to_owned(),
            })
        }
    });
    let refused = stage.group.write(&lane, "writing", insert("a")).await;
    assert!(matches!(refused, Err(StoreError::Invalid { .. })));
    stage
        .group
        .write(&lane, "writing", insert("b"))
        .await
        .unwrap();
    assert_eq!(stage.names(), ["b"]);
}
