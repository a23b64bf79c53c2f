//! A drawn screen as an SVG picture: every cell in its place, with its colours. Knows ratatui's buffer and nothing of the program.

use ratatui::buffer::{Buffer, Cell};
use ratatui::style::{Color, Modifier};
use std::fmt::Write as _;
use unicode_width::UnicodeWidthStr as _;

/// A cell's size in the picture, in pixels.
const CELL: (f32, f32) = (8.4, 16.4);
const MARGIN: f32 = 10.0;
const INK: &str = "#d8dee9";
const PAPER: &str = "#14171c";

/// Cells of one look that stand side by side.
struct Stretch {
    column: u16,
    width: u16,
    text: String,
    ink: String,
    paper: Option<String>,
    modifier: Modifier,
}

/// Draws a buffer; the same buffer gives the same text, byte for byte.
pub(crate) fn draw(buffer: &Buffer) -> String {
    let area = buffer.area;
    let (width, height) = (
        f32::from(area.width) * CELL.0 + 2.0 * MARGIN,
        f32::from(area.height) * CELL.1 + 2.0 * MARGIN,
    );
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width:.0}\" height=\"{height:.0}\" viewBox=\"0 0 {width:.0} {height:.0}\" \
         font-family=\"DejaVu Sans Mono, Menlo, Consolas, monospace\" font-size=\"14\">\n\
         <rect width=\"100%\" height=\"100%\" rx=\"6\" fill=\"{PAPER}\"/>\n"
    );
    for row in 0..area.height {
        for stretch in stretches(buffer, row) {
            let x = f32::from(stretch.column) * CELL.0 + MARGIN;
            let y = f32::from(row) * CELL.1 + MARGIN;
            let wide = f32::from(stretch.width) * CELL.0;
            if let Some(paper) = &stretch.paper {
                writeln!(svg, "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{wide:.1}\" height=\"{}\" fill=\"{paper}\"/>", CELL.1)
                    .unwrap();
            }
            if stretch.text.trim().is_empty() {
                continue;
            }
            let bold = if stretch.modifier.contains(Modifier::BOLD) {
                " font-weight=\"bold\""
            } else {
                ""
            };
            let dim = if stretch.modifier.contains(Modifier::DIM) {
                " opacity=\"0.6\""
            } else {
                ""
            };
            let line = if stretch.modifier.contains(Modifier::UNDERLINED) {
                " text-decoration=\"underline\""
            } else {
                ""
            };
            writeln!(
                svg,
                "<text x=\"{x:.1}\" y=\"{:.1}\" textLength=\"{wide:.1}\" lengthAdjust=\"spacingAndGlyphs\" xml:space=\"preserve\" fill=\"{}\"{bold}{dim}{line}>{}</text>",
                y + 12.8,
                stretch.ink,
                escaped(&stretch.text)
            )
            .unwrap();
        }
    }
    svg.push_str("</svg>\n");
    svg
}

fn stretches(buffer: &Buffer, row: u16) -> Vec<Stretch> {
    let mut stretches: Vec<Stretch> = Vec::new();
    let mut column = 0;
    while column < buffer.area.width {
        let cell = &buffer[(buffer.area.x + column, buffer.area.y + row)];
        let width = u16::try_from(cell.symbol().width().max(1)).unwrap();
        let (ink, paper) = colours(cell);
        match stretches.last_mut() {
            Some(last)
                if last.ink == ink && last.paper == paper && last.modifier == cell.modifier =>
            {
                last.text.push_str(cell.symbol());
                last.width += width;
            }
            _ => stretches.push(Stretch {
                column,
                width,
                text: cell.symbol().to_owned(),
                ink,
                paper,
                modifier: cell.modifier,
            }),
        }
        column += width;
    }
    stretches
}

fn colours(cell: &Cell) -> (String, Option<String>) {
    let ink = colour(cell.fg);
    let paper = colour(cell.bg);
    if cell.modifier.contains(Modifier::REVERSED) {
        return (
            paper.unwrap_or_else(|| PAPER.to_owned()),
            Some(ink.unwrap_or_else(|| INK.to_owned())),
        );
    }
    (ink.unwrap_or_else(|| INK.to_owned()), paper)
}

/// The sixteen colours as a common dark theme shows them; `None` for the terminal's own.
fn colour(colour: Color) -> Option<String> {
    let hex = match colour {
        Color::Reset => return None,
        Color::Black => "#1c1f26",
        Color::Red => "#e06c75",
        Color::Green => "#98c379",
        Color::Yellow => "#e5c07b",
        Color::Blue => "#61afef",
        Color::Magenta => "#c678dd",
        Color::Cyan => "#56b6c2",
        Color::Gray => "#abb2bf",
        Color::DarkGray => "#6b7280",
        Color::LightRed => "#ff8a93",
        Color::LightGreen => "#b5e08f",
        Color::LightYellow => "#ffd98a",
        Color::LightBlue => "#8cc8ff",
        Color::LightMagenta => "#e0a0f0",
        Color::LightCyan => "#7fdbe6",
        Color::White => "#ffffff",
        Color::Rgb(red, green, blue) => return Some(format!("#{red:02x}{green:02x}{blue:02x}")),
        Color::Indexed(index) => return Some(indexed(index)),
    };
    Some(hex.to_owned())
}

/// The colour cube and the greys of the 256-colour palette.
fn indexed(index: u8) -> String {
    match index {
        0..=15 => INK.to_owned(),
        16..=231 => {
            let level = |step: u8| {
                if step == 0 {
                    0
                } else {
                    55 + 40 * u32::from(step)
                }
            };
            let cube = index - 16;
            format!(
                "#{:02x}{:02x}{:02x}",
                level(cube / 36),
                level(cube / 6 % 6),
                level(cube % 6)
            )
        }
        232..=255 => {
            let grey = 8 + 10 * u32::from(index - 232);
            format!("#{grey:02x}{grey:02x}{grey:02x}")
        }
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

/// The same as plain text.
pub(crate) fn text(buffer: &Buffer) -> String {
    let rows = 0..buffer.area.height;
    rows.map(|row| {
        let mut line: String = stretches(buffer, row)
            .iter()
            .map(|stretch| stretch.text.as_str())
            .collect();
        line.truncate(line.trim_end().len());
        line + "\n"
    })
    .collect()
}
