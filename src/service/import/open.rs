//! Which kind of source is meant by what was given.

use super::ImportManager;
use crate::domain::text::visible;
use crate::service::{MlflowSettings, Result, ServiceError};
use crate::store::StoreError;
use crate::store::import::ImportSource;
use crate::store::mlflow::MlflowSource;
use crate::store::mlruns::MlrunsFolder;
use crate::store::sqlite::MlflowFile;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

impl ImportManager {
    /// Opens a source: a server's address, MLflow's database or `mlruns` folder by path, or either by the URI that MLflow knows it by.
    pub async fn open_source(
        given: &str,
        mlflow: &MlflowSettings,
    ) -> Result<Box<dyn ImportSource>> {
        let path = match given.split_once(':') {
            Some(("http" | "https", _)) => {
                let source = MlflowSource::open(given, mlflow.connect()).await?;
                return Ok(Box::new(source));
            }
            // Three slashes and a path: a fourth makes it an absolute one.
            Some(("sqlite", rest)) => PathBuf::from(rest.strip_prefix("///").unwrap_or(rest)),
            Some(("file", rest)) => PathBuf::from(rest.strip_prefix("//").unwrap_or(rest)),
            Some((scheme, rest)) if rest.starts_with("//") => {
                return Err(StoreError::Unsupported {
                    what: format!("import from '{}://'", visible(scheme)),
                    why: "it imports from a server over http or https, an SQLite file and an 'mlruns' folder; an MLflow server in front of it can be imported from".to_owned(),
                }
                .into());
            }
            _ => PathBuf::from(given),
        };
        Ok(if is_folder(&path)? {
            Box::new(MlrunsFolder::open(&path)?)
        } else {
            Box::new(MlflowFile::open(&path).await?)
        })
    }
}

const SOURCES: &str = "name MLflow's database, its 'mlruns' folder, or the address of its server";

fn is_folder(path: &Path) -> Result<bool> {
    let unusable = |problem: String| StoreError::Unusable {
        path: path.to_owned(),
        problem,
        hint: SOURCES.to_owned(),
    };
    match path.metadata() {
        Ok(status) if status.is_dir() || status.is_file() => Ok(status.is_dir()),
        Ok(_) => Err(unusable("it is neither a file nor a folder".to_owned()).into()),
        Err(error) if error.kind() == ErrorKind::NotFound => Err(ServiceError::NoSuchItem {
            message: format!(
                "'{}' is not there, so nothing can be imported from it",
                visible(&path.to_string_lossy())
            ),
            hint: SOURCES.to_owned(),
        }),
        Err(error) => Err(unusable(error.to_string()).into()),
    }
}
