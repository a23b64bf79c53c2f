//! A form: fields, what is wrong with each, and the change that it makes of them.
//!
//! What was typed stays until the change was carried out: when the service refuses, the reason stands beside the field it is about. What a form
//! is for is told by the function that reads its fields.

use super::confirm::Confirm;
use super::{Outcome, framed, wrapped};
use crate::domain::AuditEntry;
use crate::domain::text::visible_once;
use crate::tui::env::Env;
use crate::tui::keymap::Action;
use crate::tui::message::{Failure, Meanwhile, Object, Ticket, Write};
use crate::tui::panes::sections;
use crate::tui::widgets::form::{Field, Fields, Merge};
use crate::tui::widgets::layout::centred;
use crate::tui::widgets::text_input::Typed;
use crossterm::event::KeyEvent;
use jiff::Timestamp;
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use std::cell::RefCell;
use std::fmt;
use std::rc::Rc;

/// What a filled-in form leads to.
#[derive(Debug)]
pub enum Submission {
    Write(Box<Write>),
    /// It is asked first, as for everything that changes production.
    Confirm(Box<Confirm>),
}

impl From<Write> for Submission {
    fn from(write: Write) -> Self {
        Self::Write(Box::new(write))
    }
}

impl From<Confirm> for Submission {
    fn from(confirm: Confirm) -> Self {
        Self::Confirm(Box::new(confirm))
    }
}

/// The typed texts, and what is found wrong with them while they are read.
pub struct Values<'a> {
    fields: &'a [Field],
    errors: RefCell<Vec<(&'static str, String)>>,
}

impl Values<'_> {
    /// What was typed or chosen, without space around it.
    pub fn text(&self, name: &str) -> &str {
        let field = self.fields.iter().find(|field| field.name == name);
        field.map_or("", Field::value).trim()
    }

    /// What was typed, if anything was.
    pub fn given(&self, name: &str) -> Option<&str> {
        Some(self.text(name)).filter(|text| !text.is_empty())
    }

    /// What was typed or chosen, if it is not what stood there at first.
    pub fn changed(&self, name: &str) -> Option<&str> {
        let field = self.fields.iter().find(|field| field.name == name)?;
        field.is_changed().then(|| field.value().trim())
    }

    /// Notes what is wrong with a field.
    pub fn wrong(&self, name: &'static str, problem: &impl ToString) {
        self.errors
            .borrow_mut()
            .push((name, visible_once(&problem.to_string())));
    }

    /// Reads a field; what is wrong with it is noted.
    pub fn read<T, E: ToString>(
        &self,
        name: &'static str,
        read: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        match read(self.text(name)) {
            Ok(value) => Some(value),
            Err(problem) => {
                self.wrong(name, &problem);
                None
            }
        }
    }

    /// Reads a field that may be left empty.
    pub fn read_given<T, E: ToString>(
        &self,
        name: &'static str,
        read: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<Option<T>> {
        match self.given(name) {
            Some(_) => self.read(name, read).map(Some),
            None => Some(None),
        }
    }
}

type Submit = Rc<dyn Fn(&Values<'_>) -> Option<Submission>>;
type Remake = Rc<dyn Fn(&Object, &Values<'_>, &Env) -> Option<Form>>;

/// How many of the changes that somebody else made are told.
const TOLD: usize = 3;

/// The same form about what its object is by now.
#[derive(Clone)]
struct Renewal {
    /// When the object that the form was made of was written.
    seen: Timestamp,
    remake: Remake,
}

/// What a lost race was lost to; told until the form is sent again.
#[derive(Debug)]
struct Lost {
    message: String,
    /// What others did since, newest first.
    since: Vec<AuditEntry>,
    /// Whether the form is about the object as it is by now.
    is_renewed: bool,
}

/// A form on the screen.
pub struct Form {
    title: String,
    /// Sentences above the fields.
    about: Vec<String>,
    fields: Fields,
    submit: Submit,
    waiting: Option<Ticket>,
    /// What was refused and is about no single field.
    failure: Option<Failure>,
    /// Esc was pressed once although something was typed.
    leaving: bool,
    renewal: Option<Renewal>,
    lost: Option<Lost>,
}

impl fmt::Debug for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Form")
            .field("title", &self.title)
            .field("fields", &self.fields)
            .field("waiting", &self.waiting)
            .field("failure", &self.failure)
            .finish_non_exhaustive()
    }
}

impl Form {
    /// A form; `submit` reads its fields and gives `None` where something is wrong with them.
    pub fn new(
        title: impl Into<String>,
        submit: impl Fn(&Values<'_>) -> Option<Submission> + 'static,
    ) -> Self {
        Self {
            title: title.into(),
            about: Vec::new(),
            fields: Fields::default(),
            submit: Rc::new(submit),
            waiting: None,
            failure: None,
            leaving: false,
            renewal: None,
            lost: None,
        }
    }

    /// How the form is made anew when its object, last written at `seen`, was changed by somebody else; `None` where it has no sense any more.
    #[must_use]
    pub fn renewed(
        mut self,
        seen: Timestamp,
        remake: impl Fn(&Object, &Values<'_>, &Env) -> Option<Self> + 'static,
    ) -> Self {
        let remake = Rc::new(remake);
        self.renewal = Some(Renewal { seen, remake });
        self
    }

    #[must_use]
    pub fn about(mut self, sentence: impl Into<String>) -> Self {
        self.about.push(sentence.into());
        self
    }

    /// A sentence above the fields, where there is something to say.
    #[must_use]
    pub fn about_if(mut self, sentence: Option<String>) -> Self {
        self.about.extend(sentence);
        self
    }

    #[must_use]
    pub fn text(
        self,
        name: &'static str,
        label: &'static str,
        help: &'static str,
        first: &str,
    ) -> Self {
        self.field(Field::text(name, label, help, first))
    }

    #[must_use]
    pub fn choice(
        self,
        name: &'static str,
        label: &'static str,
        help: &'static str,
        words: Vec<String>,
        first: &str,
    ) -> Self {
        self.field(Field::choice(name, label, help, words, first))
    }

    /// A text that can be put on top of what somebody else wrote meanwhile.
    #[must_use]
    pub fn merged(
        self,
        merge: Merge,
        name: &'static str,
        label: &'static str,
        help: &'static str,
        first: &str,
    ) -> Self {
        self.field(Field::text(name, label, help, first).merging(merge))
    }

    /// A choice of what is to be done, which stays whatever becomes of the object.
    #[must_use]
    pub fn intent(
        self,
        name: &'static str,
        label: &'static str,
        help: &'static str,
        words: Vec<String>,
        first: &str,
    ) -> Self {
        self.field(Field::choice(name, label, help, words, first).intends())
    }

    fn field(mut self, field: Field) -> Self {
        self.fields.push(field);
        self
    }

    /// Gives the keys to a field at first.
    #[must_use]
    pub fn focused(mut self, name: &str) -> Self {
        self.fields.focus(name);
        self
    }

    pub(super) fn typed(&mut self, key: KeyEvent, _env: &Env) -> Option<Outcome> {
        if self.waiting.is_some() {
            return None;
        }
        match self.fields.typed(key) {
            Typed::Ignored => return None,
            Typed::Taken => {}
            Typed::Changed => self.edited(),
        }
        Some(Outcome::Stay)
    }

    pub(super) fn pasted(&mut self, text: &str, _env: &Env) {
        if self.waiting.is_none() && self.fields.pasted(text) {
            self.edited();
        }
    }

    pub(super) fn on(&mut self, action: Action, _env: &Env) -> Outcome {
        let leaving = std::mem::take(&mut self.leaving);
        match action {
            Action::Accept if self.waiting.is_none() => return self.submit(),
            Action::NextField => self.fields.move_by(1),
            Action::PreviousField => self.fields.move_by(-1),
            Action::NextWord | Action::PreviousWord if self.waiting.is_none() => {
                let step = if action == Action::NextWord { 1 } else { -1 };
                if self.fields.turn(step) {
                    self.edited();
                }
            }
            Action::Cancel => {
                // What was sent cannot be called back, and what was typed may have to be sent again.
                if self.waiting.is_none() && (leaving || !self.fields.is_changed()) {
                    return Outcome::Close;
                }
                self.leaving = true;
            }
            _ => {}
        }
        Outcome::Stay
    }

    /// Something was changed: what is wrong now stands beside the fields that were touched.
    fn edited(&mut self) {
        self.leaving = false;
        self.failure = None;
        let (_, errors) = self.read();
        for field in self.fields.all_mut() {
            field.error = errors
                .iter()
                .find(|(name, _)| field.touched && *name == field.name)
                .map(|(_, problem)| problem.clone());
        }
    }

    fn values(&self) -> Values<'_> {
        Values {
            fields: self.fields.all(),
            errors: RefCell::default(),
        }
    }

    fn read(&self) -> (Option<Submission>, Vec<(&'static str, String)>) {
        let values = self.values();
        let submission = (self.submit)(&values);
        let errors = values.errors.into_inner();
        (submission.filter(|_| errors.is_empty()), errors)
    }

    fn submit(&mut self) -> Outcome {
        let (submission, errors) = self.read();
        for field in self.fields.all_mut() {
            field.touched = true;
            field.error = errors
                .iter()
                .find(|(name, _)| *name == field.name)
                .map(|(_, problem)| problem.clone());
        }
        self.failure = None;
        if let Some((name, _)) = errors.first() {
            self.fields.focus(name);
        }
        match submission {
            Some(Submission::Write(write)) => Outcome::Write(write),
            Some(Submission::Confirm(confirm)) => Outcome::Ask(confirm),
            None => Outcome::Stay,
        }
    }

    pub(super) fn awaits(&mut self, ticket: Ticket) {
        self.waiting = Some(ticket);
    }

    pub(super) fn waiting(&self) -> Option<Ticket> {
        self.waiting
    }

    /// Shows why it was refused, beside the field that it is about where there is one. What was typed stays.
    pub(super) fn refused(&mut self, mut failure: Failure, env: &Env) {
        self.waiting = None;
        self.leaving = false;
        self.lost = None;
        if let (Some(meanwhile), Some(renewal)) = (failure.meanwhile.take(), self.renewal.clone()) {
            return self.renew(failure.message, *meanwhile, &renewal, env);
        }
        let about = failure.field.and_then(|about| {
            let fields = self.fields.all_mut().iter_mut();
            fields.into_iter().find(|field| is_about(about, field.name))
        });
        match about {
            Some(field) => {
                field.error = Some(failure.message.clone());
                let name = field.name;
                self.fields.focus(name);
                self.failure = failure.hint.is_some().then_some(failure);
            }
            None => self.failure = Some(failure),
        }
    }

    /// Becomes the form about what is there by now, with what was typed in it.
    fn renew(&mut self, message: String, meanwhile: Meanwhile, renewal: &Renewal, env: &Env) {
        let made = (renewal.remake)(&meanwhile.object, &self.values(), env);
        let is_renewed = made.is_some();
        if let Some(mut form) = made {
            form.fields.take_over(&self.fields);
            *self = form;
        }
        let mut since = meanwhile.history;
        since.retain(|entry| entry.at > renewal.seen);
        self.lost = Some(Lost {
            message,
            since,
            is_renewed,
        });
    }

    pub(super) fn draw(&self, screen: Rect, buf: &mut Buffer, env: &Env) -> Option<Position> {
        let width = screen.width.saturating_sub(4).clamp(20, 84);
        let inner_width = usize::from(width.saturating_sub(4));
        let foot = self.foot(inner_width, env);
        let about: Vec<String> = self
            .about
            .iter()
            .flat_map(|sentence| wrapped(sentence, inner_width))
            .collect();
        let rows = |lines: usize| u16::try_from(lines).unwrap_or(u16::MAX);
        let height = rows(about.len() + foot.len())
            .saturating_add(self.fields.rows(width.saturating_sub(4)))
            .saturating_add(3);
        let inner = framed(centred(screen, width, height), &self.title, buf, env);
        let mut rest = inner;
        // Fields come first where there is little room, then what went wrong, then what it is about.
        let spare = rest.height.saturating_sub(self.fields.rows(rest.width));
        let foot_rows = rows(foot.len()).min(rest.height.saturating_sub(2));
        if spare > foot_rows + rows(about.len()) {
            for line in &about {
                buf.set_stringn(rest.x, rest.y, line, inner_width, env.theme.muted);
                rest.y += 1;
                rest.height -= 1;
            }
        }
        rest.height = rest.height.saturating_sub(foot_rows);
        let cursor = self.fields.draw(rest, buf, &env.theme);
        for (nth, (line, style)) in foot.iter().take(usize::from(foot_rows)).enumerate() {
            let y = inner.bottom() - foot_rows + rows(nth);
            buf.set_stringn(inner.x, y, line, usize::from(inner.width), *style);
        }
        cursor.filter(|_| self.waiting.is_none())
    }

    fn foot(&self, width: usize, env: &Env) -> Vec<(String, ratatui::style::Style)> {
        let theme = &env.theme;
        if self.waiting.is_some() {
            return vec![(super::sending(self.leaving).to_owned(), theme.live)];
        }
        if self.leaving {
            let said = "Esc again leaves the form and drops what was typed";
            return vec![(said.to_owned(), theme.warn)];
        }
        let mut lines = self.lost_lines(width, env);
        let Some(failure) = &self.failure else {
            return lines;
        };
        let told_beside = self.fields.all().iter();
        if !told_beside
            .into_iter()
            .any(|field| field.error.as_ref() == Some(&failure.message))
        {
            lines.extend(
                wrapped(&failure.message, width)
                    .into_iter()
                    .map(|line| (line, theme.error)),
            );
        }
        if let Some(hint) = &failure.hint {
            lines.extend(
                wrapped(hint, width)
                    .into_iter()
                    .map(|line| (line, theme.hint)),
            );
        }
        lines
    }
}

impl Form {
    /// Who was faster, what that changed, and what can be done.
    fn lost_lines(&self, width: usize, env: &Env) -> Vec<(String, ratatui::style::Style)> {
        let Some(lost) = &self.lost else {
            return Vec::new();
        };
        let theme = &env.theme;
        let mut said = vec![(format!("! {}", lost.message), theme.warn)];
        for entry in lost.since.iter().take(TOLD) {
            said.push((format!("  {}", sections::told(entry, env)), theme.text));
        }
        if lost.since.len() > TOLD {
            let more = lost.since.len() - TOLD;
            said.push((format!("  and {more} more before"), theme.muted));
        }
        let next = if lost.is_renewed {
            "What was typed is kept, on top of what is there now. Enter sends it."
        } else {
            "This cannot be done any more. Esc leaves."
        };
        said.push((next.to_owned(), theme.hint));
        said.into_iter()
            .flat_map(|(said, style)| {
                let lines = wrapped(&said, width).into_iter();
                lines.map(move |line| (line, style))
            })
            .collect()
    }
}

/// Whether the service's name of a field means this field of a form: `experiment name` is about `name`.
fn is_about(about: &str, name: &str) -> bool {
    about == name || about.rsplit(' ').next() == Some(name)
}
