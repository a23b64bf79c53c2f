//! Deployments: I1 and I7 under races, and the gate.

use super::samples::{at, ctx, deployment, version, with_versions};
use modeldeck::domain::{
    Deployment, DeploymentId, DeploymentStatus, Endpoint, Environment, Health, HealthCheck,
    HealthProtocol, HealthSample, ModelName, ObjectKind, Revision,
};
use modeldeck::store::{
    DeploymentQuery, DeploymentWrite, GateProof, PageRequest, Store, StoreError,
};

async fn insert(store: &dyn Store, new: &Deployment) -> Result<(), StoreError> {
    let write = DeploymentWrite {
        insert: Some(new.clone()),
        ..DeploymentWrite::default()
    };
    store
        .write_deployments(&write, &ctx("create_deployment"))
        .await
}

async fn replace(store: &dyn Store, changed: &[Deployment]) -> Result<(), StoreError> {
    let write = DeploymentWrite {
        replace: changed.to_vec(),
        ..DeploymentWrite::default()
    };
    store
        .write_deployments(&write, &ctx("update_deployment"))
        .await
}

fn moved(deployment: &Deployment, status: DeploymentStatus) -> Deployment {
    Deployment {
        status,
        ..deployment.clone()
    }
}

pub(crate) async fn what_goes_in_comes_out(store: &dyn Store) {
    with_versions(store, &["1"]).await;
    insert(store, &deployment("bad", "fraud", "1"))
        .await
        .unwrap();
    let mut new = deployment("d1", "fraud", "1");
    new.environment = Environment::Production;
    new.endpoint = Some(Endpoint {
        url: "http://gpu-07:8080".to_owned(),
        options: [("replicas".to_owned(), "2".to_owned())].into(),
    });
    new.health_check = Some(HealthCheck::new(HealthProtocol::Kserve));
    new.health = Health::Healthy;
    new.health_history = vec![HealthSample {
        at: at(3),
        health: Health::Unhealthy,
        detail: Some("503".to_owned()),
    }];
    new.rollback_from = Some(DeploymentId::new("bad").unwrap());
    new.activated_at = Some(at(2));
    new.reason = Some("because".to_owned());
    insert(store, &new).await.unwrap();
    assert_eq!(store.deployment(&new.deployment_id).await.unwrap(), new);
    let again = insert(store, &new).await;
    assert!(
        matches!(
            again,
            Err(StoreError::AlreadyExists {
                kind: ObjectKind::Deployment,
                ..
            })
        ),
        "{again:?}"
    );
}

pub(crate) async fn what_is_not_there_is_not_found(store: &dyn Store) {
    let orphan = deployment("d1", "fraud", "1");
    let refused = insert(store, &orphan).await;
    assert!(
        matches!(&refused, Err(StoreError::NotFound { kind: ObjectKind::ModelVersion, id }) if id == "fraud 1"),
        "{refused:?}"
    );
    for result in [
        store.deployment(&orphan.deployment_id).await.map(drop),
        replace(store, std::slice::from_ref(&orphan)).await,
    ] {
        assert!(
            matches!(
                result,
                Err(StoreError::NotFound {
                    kind: ObjectKind::Deployment,
                    ..
                })
            ),
            "{result:?}"
        );
    }
    let active = store
        .active_deployment(&orphan.model_name, Environment::Dev)
        .await;
    assert_eq!(active.unwrap(), None);
}

pub(crate) async fn a_model_has_one_active_deployment_in_an_environment(store: &dyn Store) {
    with_versions(store, &["1", "2"]).await;
    let first = moved(&deployment("d1", "fraud", "1"), DeploymentStatus::Active);
    insert(store, &first).await.unwrap();
    let second = moved(&deployment("d2", "fraud", "2"), DeploymentStatus::Active);
    let refused = insert(store, &second).await;
    assert!(
        matches!(
            refused,
            Err(StoreError::Conflict {
                kind: ObjectKind::Deployment,
                ..
            })
        ),
        "{refused:?}"
    );
    // The one before it ends in the same step.
    let write = DeploymentWrite {
        insert: Some(second.clone()),
        replace: vec![moved(&first, DeploymentStatus::Terminated)],
        proof: None,
    };
    store
        .write_deployments(&write, &ctx("create_deployment"))
        .await
        .unwrap();
    let active = store
        .active_deployment(&second.model_name, Environment::Dev)
        .await
        .unwrap();
    assert_eq!(active, Some(second));
    // Another environment and another model are other places.
    let mut elsewhere = moved(&deployment("d3", "fraud", "1"), DeploymentStatus::Active);
    elsewhere.environment = Environment::Staging;
    insert(store, &elsewhere).await.unwrap();
    store
        .insert_version(&version("churn", "1"), &ctx("register_model_version"))
        .await
        .unwrap();
    let other = moved(&deployment("d4", "churn", "1"), DeploymentStatus::Active);
    insert(store, &other).await.unwrap();
}

pub(crate) async fn a_refused_write_leaves_nothing_behind(store: &dyn Store) {
    with_versions(store, &["1"]).await;
    let first = deployment("d1", "fraud", "1");
    insert(store, &first).await.unwrap();
    let head = store.audit_head().await.unwrap();
    let write = DeploymentWrite {
        insert: Some(deployment("d2", "fraud", "unknown")),
        replace: vec![moved(&first, DeploymentStatus::Active)],
        proof: None,
    };
    let refused = store
        .write_deployments(&write, &ctx("create_deployment"))
        .await;
    assert!(
        matches!(refused, Err(StoreError::NotFound { .. })),
        "{refused:?}"
    );
    assert_eq!(store.deployment(&first.deployment_id).await.unwrap(), first);
    assert_eq!(store.audit_head().await.unwrap(), head);
}

pub(crate) async fn a_deployment_moves_only_as_is_legal(store: &dyn Store) {
    with_versions(store, &["1"]).await;
    let mut number = 0;
    for from in DeploymentStatus::ALL {
        for to in DeploymentStatus::ALL {
            number += 1;
            let mut new = deployment(&format!("d{number}"), "fraud", "1");
            insert(store, &new).await.unwrap();
            if *from != DeploymentStatus::Pending {
                new.status = *from;
                replace(store, std::slice::from_ref(&new)).await.unwrap();
                new.revision = Revision(2);
            }
            let result = replace(store, &[moved(&new, *to)]).await;
            let legal = from == to || from.next().contains(to);
            assert_eq!(result.is_ok(), legal, "{from} to {to}: {result:?}");
            if !legal {
                assert!(
                    matches!(result, Err(StoreError::Conflict { .. })),
                    "{result:?}"
                );
            }
            // Makes room for the next one that becomes ACTIVE.
            let end = store.deployment(&new.deployment_id).await.unwrap();
            if end.status == DeploymentStatus::Active {
                replace(store, &[moved(&end, DeploymentStatus::Terminated)])
                    .await
                    .unwrap();
            }
        }
    }
}

pub(crate) async fn a_gate_holds_for_deployments_too(store: &dyn Store) {
    with_versions(store, &["1"]).await;
    let judged = version("fraud", "1");
    let proof = GateProof {
        policy: Revision(0),
        model_name: judged.model_name.clone(),
        version: judged.version.clone(),
        revision: judged.revision,
        subject: judged.subject(),
    };
    let mut new = deployment("d1", "fraud", "1");
    new.environment = Environment::Production;
    let write = |proof: GateProof| DeploymentWrite {
        insert: Some(new.clone()),
        replace: Vec::new(),
        proof: Some(proof),
    };
    let stale = GateProof {
        revision: Revision(2),
        ..proof.clone()
    };
    let refused = store
        .write_deployments(&write(stale), &ctx("create_deployment"))
        .await;
    assert!(
        matches!(refused, Err(StoreError::Conflict { .. })),
        "{refused:?}"
    );
    store
        .write_deployments(&write(proof), &ctx("create_deployment"))
        .await
        .unwrap();
}

pub(crate) async fn the_query_narrows_the_list(store: &dyn Store) {
    with_versions(store, &["1", "2"]).await;
    for (second, name, environment, status) in [
        (0, "1", Environment::Dev, DeploymentStatus::Failed),
        (1, "1", Environment::Production, DeploymentStatus::Active),
        (2, "2", Environment::Dev, DeploymentStatus::Active),
    ] {
        let mut new = deployment(&format!("d{second}"), "fraud", name);
        (new.environment, new.status, new.created_at) = (environment, status, at(second));
        insert(store, &new).await.unwrap();
    }
    let all = DeploymentQuery::default();
    for (query, expected) in [
        (all.clone(), vec!["d2", "d1", "d0"]),
        (
            DeploymentQuery {
                environment: Some(Environment::Dev),
                ..all.clone()
            },
            vec!["d2", "d0"],
        ),
        (
            DeploymentQuery {
                statuses: vec![DeploymentStatus::Active, DeploymentStatus::Pending],
                ..all.clone()
            },
            vec!["d2", "d1"],
        ),
        (
            DeploymentQuery {
                model: Some(ModelName::new("fraud").unwrap()),
                version: Some(version("fraud", "1").version),
                ..all
            },
            vec!["d1", "d0"],
        ),
    ] {
        let page = store
            .deployments(&query, &PageRequest::all())
            .await
            .unwrap();
        let ids: Vec<_> = page
            .rows
            .iter()
            .map(|row| row.deployment_id.as_str())
            .collect();
        assert_eq!(ids, expected);
        let count = store.count_deployments(&query).await.unwrap();
        assert_eq!(count, u64::try_from(expected.len()).unwrap());
    }
}
