//! The fast door for training code in any language: JSON lines in, points and runs in the store.
//!
//! [`event`] reads one line, [`Recorder`] turns events into few large writes through the service, and [`ingest`] feeds it a whole
//! stream, live and without losing anything at the end. `modeldeck ingest` and `modeldeck run exec` both stand on the recorder.
//! Nothing here knows a command line, a terminal or SQL, and no rule of the lifecycle is judged here: the service judges.

pub mod event;
mod lines;
mod number_words;
mod patience;
mod recorder;
mod report;
mod runs;
mod stream;
mod together;

pub use lines::{LONGEST_LINE, LineSplitter};
pub use patience::Patience;
pub use recorder::{Recorder, RecorderOptions, Refusal, Tally};
pub use report::{BadLine, IngestReport, LISTED};
pub use stream::{IngestFailure, IngestOptions, ingest};
