//! Which credentials are chosen, and where they may not go.

use super::*;

fn environment(pairs: &[(&str, &str)]) -> MlflowEnvironment {
    MlflowEnvironment {
        variables: pairs
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect(),
        home: None,
    }
}

fn choose(uri: &str, environment: &MlflowEnvironment) -> Result<Auth, StoreError> {
    let (address, user) = Address::parse(uri)?;
    Auth::choose(&address, user, environment, None, false)
}

async fn header(auth: &Auth) -> Option<String> {
    let header = auth.header(false).await.unwrap()?;
    assert!(header.is_sensitive());
    Some(header.to_str().unwrap().to_owned())
}

const LOCAL: &str = "http://127.0.0.1:5000";
const USER: (&str, &str) = ("MLFLOW_TRACKING_USERNAME", "bob");
const PASSWORD: (&str, &str) = ("MLFLOW_TRACKING_PASSWORD", "canary");
const TOKEN: (&str, &str) = ("MLFLOW_TRACKING_TOKEN", "canary-token");

#[tokio::test]
async fn sources_have_an_order() {
    let none = choose(LOCAL, &environment(&[])).unwrap();
    assert_eq!(header(&none).await, None);
    let token = choose(LOCAL, &environment(&[TOKEN])).unwrap();
    assert_eq!(header(&token).await.unwrap(), "Bearer canary-token");
    let both = choose(LOCAL, &environment(&[USER, PASSWORD, TOKEN])).unwrap();
    assert_eq!(header(&both).await.unwrap(), "Basic Ym9iOmNhbmFyeQ==");
    let address = choose("http://eve:x@127.0.0.1:5000", &environment(&[])).unwrap();
    assert_eq!(header(&address).await.unwrap(), "Basic ZXZlOng=");
}

#[tokio::test]
async fn the_file_is_read_and_the_variables_override_it() {
    let home = tempfile::tempdir().unwrap();
    std::fs::create_dir(home.path().join(".mlflow")).unwrap();
    let text = "[other]\nmlflow_tracking_username=eve\n[mlflow]\n# comment\nmlflow_tracking_username = bob\nmlflow_tracking_password = canary\n";
    std::fs::write(home.path().join(".mlflow/credentials"), text).unwrap();
    let mut environment = environment(&[]);
    environment.home = Some(home.path().to_owned());
    let auth = choose(LOCAL, &environment).unwrap();
    assert_eq!(header(&auth).await.unwrap(), "Basic Ym9iOmNhbmFyeQ==");
    assert!(auth.source().contains("plain text"));
    environment
        .variables
        .insert(USER.0.to_owned(), "a".to_owned());
    let auth = choose(LOCAL, &environment).unwrap();
    assert_eq!(
        header(&auth).await.unwrap(),
        format!("Basic {}", base64(b"a:canary"))
    );
}

#[tokio::test]
async fn a_command_prints_the_token_and_is_asked_again_when_told() {
    let directory = tempfile::tempdir().unwrap();
    let counter = directory.path().join("n");
    let script = format!("echo x >> {0}; wc -l < {0}", counter.display());
    let command = ["sh".to_owned(), "-c".to_owned(), script];
    let (address, _) = Address::parse(LOCAL).unwrap();
    let auth = Auth::choose(
        &address,
        None,
        &environment(&[TOKEN]),
        Some(&command),
        false,
    )
    .unwrap();
    assert_eq!(header(&auth).await.unwrap(), "Bearer 1");
    assert_eq!(header(&auth).await.unwrap(), "Bearer 1");
    assert_eq!(
        auth.header(true).await.unwrap().unwrap().to_str().unwrap(),
        "Bearer 2"
    );
    let silent = ["true".to_owned()];
    let auth = Auth::choose(&address, None, &environment(&[]), Some(&silent), false).unwrap();
    assert!(auth.header(false).await.is_err());
}

#[test]
fn secrets_do_not_travel_in_the_clear() {
    let credentials = environment(&[USER, PASSWORD]);
    let error = choose("http://mlflow.example.org", &credentials).unwrap_err();
    assert!(
        matches!(error, StoreError::Unauthorized { .. }) && !error.to_string().contains("canary")
    );
    assert!(choose("https://mlflow.example.org", &credentials).is_ok());
    assert!(choose("http://mlflow.example.org", &environment(&[])).is_ok());
    let (address, _) = Address::parse("http://mlflow.example.org").unwrap();
    assert!(Auth::choose(&address, None, &credentials, None, true).is_ok());
}

#[test]
fn what_is_not_understood_is_refused() {
    for pairs in [
        vec![("MLFLOW_TRACKING_AUTH", "kerberos")],
        vec![("MLFLOW_TRACKING_AWS_SIGV4", "true")],
        vec![USER],
        vec![PASSWORD],
    ] {
        assert!(choose(LOCAL, &environment(&pairs)).is_err(), "{pairs:?}");
    }
}

#[test]
fn nothing_shows_a_secret() {
    let auth = choose(LOCAL, &environment(&[USER, PASSWORD, TOKEN])).unwrap();
    let shown = format!("{auth:?} {:?}", environment(&[USER, PASSWORD, TOKEN]));
    assert!(!shown.contains("canary"), "{shown}");
}

#[test]
fn base64_pads() {
    for (text, expected) in [
        ("", ""),
        ("f", "Zg=="),
        ("fo", "Zm8="),
        ("foo", "Zm9v"),
        ("foob", "Zm9vYg=="),
    ] {
        assert_eq!(base64(text.as_bytes()), expected);
    }
}
