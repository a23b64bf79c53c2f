//! How long a curve of many points takes to be reduced and drawn.

use divan::Bencher;
use jiff::Timestamp;
use modeldeck::domain::{ChartBucket, Key, MetricChart, MetricPoint};
use modeldeck::tui::theme::Theme;
use modeldeck::tui::widgets::chart::{Chart, ChartColumn, Series};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::widgets::Widget;

fn main() {
    divan::main();
}

/// A noisy falling loss with a spike and a NaN in it.
fn history(points: i64) -> Vec<MetricPoint> {
    (0..points)
        .map(|step| {
            #[expect(clippy::cast_precision_loss, reason = "a step of a bench is small")]
            let x = step as f64;
            let value = match step {
                _ if step == points / 3 => 9.0,
                _ if step == points / 2 => f64::NAN,
                _ => 2.0 / (1.0 + x / 1e4) + (x * 12.9898).sin() * 0.1,
            };
            MetricPoint {
                value,
                step,
                timestamp: Timestamp::UNIX_EPOCH,
            }
        })
        .collect()
}

fn reduce(points: &[MetricPoint]) -> MetricChart {
    let key = Key::new("train/loss").expect("it is a key");
    MetricChart::reduce(key, points.iter().map(ChartBucket::of), 400)
}

fn series(chart: &MetricChart) -> Vec<Series> {
    #[expect(clippy::cast_precision_loss, reason = "a step of a bench is small")]
    let columns = chart.buckets.iter().map(|bucket| ChartColumn {
        from: bucket.first_step as f64,
        to: bucket.last_step as f64,
        range: bucket.range,
        last: bucket.last,
        not_finite: bucket.non_finite > 0,
    });
    vec![Series {
        name: "train/loss".to_owned(),
        columns: columns.collect(),
    }]
}

fn draw(series: &[Series], theme: &Theme, buf: &mut Buffer) {
    Chart {
        title: "train/loss",
        x_title: "step",
        series,
        theme,
    }
    .render(buf.area, buf);
}

#[divan::bench(args = [10_000, 1_000_000])]
fn reduce_and_draw(bencher: Bencher, points: i64) {
    let (history, theme) = (history(points), Theme::default());
    let mut buf = Buffer::empty(Rect::new(0, 0, 200, 60));
    bencher.bench_local(|| draw(&series(&reduce(&history)), &theme, &mut buf));
}

#[divan::bench(args = [1, 4])]
fn draw_200x60(bencher: Bencher, curves: usize) {
    let theme = Theme::default();
    let one = series(&reduce(&history(1_000_000))).remove(0);
    let series = vec![one; curves];
    let mut buf = Buffer::empty(Rect::new(0, 0, 200, 60));
    bencher.bench_local(|| draw(&series, &theme, &mut buf));
}
