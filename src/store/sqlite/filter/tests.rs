//! That both ways of looking for a value find the same rows. What filters mean is tested over whole stores by the contract.

use super::super::{functions, list, migrate, runs};
use crate::domain::Filter;
use crate::store::ListQuery;
use rusqlite::Connection;

#[test]
fn rare_and_common_values_are_found_alike() {
    let connection = Connection::open_in_memory().unwrap();
    functions::register(&connection).unwrap();
    for step in migrate::STEPS {
        connection.execute_batch(step).unwrap();
    }
    connection
        .execute_batch(
            "INSERT INTO keys VALUES (1, 'loss'), (2, 'lr');
             INSERT INTO experiments VALUES (1, 'fraud', '', '', 'ACTIVE', '{}', 0, 0, 1);
             INSERT INTO runs (run_id, experiment_id, name, status, artifacts, source, created_at, updated_at, revision)
                 WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10000)
                 SELECT 'r' || i, 1, 'r' || i, 'RUNNING', '[]', '{}', i, i, 1 FROM n;
             INSERT INTO series (run, key_id, count, latest_step, latest_ts, latest_value, open_non_finite)
                 SELECT id, 1, 1, 0, 0, iif(id % 10 = 0, NULL, id / 10000.0), 0 FROM runs;
             INSERT INTO run_attributes SELECT id, 'P', 2, id, id + 0.0 FROM runs WHERE id % 2 = 0;",
        )
        .unwrap();
    for (text, expected) in [
        ("metrics.loss>0.5", 4500),
        ("metrics.loss>0.99", 90),
        ("loss<=0.5 lr>0", 2000),
        ("!metrics.loss>0.5", 5500),
        ("!metrics.loss>0.99", 9910),
        ("params.lr<100", 49),
        ("lr<9000", 4499),
        ("lr<9000 metrics.loss>0.89", 40),
        ("metrics.loss>=0", 9000),
        ("metrics.loss=0.9999", 1),
        ("metrics.nothing>0", 0),
    ] {
        let query = ListQuery {
            filter: Filter::parse(text).unwrap(),
            sort: None,
        };
        let found = list::count(&connection, runs::LISTED.table, &query, |_| Vec::new()).unwrap();
        assert_eq!(found, expected, "{text}");
    }
}
