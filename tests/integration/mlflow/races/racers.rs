//! The racers: processes of their own, each one person at one client, that do the same work at the same word.
//!
//! What is checked of the outcome stands with the races; here is only how the work is spread over processes.

use super::super::person_at;
use super::model;
use modeldeck::domain::{DeploymentStatus, Environment, Key, Stage, Verdict, Version};
use modeldeck::service::{
    DeploymentUpdate, ModelLifecycleService, ModelVersionUpdate, NewDecision, NewDeployment,
    ServiceError, StageChange,
};
use std::io::{BufRead as _, BufReader, Lines, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// How many race. The registrant of the versions is none of them.
pub(super) const RACERS: usize = 8;

const RACE: &str = "MODELDECK_TEST_RACE";
const SERVER: &str = "MODELDECK_TEST_SERVER";
const NUMBER: &str = "MODELDECK_TEST_NUMBER";
/// What an answer's line begins with: the test harness prints lines of its own.
const ANSWER: &str = "raced: ";
const DONE: &str = "done";

/// What is raced for.
#[derive(Debug, Clone, Copy, serde::Serialize, serde::Deserialize)]
pub(super) enum Race {
    /// Everybody approves the version.
    Approve,
    /// Everybody deploys it to PRODUCTION and makes their deployment ACTIVE.
    Deploy,
    /// Some approve, some edit, some promote.
    ApproveEditPromote,
}

/// All the racers of one race.
#[derive(Debug)]
pub(super) struct Racers(Vec<Racer>);

#[derive(Debug)]
struct Racer {
    process: Child,
    /// Closing it ends the process.
    words: Option<ChildStdin>,
    answers: Lines<BufReader<ChildStdout>>,
}

impl Racers {
    pub(super) fn start(uri: &str, race: Race) -> Self {
        let racers = (0..RACERS).map(|number| Racer::start(uri, race, number));
        Self(racers.collect())
    }

    /// Gives the word to all at once and waits for each: `Err` holds the kind of the refusal and its message.
    pub(super) fn round(
        &mut self,
        round: usize,
        version: &Version,
    ) -> Vec<Result<(), (String, String)>> {
        for racer in &mut self.0 {
            let words = racer.words.as_mut().unwrap();
            writeln!(words, "{round} {version}").unwrap();
        }
        self.0.iter_mut().map(Racer::answer).collect()
    }
}

impl Racer {
    fn start(uri: &str, race: Race, number: usize) -> Self {
        let mut process = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "--nocapture", "mlflow::races::racers::a_racer"])
            .env_clear()
            .env(RACE, serde_json::to_string(&race).unwrap())
            .env(SERVER, uri)
            .env(NUMBER, number.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        Self {
            words: process.stdin.take(),
            answers: BufReader::new(process.stdout.take().unwrap()).lines(),
            process,
        }
    }

    fn answer(&mut self) -> Result<(), (String, String)> {
        let answer = self
            .answers
            .by_ref()
            .map(Result::unwrap)
            .find_map(|line| line.strip_prefix(ANSWER).map(str::to_owned))
            .expect("a racer ended in the middle of a race");
        if answer == DONE {
            return Ok(());
        }
        let (kind, message) = answer.split_once(' ').unwrap();
        Err((kind.to_owned(), message.to_owned()))
    }
}

impl Drop for Racer {
    fn drop(&mut self) {
        drop(self.words.take());
        let _ended = self.process.wait();
    }
}

/// Races as long as the test that started this process gives words; by itself it has nothing to do.
///
/// The client's connections are served by the worker while this thread waits for a word.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_racer() {
    let Ok(race) = std::env::var(RACE) else {
        return;
    };
    let race: Race = serde_json::from_str(&race).unwrap();
    let number: usize = std::env::var(NUMBER).unwrap().parse().unwrap();
    let uri = std::env::var(SERVER).unwrap();
    let service = person_at(&uri, &format!("racer{number}")).await;
    for word in std::io::stdin().lines() {
        let word = word.unwrap();
        let (round, version) = word.split_once(' ').unwrap();
        let version: Version = version.parse().unwrap();
        let done = match race {
            Race::Approve => approve(&service, &version).await,
            Race::Deploy => deploy(&service, &version).await,
            Race::ApproveEditPromote => match number % 3 {
                0 => approve(&service, &version).await,
                1 => edit(&service, &version, round.parse().unwrap(), number).await,
                _ => promote(&service, &version).await,
            },
        };
        let answer = match done {
            Ok(()) => DONE.to_owned(),
            Err(error) => format!(
                "{:?} {}",
                error.kind(),
                error.to_string().replace('\n', " ")
            ),
        };
        let mut out = std::io::stdout();
        writeln!(out, "\n{ANSWER}{answer}").unwrap();
        out.flush().unwrap();
    }
}

pub(super) async fn approve(
    service: &ModelLifecycleService,
    version: &Version,
) -> Result<(), ServiceError> {
    let approval = NewDecision {
        verdict: Verdict::Approved,
        notes: None,
        subject: None,
    };
    let approvals = service.approvals();
    approvals
        .decide(&model(), version, &approval)
        .await
        .map(drop)
}

async fn deploy(service: &ModelLifecycleService, version: &Version) -> Result<(), ServiceError> {
    let new = NewDeployment::new(model(), version.clone(), Environment::Production);
    let deployment = service.create_deployment(new).await?;
    let update = DeploymentUpdate {
        status: Some(DeploymentStatus::Active),
        ..DeploymentUpdate::default()
    };
    let id = &deployment.deployment_id;
    service.update_deployment(id, &update).await.map(drop)
}

/// No two edits of a race are the same.
async fn edit(
    service: &ModelLifecycleService,
    version: &Version,
    round: usize,
    number: usize,
) -> Result<(), ServiceError> {
    let auc = f64::from(u32::try_from(round * RACERS + number).unwrap());
    let mut update = ModelVersionUpdate::default();
    update.metrics.insert(Key::new("auc").unwrap(), auc);
    service
        .update_model_version(&model(), version, &update)
        .await
        .map(drop)
}

async fn promote(service: &ModelLifecycleService, version: &Version) -> Result<(), ServiceError> {
    let why = StageChange::default();
    service
        .set_stage(&model(), version, Stage::Production, &why)
        .await
        .map(drop)
}
