//! Files that are not what they should be, and who may do what with those that are.

use super::children::{all_end_well, command};
use super::{mode, open, place, raw, read_only, try_open, with_run};
use crate::store_contract::samples::{at, ctx, experiment};
use modeldeck::domain::{ObjectKind, RunId};
use modeldeck::store::sqlite::{InitOptions, SqliteStore};
use modeldeck::store::{
    AuditStore as _, ExperimentQuery, ExperimentStore as _, PageRequest, RunStore as _, StoreError,
};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;
use std::time::{Duration, Instant};

fn chmod(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

/// A file that is refused with exit 4, told how to go on, and left as it is.
fn is_refused(path: &Path, because: &str) {
    let before = std::fs::read(path).unwrap();
    for result in [try_open(path), read_only(path)] {
        match result {
            Err(StoreError::Unusable { problem, hint, .. }) => {
                assert!(problem.contains(because), "{problem}");
                assert!(!hint.is_empty());
            }
            other => panic!("{because}: {other:?}"),
        }
    }
    assert!(
        std::fs::read(path).unwrap() == before,
        "{because}: the file was changed"
    );
}

#[test]
fn a_file_that_is_not_ours_is_refused_and_left_alone() {
    let (_keep, path) = place();
    std::fs::write(&path, "dear diary, ".repeat(1000)).unwrap();
    chmod(&path, 0o600);
    is_refused(&path, "not a store");

    let foreign = path.with_file_name("foreign.db");
    raw(&foreign)
        .execute_batch("CREATE TABLE notes (x); INSERT INTO notes VALUES (1);")
        .unwrap();
    chmod(&foreign, 0o600);
    is_refused(&foreign, "another program");
    let marked = path.with_file_name("marked.db");
    raw(&marked)
        .execute_batch(
            "PRAGMA journal_mode = WAL; PRAGMA application_id = 7; CREATE TABLE notes (x);",
        )
        .unwrap();
    chmod(&marked, 0o600);
    is_refused(&marked, "another program");

    let directory = path.with_file_name("directory");
    std::fs::create_dir(&directory).unwrap();
    let refused = try_open(&directory);
    assert!(
        matches!(refused, Err(StoreError::Unusable { .. })),
        "{refused:?}"
    );
}

#[tokio::test]
async fn a_newer_layout_is_refused() {
    let (_keep, path) = place();
    drop(with_run(&path).await);
    raw(&path).pragma_update(None, "user_version", 99).unwrap();
    is_refused(&path, "newer modeldeck");
}

#[tokio::test]
async fn a_damaged_file_is_refused_and_not_repaired() {
    let (_keep, path) = place();
    let store = with_run(&path).await;
    for number in 0..200 {
        store
            .insert_experiment(
                &experiment(&format!("e{number}")),
                &ctx("create_experiment"),
            )
            .await
            .unwrap();
    }
    drop(store);
    let whole = std::fs::read(&path).unwrap();
    // Cut off, as by a disk that was full when somebody copied it.
    std::fs::write(&path, &whole[..whole.len() / 2 / 4096 * 4096]).unwrap();
    is_refused(&path, "damaged");
    // Overwritten in the middle: found when the damaged place is read, and told so then.
    let mut holed = whole.clone();
    holed[4096..].fill(0xa5);
    std::fs::write(&path, &holed).unwrap();
    let told = match try_open(&path) {
        Err(error) => error,
        Ok(store) => store
            .experiments(&ExperimentQuery::default(), &PageRequest::all())
            .await
            .unwrap_err(),
    };
    assert!(
        matches!(&told, StoreError::Unusable { problem, hint, .. } if problem.contains("damaged") && hint.contains("backup")),
        "{told:?}"
    );
    std::fs::write(&path, &whole).unwrap();
    assert_eq!(open(&path).info().await.unwrap().counts["experiments"], 201);
}

#[tokio::test]
async fn an_empty_file_is_a_new_store() {
    let (_keep, path) = place();
    std::fs::write(&path, b"").unwrap();
    chmod(&path, 0o644);
    assert!(matches!(read_only(&path), Err(StoreError::Unusable { .. })));
    drop(with_run(&path).await);
    assert!(
        read_only(&path)
            .unwrap()
            .run(&RunId::new("r1").unwrap())
            .await
            .is_ok()
    );
}

#[tokio::test]
async fn a_link_to_a_store_leads_to_all_of_it() {
    let (keep, path) = place();
    let store = with_run(&path).await;
    let run_id = RunId::new("r1").unwrap();
    store.append_output(&run_id, b"epoch 1").await.unwrap();
    let link = keep.path().join("link.db");
    symlink(&path, &link).unwrap();
    let linked = open(&link);
    assert_eq!(
        linked.output_tail(&run_id, 100).await.unwrap().bytes,
        b"epoch 1"
    );
    assert_eq!(
        linked.info().await.unwrap().target,
        store.info().await.unwrap().target
    );
}

#[test]
fn a_store_that_is_not_there_is_made_only_when_asked() {
    let (_keep, path) = place();
    let missing = SqliteStore::open(&path, modeldeck::store::sqlite::OpenOptions::default());
    assert!(
        matches!(
            missing,
            Err(StoreError::NotFound {
                kind: ObjectKind::Store,
                ..
            })
        ),
        "{missing:?}"
    );
    assert!(matches!(read_only(&path), Err(StoreError::NotFound { .. })));
    assert!(!path.exists());
}

#[tokio::test]
async fn a_store_opened_for_reading_writes_nothing() {
    let (_keep, path) = place();
    let writer = with_run(&path).await;
    let store = read_only(&path).unwrap();
    assert!(store.capabilities().read_only.is_some());
    let run_id = RunId::new("r1").unwrap();
    let refused = [
        store.heartbeat(&run_id, at(1)).await,
        store.append_output(&run_id, b"x").await,
        store
            .insert_experiment(&experiment("other"), &ctx("create_experiment"))
            .await,
    ];
    for result in refused {
        assert!(
            matches!(result, Err(StoreError::ReadOnly { .. })),
            "{result:?}"
        );
    }
    // It sees what others write.
    let before = store.change_token().await.unwrap();
    writer.heartbeat(&run_id, at(5)).await.unwrap();
    assert_ne!(store.change_token().await.unwrap(), before);
    assert_eq!(store.run(&run_id).await.unwrap().heartbeat_at, Some(at(5)));
    drop(writer);
    assert!(store.run(&run_id).await.is_ok());
    store.backup(&path.with_file_name("copy.db")).await.unwrap();
}

#[test]
fn a_store_is_its_owners_alone_whatever_the_umask() {
    for umask in [0o000, 0o027, 0o077] {
        let keep = tempfile::tempdir().unwrap();
        let directory = keep.path().join("share/modeldeck");
        let path = directory.join("modeldeck.db");
        let mut child = command("everything with umask", &path, umask);
        let output = child.spawn().unwrap().wait_with_output().unwrap();
        let told = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(
            output.status.success(),
            "{told}{}",
            String::from_utf8_lossy(&output.stderr)
        );
        assert!(told.contains("modes 600 600 600"), "{umask:o}: {told}");
        for (name, expected) in [
            ("", 0o700),
            ("modeldeck.db.artifacts", 0o700),
            ("modeldeck.db.artifacts/r1", 0o700),
            ("modeldeck.db.artifacts/r1/output.log", 0o600),
            (&format!("backup-{umask}.db"), 0o600),
        ] {
            assert_eq!(mode(&directory.join(name)), expected, "{umask:o} {name}");
        }
        assert_eq!(mode(&keep.path().join("share")), 0o700);
    }
}

fn own_group() -> String {
    nix::unistd::Group::from_gid(nix::unistd::getegid())
        .unwrap()
        .unwrap()
        .name
}

#[test]
fn a_group_shares_a_store_whatever_the_umask() {
    let keep = tempfile::tempdir().unwrap();
    let directory = keep.path().join("team");
    let path = directory.join("modeldeck.db");
    let options = InitOptions {
        group: Some(own_group()),
    };
    drop(SqliteStore::init(&path, &options).unwrap());
    assert_eq!((mode(&directory), mode(&path)), (0o2770, 0o660));
    let again = SqliteStore::init(&path, &options);
    assert!(
        matches!(again, Err(StoreError::AlreadyExists { .. })),
        "{again:?}"
    );
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    runtime.block_on(async { drop(with_run(&path).await) });
    let child = command("everything with umask", &path, 0o077);
    let output = { child }.spawn().unwrap().wait_with_output().unwrap();
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        told.contains("modes 660 660 660"),
        "{told}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    for (name, expected) in [
        ("modeldeck.db.artifacts", 0o2770),
        ("modeldeck.db.artifacts/r1", 0o2770),
        ("modeldeck.db.artifacts/r1/output.log", 0o660),
    ] {
        assert_eq!(mode(&directory.join(name)), expected, "{name}");
    }
    // The group of the file is the group of the directory; a copy elsewhere is nobody's to write.
    let elsewhere = keep.path().join("copy.db");
    std::fs::copy(&path, &elsewhere).unwrap();
    chmod(&elsewhere, 0o660);
    let refused = try_open(&elsewhere);
    assert!(
        matches!(refused, Err(StoreError::Unauthorized { .. })),
        "{refused:?}"
    );
}

#[test]
fn two_users_of_a_group_write_one_store() {
    use std::os::unix::process::CommandExt as _;
    if !nix::unistd::Uid::effective().is_root() {
        // Only root may become two users; CI is root.
        return;
    }
    let keep = tempfile::tempdir().unwrap();
    chmod(keep.path(), 0o755);
    let path = keep.path().join("team/modeldeck.db");
    let group = nix::unistd::Group::from_gid(nix::unistd::Gid::from_raw(100))
        .unwrap()
        .map_or_else(own_group, |group| group.name);
    let gid = nix::unistd::Group::from_name(&group).unwrap().unwrap().gid;
    let options = InitOptions { group: Some(group) };
    drop(SqliteStore::init(&path, &options).unwrap());
    // A place where every user may run this binary from.
    let binary = keep.path().join("integration");
    std::fs::copy(std::env::current_exe().unwrap(), &binary).unwrap();
    chmod(&binary, 0o755);
    let children: Vec<_> = [4001, 4002, 4003]
        .into_iter()
        .map(|uid| {
            let usual = command("first open", &path, usize::try_from(uid).unwrap());
            let mut child = std::process::Command::new(&binary);
            child
                .args(["--exact", "--nocapture", "store_faults::children::a_part"])
                .env_clear()
                .envs(
                    usual
                        .get_envs()
                        .filter_map(|(key, value)| Some((key, value?))),
                )
                .current_dir("/")
                .uid(uid)
                .gid(gid.as_raw())
                .stdout(std::process::Stdio::piped())
                .stderr(std::process::Stdio::piped());
            child
        })
        .collect();
    all_end_well(children);
    let stranger = std::process::Command::new(&binary)
        .args(["--exact", "--nocapture", "store_faults::children::a_part"])
        .env_clear()
        .envs(
            command("first open", &path, 1)
                .get_envs()
                .filter_map(|(key, value)| Some((key, value?))),
        )
        .current_dir("/")
        .uid(4004)
        .gid(4004)
        .output()
        .unwrap();
    assert!(
        !stranger.status.success(),
        "somebody outside the group opened the store"
    );
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let count = runtime.block_on(async {
        let store = open(&path);
        store.count_experiments(&ExperimentQuery::default()).await
    });
    assert_eq!(count.unwrap(), 3);
}

#[test]
fn an_unknown_group_makes_nothing() {
    let (keep, path) = place();
    let path = keep.path().join("team").join(path.file_name().unwrap());
    let options = InitOptions {
        group: Some("no-such-group".to_owned()),
    };
    let refused = SqliteStore::init(&path, &options);
    assert!(
        matches!(refused, Err(StoreError::Invalid { .. })),
        "{refused:?}"
    );
    assert!(!path.parent().unwrap().exists());
    // A directory with other things in it is not given to a group.
    std::fs::create_dir(path.parent().unwrap()).unwrap();
    std::fs::write(path.with_file_name("thesis.tex"), "x").unwrap();
    let before = mode(path.parent().unwrap());
    let options = InitOptions {
        group: Some(own_group()),
    };
    let refused = SqliteStore::init(&path, &options);
    assert!(
        matches!(refused, Err(StoreError::Invalid { .. })),
        "{refused:?}"
    );
    assert_eq!(mode(path.parent().unwrap()), before);
}

#[tokio::test]
async fn a_file_that_others_may_write_is_refused() {
    let (_keep, path) = place();
    drop(with_run(&path).await);
    for bits in [0o660, 0o602, 0o666, 0o620] {
        chmod(&path, bits);
        let refused = try_open(&path);
        assert!(
            matches!(&refused, Err(StoreError::Unauthorized { hint, .. }) if hint.contains("chmod 600")),
            "{bits:o}: {refused:?}"
        );
    }
    chmod(&path, 0o640);
    assert!(try_open(&path).is_ok());
}

#[tokio::test]
async fn a_file_replaced_while_open_is_noticed() {
    for replaced in [true, false] {
        let (_keep, path) = place();
        let store = with_run(&path).await;
        let other = path.with_file_name("other.db");
        drop(with_run(&other).await);
        if replaced {
            std::fs::rename(&other, &path).unwrap();
        } else {
            std::fs::remove_file(&path).unwrap();
        }
        let deadline = Instant::now() + Duration::from_secs(10);
        let run_id = RunId::new("r1").unwrap();
        loop {
            let results = [
                store.run(&run_id).await.map(drop),
                store.heartbeat(&run_id, at(1)).await,
                store.change_token().await.map(drop),
            ];
            if results.iter().all(Result::is_err) {
                for result in results {
                    assert!(
                        matches!(result, Err(StoreError::Unusable { .. })),
                        "{result:?}"
                    );
                }
                break;
            }
            assert!(Instant::now() < deadline, "nothing was noticed");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

#[tokio::test]
async fn output_is_not_written_through_a_symbolic_link() {
    let (keep, path) = place();
    let store = with_run(&path).await;
    let run_id = RunId::new("r1").unwrap();
    let (root, target) = (
        keep.path().join("modeldeck.db.artifacts"),
        keep.path().join("target"),
    );
    std::fs::create_dir_all(&target).unwrap();
    std::fs::write(target.join("output.log"), "secret").unwrap();
    std::fs::create_dir(&root).unwrap();
    symlink(&target, root.join("r1")).unwrap();
    assert!(store.append_output(&run_id, b"x").await.is_err());
    assert!(store.output_tail(&run_id, 10).await.is_err());
    std::fs::remove_file(root.join("r1")).unwrap();
    std::fs::create_dir(root.join("r1")).unwrap();
    symlink(target.join("output.log"), root.join("r1/output.log")).unwrap();
    assert!(store.append_output(&run_id, b"x").await.is_err());
    assert!(store.output_tail(&run_id, 10).await.is_err());
    assert!(store.finish_output(&run_id).await.is_err());
    assert_eq!(std::fs::read(target.join("output.log")).unwrap(), b"secret");
}

#[tokio::test]
async fn another_program_sees_that_there_is_more_output() {
    let (_keep, path) = place();
    let store = with_run(&path).await;
    let watcher = read_only(&path).unwrap();
    let run_id = RunId::new("r1").unwrap();
    let mut token = watcher.change_token().await.unwrap();
    for _ in 0..50 {
        store.append_output(&run_id, b"epoch\n").await.unwrap();
        let next = watcher.change_token().await.unwrap();
        assert_ne!(next, token);
        assert_eq!(watcher.change_token().await.unwrap(), next);
        token = next;
    }
}

#[tokio::test]
async fn the_last_one_out_tidies_up_the_log() {
    let (keep, path) = place();
    let store = with_run(&path).await;
    store.run(&RunId::new("r1").unwrap()).await.unwrap();
    store.change_token().await.unwrap();
    assert!(keep.path().join("modeldeck.db-wal").exists());
    drop(store);
    let left: Vec<_> = std::fs::read_dir(keep.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(left, ["modeldeck.db"]);
}
