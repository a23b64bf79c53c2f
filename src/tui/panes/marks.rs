//! What the words of the domain look like: a sign and a meaning for each, so that no state is told by colour alone.

use crate::domain::{
    ApprovalState, ChecklistStatus, DeploymentStatus, DriftState, ExperimentStatus, Health,
    ModelVersion, RunStatus, Severity, Stage, Verdict,
};
use crate::tui::theme::{Meaning, Theme};
use ratatui::text::Span;

/// A word with its sign and its meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mark {
    pub sign: char,
    pub word: &'static str,
    pub meaning: Meaning,
}

const fn mark(sign: char, word: &'static str, meaning: Meaning) -> Mark {
    Mark {
        sign,
        word,
        meaning,
    }
}

impl Mark {
    /// `● RUNNING`.
    pub fn text(self) -> String {
        format!("{} {}", self.sign, self.word)
    }

    /// The sign and the word in their style.
    pub fn span(self, theme: &Theme) -> Span<'static> {
        Span::styled(self.text(), theme.meaning(self.meaning))
    }

    /// The sign alone in its style, where the word stands elsewhere.
    pub fn sign(self, theme: &Theme) -> Span<'static> {
        Span::styled(self.sign.to_string(), theme.meaning(self.meaning))
    }
}

pub const fn experiment(status: ExperimentStatus) -> Mark {
    let (sign, meaning) = match status {
        ExperimentStatus::Active => ('●', Meaning::Live),
        ExperimentStatus::Completed => ('✓', Meaning::Good),
        ExperimentStatus::Archived => ('▫', Meaning::Muted),
    };
    mark(sign, status.as_str(), meaning)
}

/// A RUNNING run that is silent for too long has a sign of its own.
pub const fn run(status: RunStatus, stale: bool) -> Mark {
    let (sign, meaning) = match status {
        RunStatus::Pending => ('○', Meaning::Muted),
        RunStatus::Running if stale => ('?', Meaning::Warn),
        RunStatus::Running => ('●', Meaning::Live),
        RunStatus::Completed => ('✓', Meaning::Good),
        RunStatus::Failed => ('✗', Meaning::Bad),
        RunStatus::Killed => ('■', Meaning::Warn),
    };
    let word = if stale && matches!(status, RunStatus::Running) {
        "RUNNING stale"
    } else {
        status.as_str()
    };
    mark(sign, word, meaning)
}

/// Where a version is; a warning stands for Production, which it is about.
pub fn stage(version: &ModelVersion) -> Mark {
    match version.stage_warning {
        Some(warning) => mark('▲', warning.as_str(), Meaning::Bad),
        None => stage_word(version.stage),
    }
}

const fn stage_word(stage: Stage) -> Mark {
    let (sign, meaning) = match stage {
        Stage::None => ('·', Meaning::Muted),
        Stage::Staging => ('◐', Meaning::Live),
        Stage::Production => ('●', Meaning::Good),
        Stage::Archived => ('▫', Meaning::Muted),
    };
    mark(sign, stage.as_str(), meaning)
}

pub const fn approval(state: ApprovalState) -> Mark {
    let (sign, meaning) = match state {
        ApprovalState::None => ('·', Meaning::Muted),
        ApprovalState::Pending => ('◆', Meaning::Warn),
        ApprovalState::Approved => ('✓', Meaning::Good),
        ApprovalState::Rejected => ('✗', Meaning::Bad),
        ApprovalState::Stale => ('↺', Meaning::Warn),
    };
    mark(sign, state.as_str(), meaning)
}

pub const fn checklist(status: ChecklistStatus) -> Mark {
    let (sign, meaning) = match status {
        ChecklistStatus::Pending => ('○', Meaning::Warn),
        ChecklistStatus::Approved => ('✓', Meaning::Good),
        ChecklistStatus::Rejected => ('✗', Meaning::Bad),
    };
    mark(sign, status.as_str(), meaning)
}

pub const fn verdict(verdict: Verdict) -> Mark {
    let (sign, meaning) = match verdict {
        Verdict::Approved => ('✓', Meaning::Good),
        Verdict::Rejected => ('✗', Meaning::Bad),
    };
    mark(sign, verdict.as_str(), meaning)
}

pub const fn severity(severity: Severity) -> Mark {
    let (sign, meaning) = match severity {
        Severity::Low => ('▁', Meaning::Muted),
        Severity::Medium => ('▃', Meaning::Warn),
        Severity::High => ('▆', Meaning::Bad),
        Severity::Critical => ('█', Meaning::Bad),
    };
    mark(sign, severity.as_str(), meaning)
}

pub const fn drift_state(state: DriftState) -> Mark {
    let (sign, meaning) = match state {
        DriftState::Open => ('▲', Meaning::Bad),
        DriftState::Acknowledged => ('◇', Meaning::Warn),
        DriftState::Resolved => ('✓', Meaning::Good),
    };
    mark(sign, state.as_str(), meaning)
}

pub const fn deployment(status: DeploymentStatus) -> Mark {
    let (sign, meaning) = match status {
        DeploymentStatus::Pending => ('○', Meaning::Warn),
        DeploymentStatus::Active => ('●', Meaning::Good),
        DeploymentStatus::Failed => ('✗', Meaning::Bad),
        DeploymentStatus::Terminated => ('■', Meaning::Muted),
    };
    mark(sign, status.as_str(), meaning)
}

pub const fn health(health: Health) -> Mark {
    let (sign, meaning) = match health {
        Health::Healthy => ('✓', Meaning::Good),
        Health::Unhealthy => ('✗', Meaning::Bad),
        Health::Unknown => ('·', Meaning::Muted),
    };
    mark(sign, health.as_str(), meaning)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;
    use unicode_width::UnicodeWidthChar as _;

    fn check(marks: &[Mark]) {
        let signs: HashSet<char> = marks.iter().map(|mark| mark.sign).collect();
        assert_eq!(signs.len(), marks.len(), "one sign for each: {marks:?}");
        for mark in marks {
            assert_eq!(mark.sign.width(), Some(1), "{mark:?}");
        }
    }

    #[test]
    fn states_are_told_apart_without_colour() {
        check(
            &ExperimentStatus::ALL
                .iter()
                .map(|s| experiment(*s))
                .collect::<Vec<_>>(),
        );
        let mut runs: Vec<_> = RunStatus::ALL.iter().map(|s| run(*s, false)).collect();
        runs.push(run(RunStatus::Running, true));
        check(&runs);
        check(
            &Stage::ALL
                .iter()
                .map(|s| stage_word(*s))
                .collect::<Vec<_>>(),
        );
        check(
            &ApprovalState::ALL
                .iter()
                .map(|s| approval(*s))
                .collect::<Vec<_>>(),
        );
        check(
            &ChecklistStatus::ALL
                .iter()
                .map(|s| checklist(*s))
                .collect::<Vec<_>>(),
        );
        check(&Verdict::ALL.iter().map(|s| verdict(*s)).collect::<Vec<_>>());
        check(
            &Severity::ALL
                .iter()
                .map(|s| severity(*s))
                .collect::<Vec<_>>(),
        );
        check(
            &DriftState::ALL
                .iter()
                .map(|s| drift_state(*s))
                .collect::<Vec<_>>(),
        );
        check(
            &DeploymentStatus::ALL
                .iter()
                .map(|s| deployment(*s))
                .collect::<Vec<_>>(),
        );
        check(&Health::ALL.iter().map(|s| health(*s)).collect::<Vec<_>>());
    }
}
