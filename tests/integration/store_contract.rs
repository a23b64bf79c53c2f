//! What every store promises, as one suite of functions over `&dyn Store`, run here on the local store in a directory of its own.
//!
//! Another kind of store joins with a fixture and one line of [`contract!`].

mod audit;
mod deployments;
mod drift;
mod experiments;
mod lists;
mod metrics;
mod registry;
mod runs;
pub(crate) mod samples;

use lists::filters;
use modeldeck::store::Store;
use modeldeck::store::sqlite::{OpenOptions, SqliteStore};

/// A fresh store and what has to live as long as it.
struct Fixture {
    store: Box<dyn Store>,
    _keep: Box<dyn std::any::Any>,
}

#[expect(clippy::unused_async, reason = "the fixture of a server waits for it")]
async fn sqlite() -> Option<Fixture> {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("modeldeck.db");
    let store = SqliteStore::open(
        &path,
        OpenOptions {
            create: true,
            ..OpenOptions::default()
        },
    );
    Some(Fixture {
        store: Box::new(store.unwrap()),
        _keep: Box::new(directory),
    })
}

/// Makes a test of each promise, on stores of one fixture.
macro_rules! contract {
    ($kind:ident, $fixture:path: $($part:ident { $($promise:ident),+ $(,)? })+) => {
        mod $kind {
            $(mod $part {
                $(#[tokio::test]
                async fn $promise() {
                    let Some(fixture) = $fixture().await else {
                        return;
                    };
                    crate::store_contract::$part::$promise(&*fixture.store).await;
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
    runs {
        what_goes_in_comes_out,
        a_run_comes_with_its_first_points_or_not_at_all,
        a_replaced_run_keeps_its_metrics,
        what_is_not_there_is_not_found,
        a_heartbeat_moves_forward_only,
        experiment_and_statuses_narrow_the_list,
        captured_output_is_kept_byte_by_byte,
    }
    metrics {
        a_history_keeps_its_order_and_all_its_points,
        the_latest_point_is_the_one_of_the_largest_step,
        batches_are_written_all_or_none,
        keys_are_sorted_and_a_point_is_a_sign_of_life,
        a_chart_keeps_a_single_spike_and_counts_every_point,
        a_chart_agrees_with_its_points_at_any_length,
        a_chart_of_a_short_history_is_exact,
    }
    registry {
        what_goes_in_comes_out,
        what_is_not_there_is_not_found,
        versions_change_together_or_not_at_all,
        a_model_has_one_version_in_production,
        an_alias_names_one_version,
        names_come_in_the_order_of_registration,
        the_query_narrows_the_list,
        the_policy_is_set_by_whoever_read_it,
        a_gate_holds_only_while_nothing_it_was_judged_on_changed,
    }
    drift {
        what_goes_in_comes_out,
        an_event_needs_its_version,
        a_measure_has_one_unresolved_event,
        the_query_narrows_the_list,
    }
    deployments {
        what_goes_in_comes_out,
        what_is_not_there_is_not_found,
        a_model_has_one_active_deployment_in_an_environment,
        a_refused_write_leaves_nothing_behind,
        a_deployment_moves_only_as_is_legal,
        a_gate_holds_for_deployments_too,
        the_query_narrows_the_list,
    }
    audit {
        every_change_has_one_entry_and_data_has_none,
        the_chain_verifies,
        entries_are_listed_newest_first,
        the_change_token_changes_with_every_write_and_only_then,
        info_counts_what_is_there,
    }
    lists {
        experiments_page_both_ways_in_every_order,
        runs_page_both_ways_in_every_order,
        versions_page_both_ways_in_every_order,
        drift_events_page_both_ways_in_every_order,
        deployments_page_both_ways_in_every_order,
        a_filtered_and_sorted_list_pages_too,
        a_page_stays_put_while_rows_come_and_go,
        a_cursor_of_another_order_is_refused,
    }
    filters {
        of_experiments_agree_with_loaded_rows,
        of_runs_agree_with_loaded_rows,
        of_versions_agree_with_loaded_rows,
        of_drift_events_agree_with_loaded_rows,
        of_deployments_agree_with_loaded_rows,
    }
}

// The macro is read top down, so the remote stores come behind it.
mod mlflow;
