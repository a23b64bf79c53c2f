//! Learning curves that look like learning: quick at first, noisy, then flat; some overfit, some blow up.

use super::chance::Chance;

/// What a metric does over the steps.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shape {
    pub(super) key: &'static str,
    /// Where it begins and where it would end after endless time.
    pub(super) from: f64,
    pub(super) to: f64,
    pub(super) noise: f64,
    /// Whether it turns back when the training goes on for too long, as a validation loss does.
    pub(super) overfits: bool,
}

/// One metric of one run.
#[derive(Debug, Clone)]
pub(super) struct Curve {
    pub(super) key: &'static str,
    from: f64,
    to: f64,
    noise: f64,
    /// How quickly it learns.
    rate: f64,
    /// From this step on it turns back.
    knee: f64,
    /// From this step on it is no number.
    pub(super) blows_up_at: Option<i64>,
}

impl Curve {
    pub(super) fn of(shape: &Shape, chance: &mut Chance, skill: f64, steps: f64) -> Self {
        let reached = shape.from + (shape.to - shape.from) * skill;
        Self {
            key: shape.key,
            from: shape.from * chance.between(0.95, 1.05),
            to: reached,
            noise: shape.noise,
            rate: chance.between(0.12, 0.45),
            knee: if shape.overfits {
                steps * chance.between(0.5, 1.6)
            } else {
                f64::INFINITY
            },
            blows_up_at: None,
        }
    }

    pub(super) fn value(&self, step: i64, chance: &mut Chance) -> f64 {
        if self.blows_up_at.is_some_and(|at| step >= at) {
            return f64::NAN;
        }
        #[expect(clippy::cast_precision_loss, reason = "steps are few")]
        let t = step as f64;
        let left = 1.0 / (1.0 + self.rate * t);
        let left = left * left.sqrt();
        let back = ((t - self.knee).max(0.0) / self.knee.max(1.0)).min(1.0) * 0.35;
        let clean = self.to + (self.from - self.to) * (left + back).min(1.0);
        let diverging = match self.blows_up_at {
            // It climbs for a few steps before it goes.
            Some(at) if at - step < 5 => f64::from(6 - i32::try_from(at - step).unwrap_or(6)) * 0.8,
            _ => 0.0,
        };
        let value = clean + chance.noise() * self.noise * (0.35 + left) + self.from * diverging;
        rounded(value.max(self.from.min(self.to) * 0.2))
    }
}

/// Six digits behind the point, as people log.
pub(super) fn rounded(value: f64) -> f64 {
    (value * 1e6).round() / 1e6
}
