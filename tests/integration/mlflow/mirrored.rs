//! A run that a local store mirrored to a server, met there by the id that it has at home.

use super::{client, person};
use crate::store_contract::samples::{at, batch, key, point};
use crate::support::mlflow_server::{Series, turn};
use modeldeck::domain::RunId;
use modeldeck::service::RunUpdate;
use modeldeck::store::{AuditStore as _, RunStore as _};

const LOCAL: &str = "0199f3c8-1111-7000-8000-0123456789ab";

#[tokio::test]
async fn a_mirrored_run_is_found_by_its_local_id() {
    let Some(server) = turn(Series::Three).await else {
        return;
    };
    server.python(&format!(
        "
import mlflow
mlflow.set_experiment('fraud')
with mlflow.start_run(run_name='mirrored', tags={{'modeldeck.run_id': '{LOCAL}'}}):
    mlflow.log_metric('loss', 0.5, step=0)
"
    ));
    let local = RunId::new(LOCAL).unwrap();
    let alice = person(&server, "alice").await;
    let run = alice.get_run(&local).await.unwrap();
    assert_eq!(
        (run.name.as_str(), run.run_id.as_str()),
        ("mirrored", LOCAL)
    );
    // Points and histories, by programs that meet it for the first time.
    let store = client(&server.uri()).await;
    store
        .append_metrics(&[batch(LOCAL, "loss", &[point(1, 0.25)])], at(60))
        .await
        .unwrap();
    let store = client(&server.uri()).await;
    let history = store
        .metric_history(&local, &key("loss"), 0, 10)
        .await
        .unwrap();
    assert_eq!(history.len(), 2);
    // A change has its entry under the id that people know, and the next program finds it by the ledger.
    let mut update = RunUpdate::default();
    update.set_tags.insert(key("seen"), "yes".to_owned());
    alice.update_run(&local, &update).await.unwrap();
    let store = client(&server.uri()).await;
    assert_eq!(store.run(&local).await.unwrap().tags["seen"], "yes");
    let entries = store.audit_from(1, 10).await.unwrap();
    assert_eq!(entries.last().unwrap().object, LOCAL);
    let missing = RunId::new("0199f3c8-1111-7000-8000-0123456789ac").unwrap();
    assert!(alice.get_run(&missing).await.is_err());
    // What is asked of the server's size is not made up.
    let info = store.info().await.unwrap();
    assert_eq!((info.size, info.wal_size), (None, None));
    assert_eq!(info.counts_default, Some(false));
    assert_eq!(info.counts["experiments"], 1);
    assert_eq!(info.counts["ledger_entries"], 1);
}
