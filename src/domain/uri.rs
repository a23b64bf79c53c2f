//! Addresses as text: what may be in them and what may not be kept.

/// Tells whether an address carries `user@` or `user:password@` before its host.
pub fn has_credentials(address: &str) -> bool {
    let Some((_, rest)) = address.split_once("://") else {
        return false;
    };
    let authority = rest.split(['/', '?', '#', '\\']).next().unwrap_or(rest);
    authority.contains('@')
}

/// The first parameter of an address whose name speaks of a secret: `token` in `http://host/score?token=…`.
pub fn secret_parameter(address: &str) -> Option<&str> {
    let (_, query) = address.split_once('?')?;
    query
        .split(['&', ';', '#'])
        .map(|pair| pair.split_once('=').map_or(pair, |(name, _)| name))
        .find(|name| super::secret::speaks_of_secret(name))
}

/// The scheme before `://`, in lower case.
pub fn scheme(address: &str) -> Option<String> {
    let (scheme, rest) = address.split_once("://")?;
    let legal = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c));
    (legal && !rest.is_empty()).then(|| scheme.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_seen_where_they_hide() {
        for with in [
            "http://bob:secret@host/x",
            "https://bob@host",
            "s3://key:secret@bucket/a",
        ] {
            assert!(has_credentials(with), "{with}");
        }
        for without in [
            "http://host/a@b",
            "s3://bucket/x",
            "/models/a@b",
            "models:/fraud@champion",
            "http://host?mail=a@b",
        ] {
            assert!(!has_credentials(without), "{without}");
        }
    }

    #[test]
    fn secret_parameters_are_seen() {
        assert_eq!(
            secret_parameter("http://h/score?v=1&token=abc"),
            Some("token")
        );
        assert_eq!(
            secret_parameter("https://h/x?X-Amz-Signature=1"),
            Some("X-Amz-Signature")
        );
        assert_eq!(secret_parameter("http://h/score?version=1"), None);
    }

    #[test]
    fn a_scheme_is_a_word() {
        assert_eq!(scheme("HTTP://host:1/x").as_deref(), Some("http"));
        assert_eq!(scheme("host:1"), None);
        assert_eq!(scheme("ht tp://x"), None);
    }
}
