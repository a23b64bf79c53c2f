//! The version that somebody means who names one: by its own name, or by an alias that it has.
//!
//! A version's own name always wins, so that what a script says does not change its meaning with an alias that somebody gives; with an `@`
//! before it a name is an alias and nothing else.

use super::ModelRegistry;
use crate::domain::text::visible;
use crate::domain::{Alias, Filter, InvalidName, ModelName, ModelVersion, Version, fields};
use crate::service::{ErrorKind, Result, ServiceError};
use crate::store::{ListQuery, PageRequest, VersionQuery};
use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

/// How many versions are looked at for the aliases that a model has.
const LOOKED_AT: usize = 500;

/// What somebody gives for a version: its own name or an alias, or, with an `@` before it, an alias alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum VersionName {
    Either(Version),
    Alias(Alias),
}

impl FromStr for VersionName {
    type Err = InvalidName;

    fn from_str(given: &str) -> Result<Self, InvalidName> {
        match given.strip_prefix('@') {
            Some(alias) => Alias::new(alias).map(Self::Alias),
            None => Version::new(given).map(Self::Either),
        }
    }
}

impl fmt::Display for VersionName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Either(version) => version.fmt(f),
            Self::Alias(alias) => write!(f, "@{alias}"),
        }
    }
}

/// What a name means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    pub version: Version,
    /// Another version, which has the name of this one as an alias.
    pub also_alias_of: Option<Version>,
}

impl ModelRegistry {
    /// Finds the version that a name means: `3`, `champion`, `@champion`.
    pub async fn named(&self, model: &ModelName, given: &VersionName) -> Result<Named> {
        let given = match given {
            VersionName::Either(version) => version,
            VersionName::Alias(alias) => {
                return match self.with_alias(model, alias).await? {
                    Some(version) => Ok(only(version)),
                    None => Err(self.no_such_alias(model, alias.as_str()).await?),
                };
            }
        };
        let alias = Alias::new(given.as_str()).ok();
        match self.core.store.version(model, given).await {
            Ok(found) => {
                let mut named = only(found);
                // A number is hardly ever given as an alias, and whoever asks by number is not to wait for a second answer.
                let is_number = given.as_str().bytes().all(|byte| byte.is_ascii_digit());
                if let Some(alias) = alias.filter(|_| !is_number) {
                    let other = self.with_alias(model, &alias).await?;
                    let other = other.map(|other| other.version);
                    named.also_alias_of = other.filter(|other| *other != named.version);
                }
                Ok(named)
            }
            Err(error) => {
                let absent = ServiceError::from(error);
                let Some(alias) = alias.filter(|_| absent.kind() == ErrorKind::NotFound) else {
                    return Err(absent);
                };
                let found = self.with_alias(model, &alias).await?;
                found.map(only).ok_or(absent)
            }
        }
    }

    async fn with_alias(&self, model: &ModelName, alias: &Alias) -> Result<Option<ModelVersion>> {
        let query = VersionQuery {
            model: Some(model.clone()),
            list: ListQuery {
                filter: Filter::default().and_equal("alias", alias.as_str()),
                sort: None,
            },
            ..VersionQuery::default()
        };
        let page = PageRequest::first(LOOKED_AT);
        let found = self.core.store.versions(&query, &page).await?.rows;
        // A filter takes upper and lower case as the same.
        Ok(found
            .into_iter()
            .find(|version| version.aliases.contains(alias)))
    }

    async fn no_such_alias(&self, model: &ModelName, alias: &str) -> Result<ServiceError> {
        let query = VersionQuery {
            model: Some(model.clone()),
            ..VersionQuery::default()
        };
        let page = PageRequest::first(LOOKED_AT);
        let versions = self.core.store.versions(&query, &page).await?.rows;
        let aliases: BTreeSet<&str> = versions
            .iter()
            .flat_map(|version| version.aliases.iter().map(Alias::as_str))
            .collect();
        let near = fields::nearest(alias, aliases.iter().copied());
        let hint = match near {
            _ if aliases.is_empty() => "the model has no aliases".to_owned(),
            Some(near) => format!("'{}' is near", visible(near)),
            None => {
                let aliases: Vec<&str> = aliases.into_iter().collect();
                format!("it has {}", visible(&aliases.join(", ")))
            }
        };
        Ok(ServiceError::NoSuchItem {
            message: format!("no version of '{model}' has the alias '{}'", visible(alias)),
            hint,
        })
    }
}

fn only(version: ModelVersion) -> Named {
    Named {
        version: version.version,
        also_alias_of: None,
    }
}
