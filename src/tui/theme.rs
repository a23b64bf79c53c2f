//! Named styles: the only place with colours.
//!
//! Widgets and panes ask for a style by what it is for, never by how it looks. State is never told by colour alone, so
//! `mono` (which `NO_COLOR` chooses) loses nothing: it has only bold, dim, underlined and reversed.

use ratatui::style::{Color, Modifier, Style};
use std::ffi::OsStr;

/// Which set of styles.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ThemeName {
    /// For dark backgrounds.
    #[default]
    Default,
    /// For light backgrounds.
    Light,
    /// Without any colour.
    Mono,
}

impl ThemeName {
    pub const ALL: &'static [Self] = &[Self::Default, Self::Light, Self::Mono];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::Light => "light",
            Self::Mono => "mono",
        }
    }

    /// `NO_COLOR`, when it is set to anything but nothing, wins over what was configured (<https://no-color.org>).
    #[must_use]
    pub fn under(self, no_color: Option<&OsStr>) -> Self {
        match no_color {
            Some(value) if !value.is_empty() => Self::Mono,
            _ => self,
        }
    }
}

impl std::str::FromStr for ThemeName {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .iter()
            .copied()
            .find(|name| name.as_str().eq_ignore_ascii_case(word))
            .ok_or_else(|| {
                let known: Vec<_> = Self::ALL.iter().map(|name| name.as_str()).collect();
                format!("there is no theme '{word}'; there are {}", known.join(", "))
            })
    }
}

/// What a state means to whoever looks at it; the words of the domain are mapped to these elsewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Meaning {
    Plain,
    Good,
    Bad,
    Warn,
    Muted,
    /// Something that happens now.
    Live,
}

/// Every style that the screen uses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Theme {
    pub name: ThemeName,
    pub text: Style,
    /// What matters less than the text around it.
    pub muted: Style,
    pub good: Style,
    pub bad: Style,
    pub warn: Style,
    pub live: Style,
    /// The program's name and what is on top of it.
    pub header: Style,
    pub tab: Style,
    pub tab_active: Style,
    pub border: Style,
    /// The border of what gets the keys.
    pub border_focus: Style,
    pub title: Style,
    pub column: Style,
    /// The column that a list is sorted by.
    pub column_sorted: Style,
    pub selection: Style,
    /// The selected row of a list that does not get the keys.
    pub selection_inactive: Style,
    pub marked: Style,
    pub label: Style,
    /// A key in the footer or the help.
    pub key: Style,
    pub hint: Style,
    /// What cannot be done now.
    pub disabled: Style,
    pub input: Style,
    pub input_focus: Style,
    /// A message beside what is wrong.
    pub error: Style,
    /// The best of what is compared.
    pub best: Style,
    /// Curves, one after the other.
    pub series: [Style; 6],
}

impl Theme {
    pub fn of(name: ThemeName) -> Self {
        match name {
            ThemeName::Default => Self::coloured(name, &DARK),
            ThemeName::Light => Self::coloured(name, &LIGHT),
            ThemeName::Mono => Self::mono(),
        }
    }

    pub fn meaning(&self, meaning: Meaning) -> Style {
        match meaning {
            Meaning::Plain => self.text,
            Meaning::Good => self.good,
            Meaning::Bad => self.bad,
            Meaning::Warn => self.warn,
            Meaning::Muted => self.muted,
            Meaning::Live => self.live,
        }
    }

    /// The style of the n-th curve; they repeat, which is why curves have marks too.
    pub fn curve(&self, at: usize) -> Style {
        self.series[at % self.series.len()]
    }

    fn coloured(name: ThemeName, palette: &Palette) -> Self {
        let plain = Style::new();
        let accent = plain.fg(palette.accent);
        Self {
            name,
            text: plain,
            muted: plain.fg(palette.muted),
            good: plain.fg(palette.good),
            bad: plain.fg(palette.bad).add_modifier(Modifier::BOLD),
            warn: plain.fg(palette.warn),
            live: accent,
            header: plain.add_modifier(Modifier::BOLD),
            tab: plain.fg(palette.muted),
            tab_active: accent.add_modifier(Modifier::BOLD | Modifier::UNDERLINED),
            border: plain.fg(palette.border),
            border_focus: accent,
            title: plain.add_modifier(Modifier::BOLD),
            column: plain.fg(palette.muted).add_modifier(Modifier::BOLD),
            column_sorted: accent.add_modifier(Modifier::BOLD),
            selection: plain.bg(palette.selection).add_modifier(Modifier::BOLD),
            selection_inactive: plain.bg(palette.selection_inactive),
            marked: plain.fg(palette.warn).add_modifier(Modifier::BOLD),
            label: plain.fg(palette.muted),
            key: accent.add_modifier(Modifier::BOLD),
            hint: plain.fg(palette.muted),
            disabled: plain.fg(palette.faint),
            input: plain.add_modifier(Modifier::UNDERLINED),
            input_focus: accent.add_modifier(Modifier::UNDERLINED),
            error: plain.fg(palette.bad),
            best: plain.fg(palette.good).add_modifier(Modifier::BOLD),
            series: palette.series.map(|colour| plain.fg(colour)),
        }
    }

    fn mono() -> Self {
        let plain = Style::new();
        let (bold, dim) = (
            plain.add_modifier(Modifier::BOLD),
            plain.add_modifier(Modifier::DIM),
        );
        Self {
            name: ThemeName::Mono,
            text: plain,
            muted: dim,
            good: plain,
            bad: bold,
            warn: bold,
            live: plain,
            header: bold,
            tab: plain,
            tab_active: plain.add_modifier(Modifier::REVERSED),
            border: dim,
            border_focus: bold,
            title: bold,
            column: bold,
            column_sorted: plain.add_modifier(Modifier::BOLD | Modifier::UNDERLINED),
            selection: plain.add_modifier(Modifier::REVERSED),
            selection_inactive: plain.add_modifier(Modifier::UNDERLINED),
            marked: bold,
            label: dim,
            key: bold,
            hint: dim,
            disabled: dim,
            input: plain.add_modifier(Modifier::UNDERLINED),
            input_focus: plain.add_modifier(Modifier::BOLD | Modifier::UNDERLINED),
            error: bold,
            best: plain.add_modifier(Modifier::BOLD | Modifier::UNDERLINED),
            series: [plain, bold, dim, plain, bold, dim],
        }
    }
}

impl Default for Theme {
    fn default() -> Self {
        Self::of(ThemeName::Default)
    }
}

struct Palette {
    accent: Color,
    good: Color,
    bad: Color,
    warn: Color,
    muted: Color,
    faint: Color,
    border: Color,
    selection: Color,
    selection_inactive: Color,
    series: [Color; 6],
}

// Indexed colours: they look alike on every terminal with 256 of them, whatever its palette of sixteen is.
const DARK: Palette = Palette {
    accent: Color::Indexed(80),
    good: Color::Indexed(114),
    bad: Color::Indexed(203),
    warn: Color::Indexed(221),
    muted: Color::Indexed(246),
    faint: Color::Indexed(240),
    border: Color::Indexed(240),
    selection: Color::Indexed(24),
    selection_inactive: Color::Indexed(236),
    series: [
        Color::Indexed(80),
        Color::Indexed(215),
        Color::Indexed(141),
        Color::Indexed(114),
        Color::Indexed(211),
        Color::Indexed(228),
    ],
};

const LIGHT: Palette = Palette {
    accent: Color::Indexed(25),
    good: Color::Indexed(28),
    bad: Color::Indexed(160),
    warn: Color::Indexed(130),
    muted: Color::Indexed(242),
    faint: Color::Indexed(248),
    border: Color::Indexed(248),
    selection: Color::Indexed(153),
    selection_inactive: Color::Indexed(254),
    series: [
        Color::Indexed(25),
        Color::Indexed(130),
        Color::Indexed(91),
        Color::Indexed(28),
        Color::Indexed(161),
        Color::Indexed(94),
    ],
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_color_takes_every_colour_away_unless_it_is_empty() {
        let set = |value: &'static str| Some(OsStr::new(value));
        assert_eq!(ThemeName::Light.under(set("1")), ThemeName::Mono);
        assert_eq!(ThemeName::Light.under(set("0")), ThemeName::Mono);
        assert_eq!(ThemeName::Light.under(set("")), ThemeName::Light);
        assert_eq!(ThemeName::Light.under(None), ThemeName::Light);
    }

    #[test]
    fn mono_has_no_colour_in_any_style() {
        let shown = format!("{:?}", Theme::of(ThemeName::Mono));
        assert!(!shown.contains("fg(") && !shown.contains("bg("), "{shown}");
        assert!(!shown.contains("Indexed"), "{shown}");
        assert!(format!("{:?}", Theme::of(ThemeName::Light)).contains("Indexed"));
    }

    #[test]
    fn a_theme_is_named_in_any_case() {
        assert_eq!("MONO".parse(), Ok(ThemeName::Mono));
        assert!(
            "dark"
                .parse::<ThemeName>()
                .unwrap_err()
                .contains("default, light, mono")
        );
    }
}
