//! The same promises on real MLflow servers, 3.x and 2.22.
//!
//! What is left out is what MLflow itself cannot hold, and what it can is asserted in its place in `crate::mlflow`: two points that are equal in every field are one, a
//! history comes by time and not by arrival, and a server has no size.

use super::Fixture;
use crate::support::mlflow_server::{Series, turn};
use modeldeck::store::mlflow::{MlflowOptions, MlflowStore};

async fn on(series: Series) -> Option<Fixture> {
    let turn = turn(series).await?;
    let store = MlflowStore::open(&turn.uri(), MlflowOptions::default()).await;
    Some(Fixture {
        store: Box::new(store.unwrap()),
        _keep: Box::new(turn),
    })
}

async fn three() -> Option<Fixture> {
    on(Series::Three).await
}

async fn two() -> Option<Fixture> {
    on(Series::Two).await
}

macro_rules! on_mlflow {
    ($kind:ident, $fixture:path) => {
        contract! { $kind, $fixture:
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
                the_latest_point_is_the_one_of_the_largest_step,
                batches_are_written_all_or_none,
                keys_are_sorted_and_a_point_is_a_sign_of_life,
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
        }
    };
}

on_mlflow! { on_mlflow_3, crate::store_contract::mlflow::three }
on_mlflow! { on_mlflow_2, crate::store_contract::mlflow::two }
