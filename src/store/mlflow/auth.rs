//! Who modeldeck is to a server: the variables and the file that MLflow's own client reads, or a command that prints a token.
//!
//! A secret lives in a [`SecretString`] from the moment it is read, and leaves it only in the `Authorization` header. Sources, in order: `token_command`, the
//! variables, what stood in the address, the credentials file; the variables override the file one by one, as in MLflow's client, which also
//! prefers user and password to a token where both are set.

use super::address::{Address, UserInfo};
use crate::store::StoreError;
use reqwest::header::HeaderValue;
use secrecy::{ExposeSecret as _, SecretString};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::sync::Mutex;

/// How long a `token_command` may take.
const TOKEN_DEADLINE: Duration = Duration::from_secs(20);

/// The variables and the home directory that the rules of this file are applied to.
#[derive(Clone, Default)]
pub struct MlflowEnvironment {
    pub variables: BTreeMap<String, String>,
    pub home: Option<PathBuf>,
}

impl MlflowEnvironment {
    /// The `MLFLOW_*` variables and the home directory of this process.
    pub fn of_process() -> Self {
        Self {
            variables: std::env::vars_os()
                .filter_map(|(key, value)| {
                    Some((key.into_string().ok()?, value.into_string().ok()?))
                })
                .filter(|(key, _)| key.starts_with("MLFLOW_"))
                .collect(),
            home: std::env::var_os("HOME").map(PathBuf::from),
        }
    }

    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.variables
            .get(name)
            .map(String::as_str)
            .filter(|value| !value.is_empty())
    }

    pub(super) fn is_on(&self, name: &str) -> bool {
        self.get(name)
            .is_some_and(|value| matches!(value.to_ascii_lowercase().as_str(), "true" | "1"))
    }
}

// The variables hold secrets, so they are never shown.
impl std::fmt::Debug for MlflowEnvironment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("MlflowEnvironment")
    }
}

#[derive(Debug)]
enum Means {
    Nothing,
    Basic {
        user: String,
        password: SecretString,
    },
    Bearer(SecretString),
    Command(Vec<String>),
}

/// How requests to one server are signed.
#[derive(Debug)]
pub(super) struct Auth {
    means: Means,
    /// Where the secret comes from, in words for hints.
    source: String,
    /// The token that the command printed last.
    printed: Mutex<Option<SecretString>>,
}

impl Auth {
    /// Applies the rules, and refuses what would show a secret to the network.
    pub(super) fn choose(
        address: &Address,
        user_info: Option<UserInfo>,
        environment: &MlflowEnvironment,
        token_command: Option<&[String]>,
        allow_http: bool,
    ) -> Result<Self, StoreError> {
        for (variable, what) in [
            ("MLFLOW_TRACKING_AUTH", "plug-ins of MLflow's Python client"),
            ("MLFLOW_TRACKING_AWS_SIGV4", "AWS signatures"),
        ] {
            if environment
                .get(variable)
                .is_some_and(|value| !value.eq_ignore_ascii_case("false"))
            {
                return Err(StoreError::Unauthorized {
                    message: format!("{variable} is set, and modeldeck does not speak {what}"),
                    hint: format!(
                        "unset {variable}; user and password, a token or 'token_command' are understood"
                    ),
                });
            }
        }
        let (means, source) = match token_command {
            Some([]) | None => from_variables(user_info, environment)?,
            Some(command) => (Means::Command(command.to_vec()), "token_command".to_owned()),
        };
        let auth = Self {
            means,
            source,
            printed: Mutex::new(None),
        };
        let in_the_clear = !address.is_encrypted() && !address.is_loopback();
        if in_the_clear && auth.is_known() && !allow_http {
            return Err(StoreError::Unauthorized {
                message: format!(
                    "{} would go to '{address}' unencrypted, where others can read it",
                    auth.source
                ),
                hint:
                    "use an https address, or set 'mlflow.allow_http' if the network is yours alone"
                        .to_owned(),
            });
        }
        Ok(auth)
    }

    /// Whether there is anything to sign with.
    pub(super) fn is_known(&self) -> bool {
        !matches!(self.means, Means::Nothing)
    }

    /// Whether asking again may give another secret.
    pub(super) fn can_renew(&self) -> bool {
        matches!(self.means, Means::Command(_))
    }

    /// Where the secret comes from, in words.
    pub(super) fn source(&self) -> &str {
        &self.source
    }

    /// The `Authorization` header; `renew` asks the command anew.
    pub(super) async fn header(&self, renew: bool) -> Result<Option<HeaderValue>, StoreError> {
        let text = match &self.means {
            Means::Nothing => return Ok(None),
            Means::Basic { user, password } => {
                let pair = format!("{user}:{}", password.expose_secret());
                format!("Basic {}", base64(pair.as_bytes()))
            }
            Means::Bearer(token) => format!("Bearer {}", token.expose_secret()),
            Means::Command(command) => {
                let mut printed = self.printed.lock().await;
                if renew || printed.is_none() {
                    *printed = Some(run(command).await?);
                }
                let token = printed
                    .as_ref()
                    .map(SecretString::expose_secret)
                    .unwrap_or_default();
                format!("Bearer {token}")
            }
        };
        let mut header =
            HeaderValue::from_str(&text).map_err(|_not_a_header| StoreError::Unauthorized {
                message: format!("{} has characters that no header may hold", self.source),
                hint: "look for a line break in it".to_owned(),
            })?;
        header.set_sensitive(true);
        Ok(Some(header))
    }
}

fn from_variables(
    user_info: Option<UserInfo>,
    environment: &MlflowEnvironment,
) -> Result<(Means, String), StoreError> {
    let file = environment
        .home
        .as_deref()
        .map(read_file)
        .unwrap_or_default();
    let from_file = |key: &str| file.get(key).map(String::as_str);
    let in_variables = |key: &str| environment.get(&key.to_ascii_uppercase());
    let (user_key, password_key) = ("mlflow_tracking_username", "mlflow_tracking_password");
    let user = in_variables(user_key).or_else(|| from_file(user_key));
    let password = in_variables(password_key).or_else(|| from_file(password_key));
    let named = in_variables(user_key).is_some() || in_variables(password_key).is_some();
    let whole = |user: &str, password: &str| Means::Basic {
        user: user.to_owned(),
        password: password.to_owned().into(),
    };
    if let (true, Some(user), Some(password)) = (named, user, password) {
        let source = "MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD";
        if environment.get("MLFLOW_TRACKING_TOKEN").is_some() {
            tracing::warn!(
                "MLFLOW_TRACKING_TOKEN is not used, because user and password are set too"
            );
        }
        return Ok((whole(user, password), source.to_owned()));
    }
    if named {
        return Err(StoreError::Unauthorized {
            message: "only one of MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD is set"
                .to_owned(),
            hint: "set both, or neither".to_owned(),
        });
    }
    if let Some(UserInfo { user, password }) = user_info {
        return Ok((
            Means::Basic { user, password },
            "the address's user and password".to_owned(),
        ));
    }
    if let (Some(user), Some(password)) = (user, password) {
        return Ok((
            whole(user, password),
            "~/.mlflow/credentials (plain text)".to_owned(),
        ));
    }
    if let Some(token) = environment.get("MLFLOW_TRACKING_TOKEN") {
        return Ok((
            Means::Bearer(token.to_owned().into()),
            "MLFLOW_TRACKING_TOKEN".to_owned(),
        ));
    }
    Ok((Means::Nothing, "none".to_owned()))
}

/// The `[mlflow]` part of `~/.mlflow/credentials`; empty where there is none.
fn read_file(home: &Path) -> BTreeMap<String, String> {
    let path = home.join(".mlflow").join("credentials");
    let Ok(text) = std::fs::read_to_string(&path) else {
        return BTreeMap::new();
    };
    let mut inside = false;
    let mut values = BTreeMap::new();
    for line in text.lines().map(str::trim) {
        if line.starts_with('[') {
            inside = line == "[mlflow]";
        } else if let (true, Some((key, value))) = (
            inside && !line.starts_with(['#', ';']),
            line.split_once('='),
        ) {
            values.insert(key.trim().to_ascii_lowercase(), value.trim().to_owned());
        }
    }
    values
}

/// Runs the command without a shell and takes what it prints as the token.
async fn run(command: &[String]) -> Result<SecretString, StoreError> {
    let failed = |problem: String| StoreError::Unauthorized {
        message: format!(
            "token_command '{}' gave no token: {problem}",
            crate::domain::text::visible(&command[0])
        ),
        hint: "run it by hand; it has to print the token alone on its first line".to_owned(),
    };
    let child = tokio::process::Command::new(&command[0])
        .args(&command[1..])
        .stdin(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .kill_on_drop(true)
        .output();
    let output = tokio::time::timeout(TOKEN_DEADLINE, child)
        .await
        .map_err(|_elapsed| failed("it took longer than 20 seconds".to_owned()))?
        .map_err(|error| failed(error.to_string()))?;
    if !output.status.success() {
        return Err(failed(output.status.to_string()));
    }
    let text = String::from_utf8(output.stdout)
        .map_err(|_bytes| failed("it printed no text".to_owned()))?;
    let token = text.lines().next().unwrap_or_default().trim();
    if token.is_empty() {
        return Err(failed("it printed nothing".to_owned()));
    }
    Ok(token.to_owned().into())
}

/// Base64 as HTTP Basic wants it; a dependency would be longer.
pub(super) fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let mut word = [0_u8; 3];
        word[..group.len()].copy_from_slice(group);
        let bits = u32::from_be_bytes([0, word[0], word[1], word[2]]);
        for place in 0..4 {
            if place <= group.len() {
                let index = (bits >> (18 - 6 * place)) & 63;
                text.push(char::from(ALPHABET[index as usize]));
            } else {
                text.push('=');
            }
        }
    }
    text
}

#[cfg(test)]
mod tests;
