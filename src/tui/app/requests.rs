//! Carries out what panes and overlays ask for: at once where it is the app's, as effects where it is not.

use super::App;
use crate::tui::message::{Effect, Ticket, Write};
use crate::tui::overlay::command::{self, Command, CommandLine};
use crate::tui::overlay::{Outcome, Overlay};
use crate::tui::panes::{Gravity, Request, Tab};

impl App {
    pub(super) fn carry(&mut self, requests: Vec<Request>, effects: &mut Vec<Effect>) {
        for request in requests {
            match request {
                Request::Effect(effect) => effects.push(effect),
                Request::Open(overlay) => self.open(*overlay, effects),
                Request::Jump(jump) => {
                    self.dirty = true;
                    self.jump(jump, effects);
                }
                Request::Tell(gravity, said) => self.tell(gravity, said),
                Request::Sort(sort) => {
                    self.dirty = true;
                    let requests = self.panes.get_mut(self.tab).set_sort(sort);
                    self.carry(requests, effects);
                }
                Request::Act(action) => {
                    self.dirty = true;
                    self.act(action, effects);
                }
            }
        }
    }

    pub(super) fn open(&mut self, mut overlay: Overlay, effects: &mut Vec<Effect>) {
        self.dirty = true;
        if let Some(effect) = overlay.ask(self.last_ticket) {
            self.note_ticket(&effect);
            effects.push(effect);
        }
        self.overlays.push(overlay);
    }

    fn note_ticket(&mut self, effect: &Effect) {
        if let Effect::Ask { ticket, .. } = effect {
            self.last_ticket = self.last_ticket.max(*ticket);
        }
    }

    /// The tab that shows what a change makes or changes.
    fn tab_of(&self, write: &Write) -> Tab {
        match write {
            Write::CreateExperiment(_) | Write::UpdateExperiment(..) => Tab::Experiments,
            Write::LogRun(_) | Write::UpdateRun(..) => Tab::Runs,
            Write::RecordDrift(_) | Write::AcknowledgeDrift(..) | Write::ResolveDrift(..) => {
                Tab::Drift
            }
            Write::CreateDeployment(_) | Write::UpdateDeployment(..) | Write::RollBack(..) => {
                Tab::Deployments
            }
            Write::RetrySync(_) | Write::DropSync(..) => self.tab,
            _ if self.tab == Tab::Approvals => Tab::Approvals,
            _ => Tab::Registry,
        }
    }

    /// Lets a change wait for its turn, and notes which tab it belongs to.
    fn write(&mut self, write: Write, effects: &mut Vec<Effect>) -> Ticket {
        self.last_ticket = Ticket(self.last_ticket.0 + 1);
        let tab = self.tab_of(&write);
        self.writing.push((self.last_ticket, tab));
        effects.push(Effect::Write {
            ticket: self.last_ticket,
            write: Box::new(write),
        });
        self.last_ticket
    }

    pub(super) fn come_out(&mut self, outcome: Outcome, effects: &mut Vec<Effect>) {
        match outcome {
            Outcome::Stay => {}
            Outcome::Close => {
                self.overlays.pop();
            }
            Outcome::Write(write) => {
                let ticket = self.write(*write, effects);
                if let Some(overlay) = self.overlays.last_mut() {
                    overlay.awaits(ticket);
                }
            }
            Outcome::Ask(confirm) => self.overlays.push(Overlay::Confirm(*confirm)),
            Outcome::Open(overlay) => self.open(*overlay, effects),
            Outcome::Keep(requests) => self.carry(requests, effects),
            Outcome::Then(requests) => {
                self.overlays.pop();
                self.carry(requests, effects);
            }
            Outcome::Run(line) => {
                self.overlays.pop();
                self.run(&line, effects);
            }
        }
    }

    fn run(&mut self, line: &str, effects: &mut Vec<Effect>) {
        let problem = match command::parse(line) {
            Ok(command) => {
                self.commands.retain(|before| before != line);
                self.commands.push(line.to_owned());
                self.command(command, effects).err()
            }
            Err(problem) => Some(problem),
        };
        if let Some(problem) = problem {
            let line = CommandLine::wrong(line, self.commands.clone(), problem);
            self.overlays.push(Overlay::CommandLine(line));
        }
    }

    fn command(&mut self, command: Command, effects: &mut Vec<Effect>) -> Result<(), String> {
        match command {
            Command::Show(tab, filter) => {
                self.show(tab, effects);
                if let Some(filter) = filter {
                    self.filter(&filter, effects)?;
                }
            }
            Command::Filter(filter) => self.filter(&filter, effects)?,
            Command::Sort(order) => {
                let pane = self.panes.get(self.tab);
                let sort = (!order.is_empty()).then(|| pane.order(&order, &self.env));
                self.carry(vec![Request::Sort(sort.transpose()?)], effects);
            }
            Command::Act(action) => self.act(action, effects),
        }
        Ok(())
    }

    fn filter(&mut self, filter: &str, effects: &mut Vec<Effect>) -> Result<(), String> {
        let pane = self.panes.get_mut(self.tab);
        let requests = pane.set_filter(filter, &self.env)?;
        self.carry(requests, effects);
        if filter.is_empty() {
            self.tell(Gravity::Info, "the filter is off");
        }
        Ok(())
    }
}
