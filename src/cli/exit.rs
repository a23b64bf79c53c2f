//! The exit codes: one table that errors, `--help` and the README follow.

use crate::service::ErrorKind;

/// One exit code.
#[derive(Debug)]
pub struct ExitCode {
    pub code: u8,
    pub meaning: &'static str,
    /// The kinds of errors that end with it.
    pub kinds: &'static [ErrorKind],
}

/// Every exit code of the program.
pub const EXIT_CODES: &[ExitCode] = &[
    ExitCode {
        code: 0,
        meaning: "done",
        kinds: &[],
    },
    ExitCode {
        code: 1,
        meaning: "failed",
        kinds: &[ErrorKind::Failed],
    },
    ExitCode {
        code: 2,
        meaning: "usage",
        kinds: &[ErrorKind::Invalid],
    },
    ExitCode {
        code: 4,
        meaning: "store damaged or unusable",
        kinds: &[ErrorKind::Unusable],
    },
    ExitCode {
        code: 5,
        meaning: "not found",
        kinds: &[ErrorKind::NotFound],
    },
    ExitCode {
        code: 6,
        meaning: "conflict (exists already, changed meanwhile, not possible in its state)",
        kinds: &[
            ErrorKind::AlreadyExists,
            ErrorKind::Conflict,
            ErrorKind::NotPossible,
        ],
    },
    ExitCode {
        code: 7,
        meaning: "refused by policy",
        kinds: &[ErrorKind::Refused],
    },
    ExitCode {
        code: 8,
        meaning: "not authorised",
        kinds: &[ErrorKind::Unauthorized],
    },
    ExitCode {
        code: 9,
        meaning: "remote unavailable (what can be queued was queued)",
        kinds: &[
            ErrorKind::Unreachable,
            ErrorKind::NotMlflow,
            ErrorKind::Unavailable,
        ],
    },
    ExitCode {
        code: 10,
        meaning: "unhealthy",
        kinds: &[],
    },
    ExitCode {
        code: 75,
        meaning: "busy, try again",
        kinds: &[ErrorKind::Busy],
    },
];

/// The code that an error of this kind ends with.
pub fn code_of(kind: ErrorKind) -> u8 {
    EXIT_CODES
        .iter()
        .find(|exit| exit.kinds.contains(&kind))
        .map_or(1, |exit| exit.code)
}

/// The table as it stands at the end of `--help`.
pub fn help() -> String {
    let rows: Vec<String> = EXIT_CODES
        .iter()
        .map(|exit| format!("  {:>2}  {}", exit.code, exit.meaning))
        .collect();
    format!("Exit codes:\n{}", rows.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_error_has_exactly_one_code() {
        for kind in [
            ErrorKind::Failed,
            ErrorKind::Invalid,
            ErrorKind::Unusable,
            ErrorKind::NotFound,
            ErrorKind::AlreadyExists,
            ErrorKind::Conflict,
            ErrorKind::NotPossible,
            ErrorKind::Refused,
            ErrorKind::Unauthorized,
            ErrorKind::Unreachable,
            ErrorKind::NotMlflow,
            ErrorKind::Unavailable,
            ErrorKind::Busy,
        ] {
            let rows = EXIT_CODES.iter().filter(|exit| exit.kinds.contains(&kind));
            assert_eq!(rows.count(), 1, "{kind:?}");
        }
        assert_eq!(code_of(ErrorKind::Busy), 75);
    }

    #[test]
    fn the_readme_lists_every_code() {
        let readme = include_str!("../../README.md");
        for exit in EXIT_CODES {
            let row = format!("| {} | {} |", exit.code, exit.meaning);
            assert!(readme.contains(&row), "README.md lacks: {row}");
        }
    }
}
