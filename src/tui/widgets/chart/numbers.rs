//! Numbers short enough for an axis.

/// Steps of a thousand and their letters.
const LETTERS: [(f64, &str); 4] = [(1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")];

/// A number with so many significant digits, in thousands (`12.5k`) from ten thousand on, and as a power of ten where it is
/// very small or very large.
pub fn compact(value: f64, significant: usize) -> String {
    if value.is_nan() {
        return "NaN".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { "inf" } else { "-inf" }.to_owned();
    }
    let magnitude = value.abs();
    if magnitude == 0.0 {
        return "0".to_owned();
    }
    if !(1e-4..1e15).contains(&magnitude) {
        return format!("{value:.*e}", significant.saturating_sub(2).max(1));
    }
    let (scale, letter) = LETTERS
        .into_iter()
        .find(|(scale, _)| magnitude >= *scale && magnitude >= 1e4)
        .unwrap_or((1.0, ""));
    let scaled = value / scale;
    let before_point = digits_before_point(scaled.abs());
    let decimals = usize::try_from(i64::try_from(significant).unwrap_or(4) - before_point)
        .unwrap_or(0)
        .min(17);
    let text = format!("{scaled:.decimals$}");
    let text = if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.')
    } else {
        &text
    };
    format!("{text}{letter}")
}

/// 3 for 123.4, 0 for 0.5, -1 for 0.05.
#[expect(
    clippy::cast_possible_truncation,
    reason = "a logarithm of a finite number is small"
)]
fn digits_before_point(magnitude: f64) -> i64 {
    magnitude.log10().floor() as i64 + 1
}

/// Two numbers with as many digits as it takes to tell them apart.
pub(super) fn distinct(a: f64, b: f64) -> (String, String) {
    for significant in 4..16 {
        let texts = (compact(a, significant), compact(b, significant));
        if texts.0 != texts.1 {
            return texts;
        }
    }
    (compact(a, 4), String::new())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short() {
        for (value, expected) in [
            (0.0, "0"),
            (0.93124, "0.9312"),
            (0.000_123_4, "0.0001234"),
            (1e-7, "1.00e-7"),
            (9_999.0, "9999"),
            (12_500.0, "12.5k"),
            (999_999.0, "1000k"),
            (1_000_000.0, "1M"),
            (-2_500_000_000.0, "-2.5G"),
            (1e20, "1.00e20"),
            (f64::NAN, "NaN"),
            (f64::NEG_INFINITY, "-inf"),
        ] {
            assert_eq!(compact(value, 4), expected, "{value}");
        }
    }

    #[test]
    fn the_ends_of_an_axis_never_look_the_same() {
        assert_eq!(
            distinct(0.931_241, 0.931_239),
            ("0.931241".to_owned(), "0.931239".to_owned())
        );
        assert_eq!(distinct(1.0, 1.0), ("1".to_owned(), String::new()));
    }
}
