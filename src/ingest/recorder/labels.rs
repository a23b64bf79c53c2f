//! Params, tags and artifacts: they wait with their lines, and are written one update a run.

use super::{Label, Recorder};
use crate::ingest::patience::is_fault_of_store;
use crate::ingest::runs::{contradict, update_with};
use crate::ingest::together::together;
use crate::service::ServiceError;

impl Recorder {
    pub(super) fn wait_with(&mut self, run: usize, line: u64, label: Label) {
        let waiting = &mut self.runs[run].waiting;
        if waiting.is_empty() {
            self.labelled.push(run);
        }
        waiting.push((line, label));
        self.waiting_labels += 1;
    }

    /// Writes the labels that wait, one update a run; where that is refused, one by one, to tell which line was at fault.
    pub(super) async fn write_labels(&mut self) -> Result<(), ServiceError> {
        self.waiting_labels = 0;
        let labelled = std::mem::take(&mut self.labelled);
        let labelled: Vec<(usize, Vec<(u64, Label)>)> = labelled
            .into_iter()
            .map(|run| (run, std::mem::take(&mut self.runs[run].waiting)))
            .collect();
        let this = &*self;
        let whole = labelled.iter().map(|(run, labels)| async move {
            if contradict(labels) {
                return None;
            }
            let labels = labels.iter().map(|(_, label)| label);
            this.update_labels(*run, labels).await.ok()
        });
        let written = together(this.service.runs().writes_at_once(), whole.collect()).await;
        let mut fault = Ok(());
        for ((run, labels), whole) in labelled.into_iter().zip(written) {
            if let Some(not_uploaded) = whole {
                self.tally.events += labels.len() as u64;
                self.not_uploaded.extend(not_uploaded);
                continue;
            }
            for (line, label) in labels {
                match self.update_labels(run, [&label]).await {
                    Ok(not_uploaded) => {
                        self.tally.events += 1;
                        self.not_uploaded.extend(not_uploaded);
                    }
                    Err(error) if is_fault_of_store(&error) => {
                        self.lost += 1;
                        fault = Err(error);
                    }
                    Err(error) => self.refused_later.push((line, error.to_string())),
                }
            }
        }
        fault
    }

    /// Writes labels, and uploads the files of artifacts where the store keeps files; returns what is to be said of those that it did not get.
    async fn update_labels<'a>(
        &self,
        run: usize,
        labels: impl IntoIterator<Item = &'a Label>,
    ) -> Result<Vec<String>, ServiceError> {
        let update = update_with(labels);
        let run_id = &self.runs[run].run_id;
        let runs = self.service.runs();
        let run = self
            .options
            .patience
            .persist(|| runs.update(run_id, &update))
            .await?;
        Ok(runs.keep_files(&run, &update.artifacts).await)
    }
}
