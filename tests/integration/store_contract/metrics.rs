//! Metric histories: I6, the latest point, and charts.

use super::samples::{at, batch, key, point, with_run};
use modeldeck::domain::{MetricPoint, RunId};
use modeldeck::store::{Store, StoreError};

/// NaN is unlike itself, so points are compared by their bits.
fn bits(points: &[MetricPoint]) -> Vec<(u64, i64, i128)> {
    points
        .iter()
        .map(|point| {
            (
                point.value.to_bits(),
                point.step,
                point.timestamp.as_nanosecond(),
            )
        })
        .collect()
}

pub(crate) async fn a_history_keeps_its_order_and_all_its_points(store: &dyn Store) {
    let run = with_run(store, "r1").await;
    let mut given = vec![
        point(3, 0.1 + 0.2),
        point(1, -1.5),
        point(1, 0.0),
        point(3, f64::INFINITY),
        point(3, f64::NEG_INFINITY),
        point(0, f64::MIN_POSITIVE / 2.0),
        point(i64::MAX, f64::MAX),
        point(i64::MIN, 5.0),
        point(7, f64::NAN),
        point(2, 1.0),
        point(2, 1.0),
    ];
    given[0].timestamp = "2026-11-05T10:00:00.001Z".parse().unwrap();
    given[1].timestamp = "1999-01-01T00:00:00.123456789Z".parse().unwrap();
    for half in given.chunks(4) {
        store
            .append_metrics(&[batch("r1", "loss", half)], at(0))
            .await
            .unwrap();
    }
    let whole = store
        .metric_history(&run.run_id, &key("loss"), 0, 1000)
        .await
        .unwrap();
    assert_eq!(bits(&whole), bits(&given));
    let middle = store
        .metric_history(&run.run_id, &key("loss"), 4, 3)
        .await
        .unwrap();
    assert_eq!(bits(&middle), bits(&given[4..7]));
    let beyond = store.metric_history(&run.run_id, &key("loss"), 99, 3).await;
    assert!(beyond.unwrap().is_empty());
    let other = store.metric_history(&run.run_id, &key("other"), 0, 3).await;
    assert!(other.unwrap().is_empty());
}

pub(crate) async fn the_latest_point_is_the_one_of_the_largest_step(store: &dyn Store) {
    let run = with_run(store, "r1").await;
    let mut later = point(5, 0.5);
    later.timestamp = at(999);
    for (given, shown) in [
        (point(1, 1.0), 1.0),
        (point(5, 2.0), 2.0),
        (point(3, 3.0), 2.0),
        (later, 0.5),
        (point(5, 4.0), 0.5),
        (point(6, f64::NAN), f64::NAN),
    ] {
        store
            .append_metrics(&[batch("r1", "auc", &[given])], at(0))
            .await
            .unwrap();
        let stored = store.run(&run.run_id).await.unwrap();
        let latest = stored.metrics[&key("auc")].value;
        assert_eq!(latest.to_bits(), shown.to_bits(), "{latest} is not {shown}");
    }
}

pub(crate) async fn batches_are_written_all_or_none(store: &dyn Store) {
    let run = with_run(store, "r1").await;
    let batches = [
        batch("r1", "loss", &[point(0, 1.0)]),
        batch("nobody", "loss", &[point(0, 1.0)]),
    ];
    let refused = store.append_metrics(&batches, at(5)).await;
    assert!(
        matches!(refused, Err(StoreError::NotFound { .. })),
        "{refused:?}"
    );
    let stored = store.run(&run.run_id).await.unwrap();
    assert!(stored.metrics.is_empty());
    assert_eq!(stored.heartbeat_at, None);
    assert!(store.metric_keys(&run.run_id).await.unwrap().is_empty());
}

pub(crate) async fn keys_are_sorted_and_a_point_is_a_sign_of_life(store: &dyn Store) {
    let run = with_run(store, "r1").await;
    let names = ["val/auc", "loss", "Zeta", "a b"];
    let batches: Vec<_> = names
        .iter()
        .map(|name| batch("r1", name, &[point(0, 1.0)]))
        .collect();
    store.append_metrics(&batches, at(77)).await.unwrap();
    let mut sorted: Vec<_> = names.map(key).to_vec();
    sorted.sort();
    assert_eq!(store.metric_keys(&run.run_id).await.unwrap(), sorted);
    let stored = store.run(&run.run_id).await.unwrap();
    assert_eq!(stored.heartbeat_at, Some(at(77)));
    assert_eq!(stored.revision, run.revision, "points are data");
}

pub(crate) async fn a_chart_keeps_a_single_spike_and_counts_every_point(store: &dyn Store) {
    let run = with_run(store, "r1").await;
    let total = 100_003_usize;
    let (spike, nan) = (77_777_usize, 256_usize);
    let points: Vec<MetricPoint> = (0..total)
        .map(|step| {
            let value = match step {
                step if step == spike => 99.0,
                step if step == nan => f64::NAN,
                _ => 0.5,
            };
            MetricPoint {
                value,
                step: i64::try_from(step).unwrap(),
                timestamp: at(0),
            }
        })
        .collect();
    // Odd sizes, so that batches and rollups do not end together.
    for some in points.chunks(997) {
        store
            .append_metrics(&[batch("r1", "loss", some)], at(0))
            .await
            .unwrap();
    }
    for columns in [1, 80, 200, 400] {
        let chart = store
            .metric_chart(&run.run_id, &key("loss"), columns)
            .await
            .unwrap();
        assert_eq!(chart.points, u64::try_from(total).unwrap());
        assert_eq!(chart.non_finite, 1);
        assert!(chart.buckets.len() <= columns);
        let high = chart
            .buckets
            .iter()
            .filter_map(|bucket| bucket.range)
            .fold(f64::MIN, |high, range| high.max(range.1));
        assert_eq!(high.to_bits(), 99.0_f64.to_bits(), "in {columns} columns");
        assert_eq!(chart.buckets.first().unwrap().first_step, 0);
        let last = chart.buckets.last().unwrap();
        assert_eq!(last.last_step, i64::try_from(total).unwrap() - 1);
        assert_eq!(last.last, Some(0.5));
    }
}

pub(crate) async fn a_chart_agrees_with_its_points_at_any_length(store: &dyn Store) {
    let run = with_run(store, "r1").await;
    let mut points: Vec<MetricPoint> = Vec::new();
    // Around the borders of whatever a store summarises by.
    for length in [1, 15, 16, 17, 255, 256, 257, 1000, 4095, 4096, 4097, 9000] {
        let from = points.len();
        points.extend((from..length).map(|at| {
            let value = match at % 301 {
                7 => f64::NAN,
                _ => f64::from(u32::try_from(at * 7919 % 1009).unwrap()),
            };
            point(i64::try_from(at).unwrap(), value)
        }));
        store
            .append_metrics(&[batch("r1", "loss", &points[from..])], at(0))
            .await
            .unwrap();
        for columns in [1, 10, 100] {
            let chart = store
                .metric_chart(&run.run_id, &key("loss"), columns)
                .await
                .unwrap();
            let finite = || {
                points
                    .iter()
                    .map(|point| point.value)
                    .filter(|value| value.is_finite())
            };
            let ranges = || chart.buckets.iter().filter_map(|bucket| bucket.range);
            let told = (
                chart.points,
                chart.non_finite,
                ranges()
                    .fold(f64::MAX, |low, range| low.min(range.0))
                    .to_bits(),
                ranges()
                    .fold(f64::MIN, |high, range| high.max(range.1))
                    .to_bits(),
                chart
                    .buckets
                    .iter()
                    .map(|bucket| bucket.points)
                    .sum::<u64>(),
            );
            let length = u64::try_from(length).unwrap();
            let expected = (
                length,
                length - u64::try_from(finite().count()).unwrap(),
                finite().fold(f64::MAX, f64::min).to_bits(),
                finite().fold(f64::MIN, f64::max).to_bits(),
                length,
            );
            assert_eq!(told, expected, "{length} points in {columns} columns");
        }
    }
}

pub(crate) async fn a_chart_of_a_short_history_is_exact(store: &dyn Store) {
    let run = with_run(store, "r1").await;
    let empty = store.metric_chart(&run.run_id, &key("loss"), 80).await;
    assert_eq!(empty.unwrap().buckets, []);
    let points: Vec<MetricPoint> = (0..600).map(|step| point(step, 1.0)).collect();
    store
        .append_metrics(&[batch("r1", "loss", &points)], at(0))
        .await
        .unwrap();
    let chart = store
        .metric_chart(&run.run_id, &key("loss"), 600)
        .await
        .unwrap();
    assert_eq!(chart.buckets.len(), 600);
    assert!(chart.buckets.iter().all(|bucket| bucket.points == 1));
    let nobody = RunId::new("nobody").unwrap();
    assert!(store.metric_chart(&nobody, &key("loss"), 80).await.is_err());
}
