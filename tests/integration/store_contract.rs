//! What every store promises, as one suite of functions over `&dyn Store`, run here on the local store in a directory of its own.
//!
//! Another kind of store joins with a fixture and one line of [`contract!`].

mod experiments;
pub(crate) mod samples;

use modeldeck::store::Store;
use modeldeck::store::sqlite::{OpenOptions, SqliteStore};

/// A fresh store and what has to live as long as it.
struct Fixture {
    store: Box<dyn Store>,
    _keep: Box<dyn std::any::Any>,
}

#[expect(clippy::unused_async, reason = "the fixture of a server waits for it")]
async fn sqlite() -> Fixture {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("modeldeck.db");
    let store = SqliteStore::open(
        &path,
        OpenOptions {
            create: true,
            ..OpenOptions::default()
        },
    );
    Fixture {
        store: Box::new(store.unwrap()),
        _keep: Box::new(directory),
    }
}

/// Makes a test of each promise, on stores of one fixture.
macro_rules! contract {
    ($kind:ident, $fixture:path: $($part:ident { $($promise:ident),+ $(,)? })+) => {
        mod $kind {
            $(mod $part {
                $(#[tokio::test]
                async fn $promise() {
                    let fixture = $fixture().await;
                    super::super::$part::$promise(&*fixture.store).await;
                })+
            })+
        }
    };
}

contract! { on_sqlite, super::super::sqlite:
    experiments {
        what_goes_in_comes_out,
        a_name_is_taken_once,
        what_is_not_there_is_not_found,
        a_lost_race_is_a_conflict,
        owner_and_status_narrow_the_list,
    }
}
