//! A place's questions: numbered, one open at a time, answers to older ones dropped.

use crate::tui::message::{Effect, Lane, Question, Ticket};

/// What one place asked last.
#[derive(Debug)]
pub struct Inquiry {
    lane: Lane,
    last: Ticket,
    open: bool,
    /// Something changed while the question was open, so the answer may be old already.
    again: bool,
}

impl Inquiry {
    pub fn new(lane: Lane) -> Self {
        Self {
            lane,
            last: Ticket(0),
            open: false,
            again: false,
        }
    }

    /// Numbers its next questions from behind a ticket.
    pub fn follow(&mut self, after: Ticket) {
        self.last = self.last.max(after);
    }

    pub fn is_open(&self) -> bool {
        self.open
    }

    /// Asks; whatever was asked before will not be listened to.
    pub fn ask(&mut self, question: Question) -> Effect {
        self.last = Ticket(self.last.0 + 1);
        self.open = true;
        self.again = false;
        Effect::Ask {
            lane: self.lane,
            ticket: self.last,
            question: Box::new(question),
        }
    }

    /// Notes that an open question is to be repeated once it is answered; false when none is open.
    pub fn repeat_later(&mut self) -> bool {
        self.again |= self.open;
        self.open
    }

    /// Whether this is the answer that is waited for.
    pub fn is_answered_by(&mut self, lane: Lane, ticket: Ticket) -> bool {
        let awaited = self.open && lane == self.lane && ticket == self.last;
        if awaited {
            self.open = false;
        }
        awaited
    }

    /// Whether the answered question is to be asked again.
    pub fn take_again(&mut self) -> bool {
        std::mem::take(&mut self.again)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_answer_to_the_last_question_counts() {
        let mut inquiry = Inquiry::new(Lane::Overview);
        let mut ticket = || match inquiry.ask(Question::Overview) {
            Effect::Ask { ticket, .. } => ticket,
            other => panic!("{other:?}"),
        };
        let (first, second) = (ticket(), ticket());
        assert!(!inquiry.is_answered_by(Lane::Overview, first));
        assert!(!inquiry.is_answered_by(Lane::Reader, second));
        assert!(inquiry.is_answered_by(Lane::Overview, second));
        assert!(!inquiry.is_answered_by(Lane::Overview, second), "only once");
    }

    #[test]
    fn what_changes_during_a_question_is_asked_for_once_more() {
        let mut inquiry = Inquiry::new(Lane::Overview);
        assert!(!inquiry.repeat_later());
        inquiry.ask(Question::Overview);
        assert!(inquiry.repeat_later() && inquiry.repeat_later());
        assert!(inquiry.take_again());
        assert!(!inquiry.take_again());
    }
}
