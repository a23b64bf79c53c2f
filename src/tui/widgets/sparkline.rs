//! A curve in a few characters of text: `▁▂▃▅▆`.

const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
/// Stands where a stretch has no finite value.
const NOT_FINITE: char = '×';

/// Values in order, as at most `columns` characters from the least (`▁`) to the greatest (`█`).
///
/// Each character shows the value of its stretch that lies farthest from the mean of all, so that a spike stays to be
/// seen; a stretch with nothing but NaN and infinities is `×`.
pub fn sparkline(values: &[f64], columns: usize) -> String {
    let columns = columns.min(values.len());
    if columns == 0 {
        return String::new();
    }
    let finite = || values.iter().copied().filter(|value| value.is_finite());
    let (low, high) = finite().fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| {
        (low.min(value), high.max(value))
    });
    let count = finite().count();
    #[expect(clippy::cast_precision_loss, reason = "a mean needs no exact count")]
    let mean: f64 = finite().map(|value| value / count as f64).sum();
    (0..columns)
        .map(|column| {
            let stretch =
                &values[column * values.len() / columns..(column + 1) * values.len() / columns];
            let farthest = stretch
                .iter()
                .copied()
                .filter(|value| value.is_finite())
                .max_by(|a, b| (a - mean).abs().total_cmp(&(b - mean).abs()));
            farthest.map_or(NOT_FINITE, |value| bar(value, low, high))
        })
        .collect()
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the share is between 0 and 1"
)]
fn bar(value: f64, low: f64, high: f64) -> char {
    let span = high / 2.0 - low / 2.0;
    if span <= 0.0 {
        return BARS[3];
    }
    let share = ((value / 2.0 - low / 2.0) / span).clamp(0.0, 1.0);
    BARS[(share * 7.0).round() as usize]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_goes_from_the_least_to_the_greatest() {
        assert_eq!(
            sparkline(&[0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0], 8),
            "▁▂▃▄▅▆▇█"
        );
        assert_eq!(sparkline(&[5.0, 5.0, 5.0], 3), "▄▄▄");
        assert_eq!(sparkline(&[f64::MIN, f64::MAX], 2), "▁█");
        assert_eq!(sparkline(&[], 5), "");
        assert_eq!(sparkline(&[1.0], 0), "");
    }

    #[test]
    fn a_spike_survives_and_a_nan_is_marked() {
        let mut values = vec![0.0; 1000];
        values[617] = 1.0;
        assert_eq!(
            sparkline(&values, 10).chars().filter(|c| *c == '█').count(),
            1
        );
        assert_eq!(sparkline(&[1.0, f64::NAN, 2.0], 3), "▁×█");
        assert_eq!(sparkline(&[f64::NAN, f64::INFINITY], 2), "××");
    }
}
