//! The table of bindings. A tab adds its own lines under its own context.

use super::{Action as A, Binding, Context as C, Relative as R};

const fn bind(
    context: C,
    keys: &'static [&'static str],
    action: A,
    help: &'static str,
    hint: Option<&'static str>,
) -> Binding {
    Binding {
        context,
        keys,
        action,
        help,
        hint,
    }
}

/// Every key. No key that matters needs a bracket, brace, backslash or other sign that German and French keyboards hide. The order
/// in a context is the order of its hints in the footer.
#[rustfmt::skip]
pub const BINDINGS: &[Binding] = &[
    bind(C::Experiments, &["a"], A::Create, "create an experiment", Some("create")),
    bind(C::Experiments, &["e"], A::Edit, "edit the experiment", Some("edit")),
    bind(C::Experiments, &["D"], A::Demo, "look at the demo, where the store is empty", None),

    bind(C::Runs, &["a"], A::Create, "log a run by hand", Some("log")),
    bind(C::Runs, &["e"], A::Edit, "edit the run, add metrics and tags", Some("edit")),
    bind(C::Runs, &["x"], A::EndRun, "end the run", Some("end")),
    bind(C::Runs, &["r"], A::Register, "register a model version from the run", Some("register")),
    bind(C::Runs, &["c"], A::Compare, "compare the marked runs", Some("compare")),
    bind(C::Runs, &["m"], A::NextMetric, "next metric in the chart", None),
    bind(C::Runs, &["M"], A::PreviousMetric, "previous metric in the chart", None),

    bind(C::Registry, &["r"], A::Register, "register a version", Some("register")),
    bind(C::Registry, &["e"], A::Edit, "edit the version, add metrics and tags", Some("edit")),
    bind(C::Registry, &["t"], A::SetStage, "set the stage", Some("stage")),
    bind(C::Registry, &["c"], A::Compare, "compare the marked versions", Some("compare")),
    bind(C::Registry, &["A"], A::SetAlias, "give it an alias", Some("alias")),
    bind(C::Registry, &["X"], A::RemoveAlias, "take an alias away", None),
    bind(C::Registry, &["i"], A::AddItem, "add an item to its checklist", None),
    bind(C::Registry, &["a"], A::Approve, "approve the version", None),
    bind(C::Registry, &["x"], A::Reject, "reject the version", None),

    bind(C::Approvals, &["m"], A::MarkItem, "mark an item of the checklist", Some("mark item")),
    bind(C::Approvals, &["i"], A::AddItem, "add an item to the checklist", Some("add item")),
    bind(C::Approvals, &["a"], A::Approve, "approve the version", Some("approve")),
    bind(C::Approvals, &["x"], A::Reject, "reject the version", Some("reject")),
    bind(C::Approvals, &["w"], A::ShowAll, "those that wait, or all", Some("all")),

    bind(C::Drift, &["a"], A::Create, "record drift by hand", Some("record")),
    bind(C::Drift, &["A"], A::Acknowledge, "acknowledge: somebody looks at it", Some("ack")),
    bind(C::Drift, &["x"], A::Resolve, "resolve, with a note on how", Some("resolve")),

    bind(C::Deployments, &["a"], A::Create, "deploy a version", Some("deploy")),
    bind(C::Deployments, &["A"], A::Activate, "make it serve", Some("activate")),
    bind(C::Deployments, &["b"], A::RollBack, "roll back to a good one", Some("roll back")),
    bind(C::Deployments, &["e"], A::Edit, "edit endpoint and health check", Some("edit")),
    bind(C::Deployments, &["x"], A::Terminate, "terminate it", Some("terminate")),
    bind(C::Deployments, &["f"], A::Fail, "mark it as failed", None),

    bind(C::Detail, &["j", "down"], A::ScrollDown, "scroll down", None),
    bind(C::Detail, &["k", "up"], A::ScrollUp, "scroll up", None),
    bind(C::Detail, &["pagedown", "ctrl-d"], A::PageDown, "a page down", None),
    bind(C::Detail, &["pageup", "ctrl-u"], A::PageUp, "a page up", None),
    bind(C::Detail, &["g g", "home"], A::First, "to the top", None),
    bind(C::Detail, &["G", "end"], A::Last, "to the bottom", None),
    bind(C::Detail, &["left", "h", "esc"], A::Back, "back to the list", Some("back")),
    bind(C::Detail, &["enter", "right", "l"], A::Open, "let the detail fill the screen", Some("zoom")),

    bind(C::List, &["enter", "right", "l"], A::Open, "open the detail", Some("open")),
    bind(C::List, &["/"], A::Filter, "filter the list", Some("filter")),
    bind(C::List, &["s"], A::SortBy, "sort by a column", Some("sort")),
    bind(C::List, &["S"], A::ReverseSort, "turn the order round", None),
    bind(C::List, &["space"], A::Mark, "mark the row", Some("mark")),
    bind(C::List, &["u"], A::ClearMarks, "take all marks away", None),
    bind(C::List, &["j", "down"], A::Next, "next row", None),
    bind(C::List, &["k", "up"], A::Previous, "previous row", None),
    bind(C::List, &["pagedown", "ctrl-d"], A::PageDown, "a page down", None),
    bind(C::List, &["pageup", "ctrl-u"], A::PageUp, "a page up", None),
    bind(C::List, &["g g", "home"], A::First, "first row of all", None),
    bind(C::List, &["G", "end"], A::Last, "last row of all", None),
    bind(C::List, &["J"], A::ScrollDown, "scroll the detail down", None),
    bind(C::List, &["K"], A::ScrollUp, "scroll the detail up", None),
    bind(C::List, &["y"], A::Copy, "copy the id", None),
    bind(C::List, &["o"], A::Relatives, "go to what it is related to", Some("go to")),
    bind(C::List, &["g e"], A::Go(R::Experiment), "go to its experiment", None),
    bind(C::List, &["g r"], A::Go(R::Run), "go to its run or runs", None),
    bind(C::List, &["g v"], A::Go(R::Version), "go to its version or versions", None),
    bind(C::List, &["g a"], A::Go(R::Approval), "go to its approval", None),
    bind(C::List, &["g d"], A::Go(R::Drift), "go to its drift events", None),
    bind(C::List, &["g p"], A::Go(R::Deployment), "go to its deployments", None),
    bind(C::List, &["esc"], A::Back, "out by one layer: marks, filter, way back", None),

    bind(C::Screen, &["?"], A::Help, "help, to search in", Some("help")),
    bind(C::Screen, &[":"], A::Command, "command line", Some("command")),
    bind(C::Screen, &["q"], A::Quit, "back, then quit", Some("quit")),
    bind(C::Screen, &["backspace"], A::JumpBack, "back to where you came from", None),
    bind(C::Screen, &["1"], A::TabNumber(1), "first tab", None),
    bind(C::Screen, &["2"], A::TabNumber(2), "second tab", None),
    bind(C::Screen, &["3"], A::TabNumber(3), "third tab", None),
    bind(C::Screen, &["4"], A::TabNumber(4), "fourth tab", None),
    bind(C::Screen, &["5"], A::TabNumber(5), "fifth tab", None),
    bind(C::Screen, &["6"], A::TabNumber(6), "sixth tab", None),
    bind(C::Screen, &["tab"], A::NextTab, "next tab", None),
    bind(C::Screen, &["shift-tab"], A::PreviousTab, "previous tab", None),
    bind(C::Screen, &["n"], A::Notices, "what happened: notices", None),
    bind(C::Screen, &["R", "f5"], A::Refresh, "ask the store anew", None),
    bind(C::Screen, &["p"], A::Pause, "pause and resume the live view", None),
    bind(C::Screen, &["L"], A::Strip, "show or hide the live strip", None),

    bind(C::Input, &["enter"], A::Accept, "keep the filter", Some("keep")),
    bind(C::Input, &["esc"], A::Cancel, "the filter as it was", Some("cancel")),
    bind(C::Input, &["down"], A::Next, "next row", None),
    bind(C::Input, &["up"], A::Previous, "previous row", None),

    bind(C::Form, &["enter", "ctrl-s"], A::Accept, "send the form", Some("send")),
    bind(C::Form, &["tab", "down"], A::NextField, "next field", Some("next")),
    bind(C::Form, &["shift-tab", "up"], A::PreviousField, "previous field", None),
    bind(C::Form, &["right"], A::NextWord, "next word of a choice", None),
    bind(C::Form, &["left"], A::PreviousWord, "previous word of a choice", None),
    bind(C::Form, &["esc"], A::Cancel, "leave the form; twice when something was typed", Some("cancel")),

    bind(C::Confirm, &["enter"], A::Accept, "do it, once the name is typed", Some("do it")),
    bind(C::Confirm, &["esc"], A::Cancel, "leave everything as it is", Some("cancel")),

    bind(C::Menu, &["enter"], A::Accept, "take the line", Some("take")),
    bind(C::Menu, &["down"], A::Next, "next line", None),
    bind(C::Menu, &["up"], A::Previous, "previous line", None),
    bind(C::Menu, &["esc"], A::Cancel, "close", Some("close")),

    bind(C::Help, &["esc"], A::Cancel, "close", Some("close")),
    bind(C::Help, &["down"], A::Next, "scroll down", Some("scroll")),
    bind(C::Help, &["up"], A::Previous, "scroll up", None),
    bind(C::Help, &["pagedown"], A::PageDown, "a page down", None),
    bind(C::Help, &["pageup"], A::PageUp, "a page up", None),

    bind(C::Notices, &["j", "down"], A::Next, "next notice", None),
    bind(C::Notices, &["k", "up"], A::Previous, "previous notice", None),
    bind(C::Notices, &["pagedown"], A::PageDown, "a page down", None),
    bind(C::Notices, &["pageup"], A::PageUp, "a page up", None),
    bind(C::Notices, &["y"], A::Copy, "copy the notice", Some("copy")),
    bind(C::Notices, &["esc", "q", "n"], A::Cancel, "close", Some("close")),

    bind(C::Reader, &["j", "down"], A::Next, "scroll down", Some("scroll")),
    bind(C::Reader, &["k", "up"], A::Previous, "scroll up", None),
    bind(C::Reader, &["pagedown"], A::PageDown, "a page down", None),
    bind(C::Reader, &["pageup"], A::PageUp, "a page up", None),
    bind(C::Reader, &["right", "l"], A::NextWord, "scroll right", None),
    bind(C::Reader, &["left", "h"], A::PreviousWord, "scroll left", None),
    bind(C::Reader, &["esc", "q"], A::Cancel, "close", Some("close")),

    bind(C::CommandLine, &["enter"], A::Accept, "run the command", Some("run")),
    bind(C::CommandLine, &["tab"], A::Complete, "complete", Some("complete")),
    bind(C::CommandLine, &["up"], A::Previous, "the command before", None),
    bind(C::CommandLine, &["down"], A::Next, "the command after", None),
    bind(C::CommandLine, &["esc"], A::Cancel, "close", Some("close")),

    bind(C::Always, &["ctrl-c"], A::QuitNow, "quit at once", None),
    bind(C::Always, &["ctrl-z"], A::Suspend, "suspend; `fg` comes back", None),
    bind(C::Always, &["ctrl-l"], A::Repaint, "draw the screen anew", None),
];
