//! The ledger: everything that MLflow has no object for, and the order in which things happened, in MLflow's own objects.
//!
//! # Why
//!
//! MLflow has no revision, no `If-Match` and no transaction over two objects, and a change of stage races. One thing is atomic on every server: a run's
//! *param* is written once, and of many writers of one key exactly one wins. So the params `e.0`, `e.1`, `e.2`, … of the runs of experiment `modeldeck/ledger` are
//! a log where writing the next number *is* the compare-and-set: read to the head, decide by what is there, write the next number; whoever
//! finds it taken reads on and decides again. State is the fold of the log ([`State`]), kept in memory and fetched by its tail.
//!
//! # One log for the store, not one for each model
//!
//! A promotion is judged by the policy, by its version and, where it displaces another, by that one; an audit chain has one order. With a log for each
//! model these would be reads across logs, and nothing could hold them together. With one log every decision stands at one place behind
//! everything that it was judged on, so I1 to I4 and I7 hold by construction, and the chain that `audit verify` follows is the log itself. The price is that writers of different models meet
//! at the same next number; a change of state is a rare thing that people and jobs do, and a loser only reads one run again.
//!
//! # Experiments and runs
//!
//! They are MLflow's own objects, and so is what MLflow knows about them: anybody may change them there. Among modeldeck's clients the ledger holds their
//! revision: a change names the revision that it read, appends its entry (that is the moment it is done, with its audit entry), and then writes what changed to the object, with the new revision as tag `modeldeck.revision` last. A
//! reader that finds the tag behind the ledger, because the writer died between, takes the fields from the ledger, and the next writer writes them too. What others change by
//! hand moves no revision; it is simply what is there. Metric points and heartbeats are data and never pass the ledger.
//!
//! Of a new experiment, run or version the object comes first and the entry after it, so the object carries its entry in a tag until that is written, and whoever
//! finds it without one writes it: see [`intent`](super::intent) and [`mend`](super::mend). With changes it is the entry that comes first, so none of them is ever without one.
//!
//! # Layout
//!
//! Each run of the ledger holds the numbers from a multiple of [`PER_RUN`] on, and its param `next` names the following run, which is agreed on by the same
//! compare-and-set. The first run is agreed on by a name: it is made inside an experiment with a name of its own, which carries the run's id in a tag and is then renamed to
//! `modeldeck/ledger`; names are unique, so one renaming wins. A record longer than a portable param value is written in parts first, under keys that hold its id, and its
//! entry names their number and digest. A record is unique by its id, because an equal value would be accepted twice.

mod log;
mod record;
mod state;

pub(super) use log::{Ledger, repeated};
pub(super) use record::{Author, Draft, ObjectKey};
pub(super) use state::{Object, State, policy_key};

/// The experiment of the log.
pub(super) const EXPERIMENT: &str = "modeldeck/ledger";
/// What the names of modeldeck's own experiments start with; they are not shown as experiments.
pub(super) const RESERVED: &str = "modeldeck/";
/// How many numbers one run holds: its params travel together each time the tail is asked for.
pub(super) const PER_RUN: i64 = 100;
