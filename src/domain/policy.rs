//! The rules that everybody on one store obeys.

use super::ItemName;
use serde::{Deserialize, Serialize};

/// What stage Production and environment PRODUCTION ask of a version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    /// How many persons must approve, 1 to 5.
    #[serde(rename = "production.quorum")]
    pub quorum: u8,
    /// Whether whoever registered a version may approve it, for people who work alone.
    #[serde(rename = "production.self_approval")]
    pub self_approval: bool,
    /// Items that must stand on every checklist and be APPROVED.
    #[serde(rename = "production.required_items")]
    pub required_items: Vec<ItemName>,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            quorum: 1,
            self_approval: false,
            required_items: Vec::new(),
        }
    }
}

/// One setting of the policy.
pub struct PolicyKey {
    pub key: &'static str,
    pub help: &'static str,
    pub get: fn(&Policy) -> String,
    set: fn(&mut Policy, &str) -> Result<(), String>,
}

/// Every setting of the policy: `policy show` and `policy set` are made from this table.
pub const POLICY_KEYS: &[PolicyKey] = &[
    PolicyKey {
        key: "production.quorum",
        help: "how many persons must approve a version for Production, 1 to 5",
        get: |policy| policy.quorum.to_string(),
        set: |policy, value| {
            policy.quorum = value
                .parse()
                .ok()
                .filter(|quorum| (1..=5).contains(quorum))
                .ok_or("a whole number from 1 to 5")?;
            Ok(())
        },
    },
    PolicyKey {
        key: "production.self_approval",
        help: "whether whoever registered a version may approve it",
        get: |policy| policy.self_approval.to_string(),
        set: |policy, value| {
            policy.self_approval = match value.to_ascii_lowercase().as_str() {
                "true" | "yes" | "on" => true,
                "false" | "no" | "off" => false,
                _ => return Err("true or false".to_owned()),
            };
            Ok(())
        },
    },
    PolicyKey {
        key: "production.required_items",
        help: "checklist items that every version needs APPROVED, separated by commas",
        get: |policy| {
            policy
                .required_items
                .iter()
                .map(ItemName::as_str)
                .collect::<Vec<_>>()
                .join(",")
        },
        set: |policy, value| {
            let mut items = Vec::new();
            for item in value
                .split(',')
                .map(str::trim)
                .filter(|item| !item.is_empty())
            {
                let item = ItemName::new(item).map_err(|error| error.to_string())?;
                if !items.contains(&item) {
                    items.push(item);
                }
            }
            policy.required_items = items;
            Ok(())
        },
    },
];

/// Why a policy setting was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PolicyError {
    #[error("there is no policy setting '{}'", super::text::visible(key))]
    UnknownKey { key: String },
    #[error(
        "'{}' is not a value of '{key}': it takes {takes}",
        super::text::visible(value)
    )]
    BadValue {
        key: &'static str,
        value: String,
        takes: String,
    },
}

impl Policy {
    /// The policy with one setting changed.
    pub fn with(&self, key: &str, value: &str) -> Result<Self, PolicyError> {
        let setting = POLICY_KEYS
            .iter()
            .find(|known| known.key == key)
            .ok_or_else(|| PolicyError::UnknownKey {
                key: key.to_owned(),
            })?;
        let mut policy = self.clone();
        (setting.set)(&mut policy, value).map_err(|takes| PolicyError::BadValue {
            key: setting.key,
            value: value.to_owned(),
            takes,
        })?;
        Ok(policy)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_setting_reads_back_what_was_set() {
        for (key, value) in [
            ("production.quorum", "2"),
            ("production.self_approval", "true"),
            ("production.required_items", "bias,data card"),
        ] {
            let policy = Policy::default().with(key, value).unwrap();
            let setting = POLICY_KEYS.iter().find(|known| known.key == key).unwrap();
            assert_eq!((setting.get)(&policy), value);
        }
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for (key, value) in [
            ("production.quorum", "0"),
            ("production.quorum", "6"),
            ("production.self_approval", "maybe"),
            ("quorum", "1"),
        ] {
            assert!(Policy::default().with(key, value).is_err(), "{key}={value}");
        }
    }
}
