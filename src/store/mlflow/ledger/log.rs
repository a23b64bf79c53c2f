//! The log on the server: read by its tail, written at its head, never anywhere else.

use super::record::{Author, Draft, Record, Written};
use super::state::State;
use super::{EXPERIMENT, PER_RUN};
use crate::store::StoreError;
use crate::store::mlflow::api::{MOST_PAIRS, NewRun};
use crate::store::mlflow::client::Client;
use crate::store::mlflow::dto::{KeyValue, Run, value_of};
use crate::store::mlflow::error::{ApiError, During as _, unusable};
use std::time::{Duration, Instant};

/// The tag of the ledger's experiment that names its first run.
const ROOT: &str = "modeldeck.ledger.root";
/// The param that names the run after a full one.
const NEXT: &str = "next";
/// How often the next number is tried for before the race is given up as lost.
const ATTEMPTS: u32 = 200;

/// The log of one store. It is used by one task at a time: whoever holds it reads to the head and may write.
#[derive(Debug, Default)]
pub(in crate::store::mlflow) struct Ledger {
    pub(in crate::store::mlflow) state: State,
    experiment_id: Option<String>,
    /// The run that holds the next number, or the one before it while that is not made.
    run_id: Option<String>,
    /// When the last reading to the head began.
    read_at: Option<Instant>,
}

/// How writing a number went.
enum Outcome {
    Won,
    /// Somebody else has the number.
    Lost,
}

impl Ledger {
    /// Reads to the head, unless a reading that began after `asked` is there.
    pub(in crate::store::mlflow) async fn read(
        &mut self,
        client: &Client,
        asked: Instant,
    ) -> Result<(), StoreError> {
        if self.read_at.is_some_and(|read_at| read_at >= asked) {
            return Ok(());
        }
        let began = Instant::now();
        if self.run_id.is_none() && !self.find(client).await? {
            self.read_at = Some(began);
            return Ok(());
        }
        self.follow(client).await?;
        self.read_at = Some(began);
        Ok(())
    }

    /// The ids of the ledger's experiment and of the run at its head, where they are known.
    pub(in crate::store::mlflow) fn place(&self) -> Option<(String, String)> {
        self.experiment_id.clone().zip(self.run_id.clone())
    }

    /// Takes what another question brought of the run at the head; `false` where the log goes on behind it.
    pub(in crate::store::mlflow) fn take_head(
        &mut self,
        client: &Client,
        run: &Run,
        asked: Instant,
    ) -> Result<bool, StoreError> {
        if self.run_id.as_ref() != Some(&run.info.run_id) {
            return Ok(false);
        }
        self.take(client, run)?;
        let is_whole = value_of(&run.data.params, NEXT).is_none();
        if is_whole {
            self.read_at = self.read_at.max(Some(asked));
        }
        Ok(is_whole)
    }

    /// Looks for the ledger; `false` when nobody ever wrote one.
    async fn find(&mut self, client: &Client) -> Result<bool, StoreError> {
        let experiment = match client.experiment_by_name(EXPERIMENT).await {
            Ok(experiment) => experiment,
            Err(error) if error.is_missing() => return Ok(false),
            Err(error) => return Err(error.during("looking for the ledger")),
        };
        let target = client.address().to_string();
        if experiment.lifecycle_stage == "deleted" {
            return Err(unusable(
                &target,
                format!(
                    "somebody deleted experiment '{EXPERIMENT}', which holds checklists, decisions, deployments and the audit log"
                ),
                format!(
                    "'mlflow experiments restore --experiment-id {}' brings it back",
                    experiment.experiment_id
                ),
            ));
        }
        let Some(root) = value_of(&experiment.tags, ROOT) else {
            return Err(unusable(
                &target,
                format!("experiment '{EXPERIMENT}' does not name its first run in tag '{ROOT}'"),
                "somebody made or changed it by hand; rename it if it is not modeldeck's",
            ));
        };
        self.run_id = Some(root.to_owned());
        self.experiment_id = Some(experiment.experiment_id);
        Ok(true)
    }

    /// Takes all records from the present run on.
    async fn follow(&mut self, client: &Client) -> Result<(), StoreError> {
        loop {
            let Some(run_id) = self.run_id.clone() else {
                return Ok(());
            };
            let run = client.get_run(&run_id).await.during("reading the ledger")?;
            self.take(client, &run)?;
            match value_of(&run.data.params, NEXT) {
                Some(next)
                    if self.state.next % PER_RUN == 0 && self.state.next > 0 && next != run_id =>
                {
                    self.run_id = Some(next.to_owned());
                }
                _ => return Ok(()),
            }
        }
    }

    fn take(&mut self, client: &Client, run: &Run) -> Result<(), StoreError> {
        let params: std::collections::HashMap<&str, &str> = run
            .data
            .params
            .iter()
            .map(|param| (param.key.as_str(), param.value.as_str()))
            .collect();
        while let Some(value) = params.get(entry_key(self.state.next).as_str()) {
            let record = Record::read(value, |key| params.get(key).copied()).map_err(|problem| {
                unusable(
                    &client.address().to_string(),
                    format!("entry {} of the ledger cannot be read: {problem}", self.state.next),
                    "a newer modeldeck may have written it, or somebody changed the server's database by hand",
                )
            })?;
            self.state.follow(&record);
        }
        Ok(())
    }

    /// Appends what `decide` makes of the state at the head. When somebody else takes the number meanwhile, the state is read on and `decide` asked again.
    ///
    /// The state that is known is tried first, without a question: its number is free only where it is the head. What `decide` refuses
    /// is refused by the head alone.
    pub(in crate::store::mlflow) async fn append<T>(
        &mut self,
        client: &Client,
        author: &Author,
        mut decide: impl FnMut(&State) -> Result<(Vec<Draft>, T), StoreError>,
    ) -> Result<T, StoreError> {
        let began = Instant::now();
        if self.run_id.is_none() {
            self.read(client, began).await?;
        }
        for attempt in 0..ATTEMPTS {
            let is_at_head = self.read_at.is_some_and(|read_at| read_at >= began);
            let (drafts, decided) = match decide(&self.state) {
                Ok((drafts, decided)) if !drafts.is_empty() => (drafts, decided),
                settled if is_at_head => return settled.map(|(_, decided)| decided),
                _not_by_the_head => {
                    self.read(client, Instant::now()).await?;
                    continue;
                }
            };
            let run_id = self.writable(client).await?;
            // Somebody may have been found further on when the run was full.
            if self.state.next % PER_RUN == 0 && self.read_on(client).await? {
                continue;
            }
            let record = Record::chained(drafts, author, self.state.seq(), &self.state.head);
            match self.write(client, &run_id, &record).await? {
                Outcome::Won => {
                    self.state.follow(&record);
                    return Ok(decided);
                }
                Outcome::Lost => {
                    self.read(client, Instant::now()).await?;
                    // The loser of many races stands back for a moment, so that somebody always gets through.
                    tokio::time::sleep(Duration::from_millis(u64::from((attempt * 7) % 40))).await;
                }
            }
        }
        Err(StoreError::Busy {
            doing: "writing to the ledger".to_owned(),
        })
    }

    /// Reads to the head and tells whether there was anything new.
    async fn read_on(&mut self, client: &Client) -> Result<bool, StoreError> {
        let before = self.state.next;
        self.follow(client).await?;
        Ok(self.state.next != before)
    }

    /// Writes a record under the next number.
    async fn write(
        &self,
        client: &Client,
        run_id: &str,
        record: &Record,
    ) -> Result<Outcome, StoreError> {
        let Written { value, parts } = record.written();
        let parts: Vec<KeyValue> = parts
            .into_iter()
            .map(|(key, value)| KeyValue::new(key, value))
            .collect();
        for parts in parts.chunks(MOST_PAIRS) {
            // Keys of their own and the same values: sending them again changes nothing.
            repeated(|| client.log_batch(run_id, &[], parts, &[]))
                .await
                .during("writing to the ledger")?;
        }
        let key = entry_key(self.state.next);
        let mut tries = 0;
        loop {
            let error = match client.log_param(run_id, &key, &value).await {
                Ok(()) => return Ok(Outcome::Won),
                Err(error) => error,
            };
            tries += 1;
            // Whatever the answer was, the param itself tells who has the number: it is written once.
            match client.get_run(run_id).await {
                Ok(run) => match value_of(&run.data.params, &key) {
                    Some(there) if there == value => return Ok(Outcome::Won),
                    Some(_) => return Ok(Outcome::Lost),
                    None if tries < 6 && (error.is_passing() || error.outcome_is_unknown()) => {
                        tokio::time::sleep(Duration::from_millis(100 * tries)).await;
                    }
                    None => return Err(error.during("writing to the ledger")),
                },
                Err(_) => return Err(error.during_change("writing to the ledger")),
            }
        }
    }

    /// The run that takes the next number; made, and agreed on, where there is none.
    async fn writable(&mut self, client: &Client) -> Result<String, StoreError> {
        if self.run_id.is_none() && !self.find(client).await? {
            self.found(client).await?;
            self.follow(client).await?;
        }
        let run_id = self
            .run_id
            .clone()
            .expect("the ledger was found or founded");
        let is_full = self.state.next > 0 && self.state.next % PER_RUN == 0;
        if !is_full {
            return Ok(run_id);
        }
        let run = client.get_run(&run_id).await.during("reading the ledger")?;
        let first_number_here = format!("e.{}", self.state.next - PER_RUN);
        if value_of(&run.data.params, &first_number_here).is_none() {
            // This is the fresh run already.
            return Ok(run_id);
        }
        if let Some(next) = value_of(&run.data.params, NEXT) {
            self.run_id = Some(next.to_owned());
            return Ok(next.to_owned());
        }
        let experiment_id = self.experiment_id.clone().unwrap_or(run.info.experiment_id);
        let fresh = make_run(client, &experiment_id, self.state.next).await?;
        if let Err(error) = client.log_param(&run_id, NEXT, &fresh).await {
            tracing::debug!(%error, "another client made the next run of the ledger");
        }
        let run = client.get_run(&run_id).await.during("reading the ledger")?;
        let next = value_of(&run.data.params, NEXT)
            .map(str::to_owned)
            .ok_or_else(|| StoreError::Busy {
                doing: "making the next run of the ledger".to_owned(),
            })?;
        if next != fresh {
            // Nobody knows of the run that lost.
            let _left_behind = client.delete_run(&fresh).await;
        }
        // Only the run at the head shows as one that waits for more.
        if let Err(error) = client
            .update_run(&run_id, Some("FINISHED"), None, None)
            .await
        {
            tracing::debug!(%error, "a full run of the ledger does not show as that");
        }
        self.run_id = Some(next.clone());
        Ok(next)
    }

    /// Makes the ledger, unless somebody else is faster.
    async fn found(&mut self, client: &Client) -> Result<(), StoreError> {
        let doing = "making the ledger";
        let own_name = format!("{EXPERIMENT} {}", uuid::Uuid::now_v7().simple());
        let note = KeyValue::new(
            "mlflow.note.content",
            "Written by modeldeck: checklists, decisions, policy, drift, deployments and the audit log, as an append-only log. Do not change or delete it.",
        );
        let experiment_id = client
            .create_experiment(&own_name, &[note])
            .await
            .during_change(doing)?;
        let root = make_run(client, &experiment_id, 0).await?;
        client
            .set_experiment_tag(&experiment_id, ROOT, &root)
            .await
            .during_change(doing)?;
        if let Err(error) = client.rename_experiment(&experiment_id, EXPERIMENT).await {
            // Lost, or the answer was: the name tells.
            if !self.find(client).await? {
                return Err(error.during_change(doing));
            }
            if self.experiment_id.as_ref() != Some(&experiment_id) {
                let _left_behind = client.delete_experiment(&experiment_id).await;
            }
            return Ok(());
        }
        self.experiment_id = Some(experiment_id);
        self.run_id = Some(root);
        Ok(())
    }
}

fn entry_key(number: i64) -> String {
    format!("e.{number}")
}

async fn make_run(client: &Client, experiment_id: &str, first: i64) -> Result<String, StoreError> {
    let new = NewRun {
        experiment_id,
        name: &format!("entries from {first}"),
        start_time: jiff::Timestamp::now().as_millisecond(),
        user_id: "modeldeck",
        tags: &[],
    };
    let run = client
        .create_run(&new)
        .await
        .during_change("making a run of the ledger")?;
    let run_id = run.info.run_id;
    // Whoever looks for changes finds it first among the runs under way.
    if let Err(error) = client
        .update_run(&run_id, Some("SCHEDULED"), None, None)
        .await
    {
        tracing::debug!(%error, "the ledger's run is looked for by itself");
    }
    Ok(run_id)
}

/// Repeats a change that may be repeated, while the trouble may pass.
pub(in crate::store::mlflow) async fn repeated<T, F, Fut>(change: F) -> Result<T, ApiError>
where
    F: Fn() -> Fut,
    Fut: Future<Output = Result<T, ApiError>>,
{
    let mut tries = 0;
    loop {
        match change().await {
            Err(error) if tries < 5 && (error.is_passing() || error.outcome_is_unknown()) => {
                tries += 1;
                tokio::time::sleep(Duration::from_millis(100 * tries)).await;
            }
            settled => return settled,
        }
    }
}
