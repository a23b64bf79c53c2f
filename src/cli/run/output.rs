//! `modeldeck run output`.

use crate::cli::context::Context;
use crate::cli::error::{CliError, Result};
use crate::cli::meant;
use crate::domain::{RunId, text};
use clap::Args;
use std::io::{IsTerminal as _, Write as _, stdout};

/// Print what the command of a run printed, as 'run exec' captured it.
///
/// On a terminal control characters are shown as visible marks; into a pipe or a file the bytes go as they were captured.
#[derive(Debug, Args)]
pub struct OutputArgs {
    #[arg(value_name = "ID")]
    run_id: RunId,
    /// Only the last lines.
    #[arg(long, value_name = "N")]
    tail: Option<usize>,
}

pub(super) async fn run(ctx: &Context, args: &OutputArgs) -> Result<()> {
    let service = ctx.service().await?;
    let run_id = meant::run(&service, &args.run_id).await?;
    let run = service.get_run(&run_id).await?;
    let captured = service
        .runs()
        .output_tail(&run.run_id, usize::MAX)
        .await?
        .bytes;
    let shown = match args.tail {
        Some(count) => last_lines(&captured, count),
        None => &captured,
    };
    if ctx.out.json {
        return ctx.out.object(&serde_json::json!({
            "run_id": run.run_id,
            "output": String::from_utf8_lossy(shown),
        }));
    }
    if stdout().is_terminal() {
        let lossy = String::from_utf8_lossy(shown);
        let lines: String = text::visible_lines(&lossy)
            .flat_map(|line| [line, "\n".to_owned()])
            .collect();
        return ctx.out.print(&lines);
    }
    let mut stdout = stdout().lock();
    stdout
        .write_all(shown)
        .and_then(|()| stdout.flush())
        .map_err(CliError::Output)
}

/// The last lines; a line without an end is one too.
fn last_lines(bytes: &[u8], count: usize) -> &[u8] {
    let whole = bytes.strip_suffix(b"\n").unwrap_or(bytes);
    let starts = whole
        .iter()
        .enumerate()
        .rev()
        .filter(|(_, byte)| **byte == b'\n');
    match count.checked_sub(1) {
        None => &[],
        Some(before) => match starts.map(|(at, _)| at + 1).nth(before) {
            Some(start) => &bytes[start..],
            None => bytes,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::last_lines;

    #[test]
    fn the_last_lines_are_whole() {
        let text = b"one\ntwo\nthree\n";
        for (count, expected) in [
            (0, &b""[..]),
            (1, b"three\n"),
            (2, b"two\nthree\n"),
            (3, text),
            (9, text),
        ] {
            assert_eq!(last_lines(text, count), expected, "{count}");
        }
        assert_eq!(last_lines(b"one\ntwo", 1), b"two");
        assert_eq!(last_lines(b"", 1), b"");
    }
}
