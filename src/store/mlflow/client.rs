//! One HTTP client for one MLflow server: it sends, waits for so long and no longer, reads so much and no more, and sorts the answers.
//!
//! Reads are repeated when the trouble may pass; changes never are, with one exception that is safe: 401 says that nothing was done, so a fresh token
//! from `token_command` may try once more. The client knows no endpoint and no domain type.
//!
//! # Connections
//!
//! A default 3.x server (several uvicorn workers) answers in two small segments without `TCP_NODELAY`, so on a reused connection each answer waits at least
//! 40 ms for the client's delayed acknowledgement; a fresh connection acknowledges at once. It also closes idle connections after five seconds, under
//! the next request. Measured with 3.17.2 on a busy host: 132 ms a question on a kept connection, 10 ms on a fresh one. So over plain http every request has
//! its own connection; over https, where a handshake costs more and a proxy stands in front, connections are kept.
//!
//! No compression is asked for, so a compressed answer is refused rather than unpacked: no bomb can go off.

use super::address::Address;
use super::auth::{Auth, MlflowEnvironment};
use super::error::{ApiError, ApiResult, shortened, words_of_html};
use super::trouble::{Trouble, causes};
use crate::store::StoreError;
use backon::{BackoffBuilder as _, ExponentialBuilder};
use reqwest::header::{
    AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderValue, LOCATION, RETRY_AFTER,
};
use reqwest::{Method, Response, StatusCode, Url};
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::sync::Arc;
use std::time::Duration;

/// The most that an answer of the API may hold.
const LARGEST_ANSWER: usize = 32 * 1024 * 1024;
/// The most that is read of an answer that only tells an error.
const LARGEST_ERROR: usize = 64 * 1024;

/// How long things may take.
#[derive(Debug, Clone, Copy)]
pub struct Deadlines {
    pub connect: Duration,
    /// The longest silence within an answer.
    pub silence: Duration,
    /// One attempt, from its first byte out to its last byte in.
    pub attempt: Duration,
    /// All attempts of one read together.
    pub read: Duration,
    /// The first contact, which tells what the server is: nobody knows yet whether there is anything to wait for.
    pub first: Duration,
    /// One file in or out.
    pub file: Duration,
}

impl Default for Deadlines {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(5),
            silence: Duration::from_secs(15),
            attempt: Duration::from_secs(30),
            read: Duration::from_secs(60),
            first: Duration::from_secs(20),
            file: Duration::from_secs(600),
        }
    }
}

/// What is asked of a server, and what may be repeated.
#[derive(Debug, Clone)]
pub(super) struct Call {
    method: Method,
    path: String,
    query: Vec<(&'static str, String)>,
    body: Option<Value>,
    is_read: bool,
}

impl Call {
    pub(super) fn get(path: impl Into<String>) -> Self {
        Self {
            method: Method::GET,
            path: path.into(),
            query: Vec::new(),
            body: None,
            is_read: true,
        }
    }

    /// A question that MLflow wants as a POST.
    pub(super) fn search(path: &str, body: Value) -> Self {
        Self {
            method: Method::POST,
            body: Some(body),
            ..Self::get(path)
        }
    }

    pub(super) fn change(method: Method, path: &str, body: Value) -> Self {
        Self {
            method,
            body: Some(body),
            is_read: false,
            ..Self::get(path)
        }
    }

    pub(super) fn post(path: &str, body: Value) -> Self {
        Self::change(Method::POST, path, body)
    }

    #[must_use]
    pub(super) fn with(mut self, key: &'static str, value: impl Into<String>) -> Self {
        self.query.push((key, value.into()));
        self
    }
}

/// The connection to one server.
#[derive(Debug)]
pub(super) struct Client {
    http: reqwest::Client,
    address: Address,
    auth: Arc<Auth>,
    environment: MlflowEnvironment,
    deadlines: Deadlines,
}

/// A file takes as long as it takes, while it moves.
const FILE: Duration = Duration::from_secs(6 * 3600);

impl Client {
    pub(super) fn new(
        address: Address,
        auth: impl Into<Arc<Auth>>,
        environment: &MlflowEnvironment,
        deadlines: Deadlines,
    ) -> Result<Self, StoreError> {
        let http = super::tls::builder(&address, environment)?
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .referer(false)
            .http1_only()
            .user_agent(concat!("modeldeck/", env!("CARGO_PKG_VERSION")))
            .default_headers(default_headers(environment))
            .connect_timeout(deadlines.connect)
            .read_timeout(deadlines.silence)
            .pool_max_idle_per_host(if address.is_encrypted() { 8 } else { 0 })
            .pool_idle_timeout(Duration::from_secs(4))
            .build()
            .map_err(|error| {
                super::error::unusable(
                    &address.to_string(),
                    causes(&error),
                    "check the certificate files that are named in the environment",
                )
            })?;
        Ok(Self {
            http,
            address,
            auth: auth.into(),
            environment: environment.clone(),
            deadlines,
        })
    }

    /// Another one to the same server, without a limit on silence.
    pub(super) fn patient(&self) -> Result<Self, StoreError> {
        let deadlines = Deadlines {
            silence: FILE,
            file: FILE,
            ..self.deadlines
        };
        Self::new(
            self.address.clone(),
            Arc::clone(&self.auth),
            &self.environment,
            deadlines,
        )
    }

    pub(super) fn address(&self) -> &Address {
        &self.address
    }

    pub(super) fn deadlines(&self) -> &Deadlines {
        &self.deadlines
    }

    pub(super) fn auth(&self) -> &Auth {
        &self.auth
    }

    /// Asks, and reads the answer as JSON.
    pub(super) async fn call<T: DeserializeOwned>(&self, call: &Call) -> ApiResult<T> {
        let body = self.bytes(call).await?;
        parse(&body)
    }

    async fn bytes(&self, call: &Call) -> ApiResult<Vec<u8>> {
        let (headers, body) = self.settled(call).await?;
        match content_type(&headers) {
            Some(kind) if kind.contains("json") => Ok(body),
            kind => {
                // The page's text is another program's: it explains nothing here.
                let problem = match kind {
                    _ if body.is_empty() => {
                        "it answers with nothing where MLflow answers with JSON".to_owned()
                    }
                    Some(kind) => format!(
                        "it answers with '{}' where MLflow answers with JSON",
                        shortened(&kind)
                    ),
                    None => "it answers with no kind of content where MLflow answers with JSON"
                        .to_owned(),
                };
                Err(ApiError::NotMlflow { problem })
            }
        }
    }

    /// Repeats a read while the trouble may pass and there is time.
    async fn settled(&self, call: &Call) -> ApiResult<(HeaderMap, Vec<u8>)> {
        let started = tokio::time::Instant::now();
        let mut waits = ExponentialBuilder::default()
            .with_jitter()
            .with_min_delay(Duration::from_millis(150))
            .with_max_delay(Duration::from_secs(3))
            .with_max_times(if call.is_read { 3 } else { 0 })
            .build();
        loop {
            let error = match self.attempt(call).await {
                Ok(answer) => return Ok(answer),
                Err(failed) => failed,
            };
            let Some(wait) = waits.next().filter(|_| error.is_passing()) else {
                return Err(error);
            };
            // A server that says when to come back is obeyed, unless that is too long for somebody who waits.
            let wait = error.wait().unwrap_or(wait);
            if started.elapsed() + wait + self.deadlines.connect > self.deadlines.read {
                return Err(error);
            }
            tracing::debug!(path = %call.path, %error, ?wait, "asking MLflow again");
            tokio::time::sleep(wait).await;
        }
    }

    /// One attempt, or two where the first was refused for an old token.
    async fn attempt(&self, call: &Call) -> ApiResult<(HeaderMap, Vec<u8>)> {
        let within = |renew| async move {
            tokio::time::timeout(self.deadlines.attempt, self.send(call, renew))
                .await
                .unwrap_or_else(|_elapsed| {
                    let waited = self.deadlines.attempt.as_secs();
                    Err(ApiError::Unanswered {
                        target: self.address.to_string(),
                        problem: format!("nothing complete came within {waited} s"),
                    })
                })
        };
        match within(false).await {
            Err(ApiError::Status { status: 401, .. } | ApiError::Refused { status: 401, .. })
                if self.auth.can_renew() =>
            {
                within(true).await
            }
            settled => settled,
        }
    }

    async fn send(&self, call: &Call, renew: bool) -> ApiResult<(HeaderMap, Vec<u8>)> {
        let mut url = self.address.join(&format!("api/{}", call.path));
        if !call.query.is_empty() {
            url.query_pairs_mut().extend_pairs(&call.query);
        }
        let mut request = self.http.request(call.method.clone(), url);
        if let Some(body) = &call.body {
            request = request
                .header(CONTENT_TYPE, "application/json")
                .body(body.to_string());
        }
        let response = self.signed(request, renew).await?;
        self.checked(response, LARGEST_ANSWER).await
    }

    async fn signed(&self, request: reqwest::RequestBuilder, renew: bool) -> ApiResult<Response> {
        let request = match self.auth.header(renew).await? {
            Some(header) => request.header(AUTHORIZATION, header),
            None => request,
        };
        request.send().await.map_err(|error| self.failed(&error))
    }

    /// Reads a whole answer and turns what is no success into an error.
    async fn checked(&self, response: Response, largest: usize) -> ApiResult<(HeaderMap, Vec<u8>)> {
        let (status, headers) = (response.status(), response.headers().clone());
        if status.is_redirection() {
            let target = headers
                .get(LOCATION)
                .and_then(|target| target.to_str().ok())
                .unwrap_or("nowhere");
            return Err(ApiError::Redirected {
                target: shortened(&super::address::shown(target)),
            });
        }
        if let Some(encoding) = headers.get(CONTENT_ENCODING) {
            return Err(ApiError::Garbled {
                problem: format!("the answer is packed ({encoding:?}), which was not asked for"),
            });
        }
        let body = self
            .limited(
                response,
                if status.is_success() {
                    largest
                } else {
                    LARGEST_ERROR
                },
            )
            .await;
        if status.is_success() {
            return Ok((headers, body?));
        }
        // A refusal whose explanation breaks off is still a refusal.
        Err(self.refusal(status, &headers, &body.unwrap_or_default()))
    }

    /// Reads a body up to a limit.
    async fn limited(&self, mut response: Response, largest: usize) -> ApiResult<Vec<u8>> {
        let mut body = Vec::new();
        while let Some(chunk) = response
            .chunk()
            .await
            .map_err(|error| self.unanswered(&error))?
        {
            if body.len() + chunk.len() > largest {
                return Err(ApiError::Garbled {
                    problem: format!("the answer is larger than {} MiB", largest / (1024 * 1024)),
                });
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }

    /// Sorts what went wrong on the way: before anything was sent, or after.
    fn failed(&self, error: &reqwest::Error) -> ApiError {
        if !error.is_connect() && !error.is_builder() {
            return self.unanswered(error);
        }
        let Trouble { problem, hint } = Trouble::of(error, &self.address, self.deadlines.connect);
        ApiError::Unreachable {
            target: self.address.to_string(),
            problem,
            hint,
        }
    }

    fn unanswered(&self, error: &reqwest::Error) -> ApiError {
        let problem = causes(error);
        // What hyper says of a head that is none, such as the greeting of an SSH server.
        if problem.contains("invalid HTTP") {
            return ApiError::NotMlflow {
                problem: "it speaks another protocol than HTTP".to_owned(),
            };
        }
        ApiError::Unanswered {
            target: self.address.to_string(),
            problem,
        }
    }

    fn refusal(&self, status: StatusCode, headers: &HeaderMap, body: &[u8]) -> ApiError {
        let kind = content_type(headers).unwrap_or_default();
        let text = String::from_utf8_lossy(body);
        let wait = retry_after(headers);
        if kind.contains("json") {
            #[derive(serde::Deserialize, Default)]
            #[serde(default)]
            struct Refusal {
                error_code: Option<Value>,
                message: Option<String>,
                detail: Option<Value>,
            }
            if let Ok(refusal) = serde_json::from_slice::<Refusal>(body) {
                let message = refusal
                    .message
                    .or_else(|| refusal.detail.map(|detail| detail.to_string()))
                    .unwrap_or_default();
                if let Some(Value::String(code)) = refusal.error_code {
                    return ApiError::Refused {
                        status: status.as_u16(),
                        code,
                        message,
                        wait,
                    };
                }
                return ApiError::Status {
                    status: status.as_u16(),
                    message: shortened(&message),
                    wait,
                };
            }
        }
        if status == StatusCode::FORBIDDEN && text.starts_with("Invalid Host header") {
            let host = self.address.host();
            return ApiError::Local(StoreError::Unauthorized {
                message: format!(
                    "the server at '{}' takes no requests for the host name '{host}'",
                    self.address
                ),
                hint: format!(
                    "whoever runs it can start it with --allowed-hosts '{host}'; or use an address that it takes, such as its IP address"
                ),
            });
        }
        ApiError::Status {
            status: status.as_u16(),
            message: words_of_html(&text),
            wait,
        }
    }

    /// A request to a URL that is not below `api/`, for artifacts and probes; no repetition.
    pub(super) async fn raw(
        &self,
        request: reqwest::RequestBuilder,
        largest: usize,
    ) -> ApiResult<(HeaderMap, Vec<u8>)> {
        let response = self
            .signed(request.timeout(self.deadlines.file), false)
            .await?;
        self.checked(response, largest).await
    }

    /// The same for a body of any size, which is given away piece by piece.
    pub(super) async fn raw_pieces(
        &self,
        request: reqwest::RequestBuilder,
        mut take: impl FnMut(&[u8]) + Send,
    ) -> ApiResult<()> {
        let mut response = self
            .signed(request.timeout(self.deadlines.file), false)
            .await?;
        if !response.status().is_success() || response.headers().contains_key(CONTENT_ENCODING) {
            self.checked(response, LARGEST_ERROR).await?;
            return Ok(());
        }
        let pieces = async {
            while let Some(piece) = response
                .chunk()
                .await
                .map_err(|error| self.unanswered(&error))?
            {
                take(&piece);
            }
            Ok(())
        };
        pieces.await
    }

    pub(super) fn request(&self, method: Method, url: Url) -> reqwest::RequestBuilder {
        self.http.request(method, url)
    }
}

fn default_headers(environment: &MlflowEnvironment) -> HeaderMap {
    let mut headers = HeaderMap::new();
    if let Some(workspace) = environment
        .get("MLFLOW_WORKSPACE")
        .and_then(|name| HeaderValue::from_str(name).ok())
    {
        headers.insert("x-mlflow-workspace", workspace);
    }
    headers
}

/// MLflow's chart routes write a bare `NaN`, which is no JSON; they are not used, so what cannot be read here is broken.
fn parse<T: DeserializeOwned>(body: &[u8]) -> ApiResult<T> {
    serde_json::from_slice(body).map_err(|error| ApiError::Garbled {
        problem: format!("the answer is no sound JSON of MLflow: {error}"),
    })
}

fn content_type(headers: &HeaderMap) -> Option<String> {
    let kind = headers.get(CONTENT_TYPE)?.to_str().ok()?;
    Some(kind.to_ascii_lowercase())
}

/// The wait that a server asks for, in whole seconds; dates are not read, they would need its clock.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds: u64 = headers
        .get(RETRY_AFTER)?
        .to_str()
        .ok()?
        .trim()
        .parse()
        .ok()?;
    Some(Duration::from_secs(seconds.min(600)))
}
