//! Which names speak of a secret: nothing that stands under such a name comes into a store, a log or the audit.
//!
//! A safety net and not a promise: a secret that stands under a harmless name is not seen.

/// Words of a name that speak of a secret.
const SECRET_WORDS: [&str; 22] = [
    "token",
    "password",
    "passwd",
    "passphrase",
    "pass",
    "pwd",
    "secret",
    "secrets",
    "credential",
    "credentials",
    "auth",
    "authorization",
    "cookie",
    "apikey",
    "accesskey",
    "secretkey",
    "privatekey",
    "bearer",
    "jwt",
    "sas",
    "sig",
    "signature",
];

/// Words before `key` that make it a secret one; a sort key is none.
const KEYS_OF: [&str; 18] = [
    "api",
    "access",
    "secret",
    "private",
    "auth",
    "account",
    "encryption",
    "signing",
    "ssh",
    "service",
    "license",
    "master",
    "deploy",
    "hmac",
    "ssl",
    "tls",
    "storage",
    "subscription",
];

/// Words beside `token` that make it the token of a language model.
const HARMLESS_TOKENS: [&str; 14] = [
    "pad", "eos", "bos", "unk", "mask", "sep", "cls", "limit", "count", "length", "type", "max",
    "min", "budget",
];

/// Tells whether a value under this name is to be taken for a secret: `--api-key`, `WANDB_API_KEY`, `X-Amz-Signature`, but not `max_tokens` or `sort_key`.
pub fn speaks_of_secret(name: &str) -> bool {
    let shouted = name.ends_with("_KEY");
    let name = name.to_lowercase();
    let words: Vec<&str> = name
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .collect();
    let has = |list: &[&str]| words.iter().any(|word| list.contains(word));
    let secret_key = match words.as_slice() {
        [.., before, "key"] => shouted || KEYS_OF.contains(before),
        _ => false,
    };
    secret_key || (has(&SECRET_WORDS) && !(has(&["token"]) && has(&HARMLESS_TOKENS)))
}

/// Words that name nothing else but a secret, so that a param or a tag of such a name is refused. `token`, `auth` or `pass` may name many things.
const PLAIN_SECRETS: [&str; 10] = [
    "password",
    "passwd",
    "passphrase",
    "secret",
    "secrets",
    "credential",
    "credentials",
    "apikey",
    "secretkey",
    "privatekey",
];

/// Tells whether a param or a tag of this name can only hold a secret.
pub fn names_a_secret(key: &str) -> bool {
    let key = key.to_lowercase();
    let words: Vec<&str> = key.split(|c: char| !c.is_alphanumeric()).collect();
    let of_access = matches!(
        words.as_slice(),
        [.., "api" | "access" | "secret" | "private", "key"]
    );
    of_access || words.iter().any(|word| PLAIN_SECRETS.contains(word))
}

#[cfg(test)]
mod tests {
    use super::{names_a_secret, speaks_of_secret};

    #[test]
    fn names_of_secrets_are_told_from_harmless_ones() {
        for secret in [
            "password",
            "api_key",
            "WANDB_API_KEY",
            "X-Amz-Signature",
            "sig",
            "auth.token",
            "access_token",
        ] {
            assert!(speaks_of_secret(secret), "{secret}");
        }
        for harmless in [
            "lr",
            "max_tokens",
            "pad_token",
            "sort_key",
            "author",
            "design",
            "passes",
            "tokenizer",
        ] {
            assert!(!speaks_of_secret(harmless), "{harmless}");
        }
    }

    #[test]
    fn a_param_is_refused_only_when_it_can_be_nothing_else() {
        for secret in ["password", "db/password", "aws_secret", "OPENAI_API_KEY"] {
            assert!(names_a_secret(secret), "{secret}");
        }
        for harmless in [
            "token",
            "auth_features",
            "pass",
            "sort_key",
            "cookie_age",
            "key",
        ] {
            assert!(!names_a_secret(harmless), "{harmless}");
        }
    }
}
