//! A bounded queue of messages, because an error may repeat itself while nobody reads them.

use std::{collections::VecDeque, mem};

/// The most messages that wait. Further ones replace the oldest.
const MAX: usize = 200;

/// Messages that wait to be written, in order.
#[derive(Debug)]
pub struct Backlog<T> {
    waiting: VecDeque<T>,
    left_out: u64,
}

impl<T> Default for Backlog<T> {
    fn default() -> Self {
        Self {
            waiting: VecDeque::new(),
            left_out: 0,
        }
    }
}

impl<T> Backlog<T> {
    /// Adds a message at the end.
    pub fn push(&mut self, one: T) {
        if self.waiting.len() == MAX {
            self.waiting.pop_front();
            self.left_out += 1;
        }
        self.waiting.push_back(one);
    }

    /// Takes all messages, together with a note if some were suppressed.
    pub fn take(&mut self) -> (Option<String>, VecDeque<T>) {
        let Self { waiting, left_out } = mem::take(self);
        let message = format!("{left_out} earlier messages were suppressed");
        ((left_out > 0).then_some(message), waiting)
    }

    /// Whether nothing waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_messages_stay_and_the_others_are_counted() {
        let mut backlog = Backlog::default();
        (0..MAX + 3).for_each(|number| backlog.push(number));
        let (message, waiting) = backlog.take();
        assert_eq!(
            message.as_deref(),
            Some("3 earlier messages were suppressed")
        );
        assert!(waiting.into_iter().eq(3..MAX + 3));
        assert!(backlog.is_empty());
        backlog.push(0);
        assert_eq!(backlog.take(), (None, [0].into()));
    }
}
