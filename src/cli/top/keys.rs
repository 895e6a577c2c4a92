//! What keys do, as a pure function: a key in, a changed state out.

use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use super::screen::Sort;

/// What the viewer has chosen.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Controls {
    pub sort: Sort,
    pub is_reversed: bool,
    /// Text that a session must have in one of its columns.
    pub filter: String,
    /// Keys go into the filter.
    pub is_typing: bool,
    /// The screen stands still while events are still counted.
    pub is_frozen: bool,
    pub shows_help: bool,
    /// The first session that is shown, by its place in the list.
    pub first: usize,
}

/// What becomes of the program after a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    GoOn,
    Quit,
}

/// The longest filter, in characters.
const MAX_FILTER: usize = 64;

impl Controls {
    /// Takes a key. `page` is how many sessions fit on the screen, `sessions` how many there are.
    pub fn key(&mut self, key: KeyEvent, page: usize, sessions: usize) -> Next {
        // Windows tells the release of a key, too.
        if key.kind == KeyEventKind::Release {
            return Next::GoOn;
        }
        let with_control = key.modifiers.contains(KeyModifiers::CONTROL);
        match key.code {
            KeyCode::Char('c' | 'C') if with_control => return Next::Quit,
            _ if self.is_typing => self.type_key(key.code, with_control),
            _ if self.shows_help => match key.code {
                KeyCode::Char('q') => return Next::Quit,
                _ => self.shows_help = false,
            },
            KeyCode::Char(_) if with_control => {}
            KeyCode::Char('q' | 'Q') => return Next::Quit,
            code => self.command(code, page, sessions),
        }
        let last = sessions.saturating_sub(page);
        self.first = self.first.min(last);
        Next::GoOn
    }

    fn command(&mut self, code: KeyCode, page: usize, sessions: usize) {
        match code {
            KeyCode::Char('?' | 'h') | KeyCode::F(1) => self.shows_help = true,
            KeyCode::Char('/') => self.is_typing = true,
            KeyCode::Esc => {
                self.filter.clear();
                self.first = 0;
            }
            KeyCode::Char('s') | KeyCode::Right => self.sort_by(1),
            KeyCode::Char('S') | KeyCode::Left => self.sort_by(Sort::ALL.len() - 1),
            KeyCode::Char('r') => self.is_reversed = !self.is_reversed,
            KeyCode::Char('f' | ' ') => self.is_frozen = !self.is_frozen,
            KeyCode::Up | KeyCode::Char('k') => self.first = self.first.saturating_sub(1),
            KeyCode::Down | KeyCode::Char('j') => self.first += 1,
            KeyCode::PageUp => self.first = self.first.saturating_sub(page),
            KeyCode::PageDown => self.first += page,
            KeyCode::Home => self.first = 0,
            KeyCode::End => self.first = sessions,
            _ => {}
        }
    }

    fn type_key(&mut self, code: KeyCode, with_control: bool) {
        match code {
            KeyCode::Enter => self.is_typing = false,
            KeyCode::Esc => {
                self.is_typing = false;
                self.filter.clear();
            }
            KeyCode::Backspace => {
                self.filter.pop();
            }
            KeyCode::Char('u') if with_control => self.filter.clear(),
            KeyCode::Char(character)
                if !with_control && self.filter.chars().count() < MAX_FILTER =>
            {
                self.filter.push(character);
            }
            _ => {}
        }
        self.first = 0;
    }

    fn sort_by(&mut self, steps: usize) {
        let all = Sort::ALL;
        let place = all.iter().position(|sort| *sort == self.sort).unwrap_or(0);
        self.sort = all[(place + steps) % all.len()];
        self.is_reversed = false;
        self.first = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The state after keys: a character each, `^x` with control, and names in angle brackets.
    fn after(keys: &str) -> (Controls, Next) {
        let mut controls = Controls::default();
        let mut next = Next::GoOn;
        let mut rest = keys;
        while let Some(first) = rest.chars().next() {
            assert_eq!(next, Next::GoOn, "{keys}");
            let (code, modifiers);
            if let Some((name, after)) = rest.strip_prefix('<').and_then(|r| r.split_once('>')) {
                modifiers = KeyModifiers::NONE;
                code = match name {
                    "esc" => KeyCode::Esc,
                    "enter" => KeyCode::Enter,
                    "back" => KeyCode::Backspace,
                    "up" => KeyCode::Up,
                    "down" => KeyCode::Down,
                    "pgup" => KeyCode::PageUp,
                    "pgdn" => KeyCode::PageDown,
                    "home" => KeyCode::Home,
                    "end" => KeyCode::End,
                    "left" => KeyCode::Left,
                    "f1" => KeyCode::F(1),
                    other => panic!("{other}"),
                };
                rest = after;
            } else if let Some(after) = rest.strip_prefix('^') {
                modifiers = KeyModifiers::CONTROL;
                code = KeyCode::Char(after.chars().next().expect("a key"));
                rest = &after[1..];
            } else {
                modifiers = KeyModifiers::NONE;
                code = KeyCode::Char(first);
                rest = &rest[first.len_utf8()..];
            }
            next = controls.key(KeyEvent::new(code, modifiers), 10, 35);
        }
        (controls, next)
    }

    #[test]
    fn it_ends_on_q_and_on_control_c_wherever_one_is() {
        for keys in ["q", "Q", "^c", "?q", "?^c", "/abc^c", "ffq", "/q<enter>q"] {
            assert_eq!(after(keys).1, Next::Quit, "{keys}");
        }
        for keys in ["", "/q", "^q", "x", "<esc>"] {
            assert_eq!(after(keys).1, Next::GoOn, "{keys}");
        }
    }

    #[test]
    fn keys_that_are_let_go_do_nothing() {
        let mut controls = Controls::default();
        let mut key = KeyEvent::new(KeyCode::Char('q'), KeyModifiers::NONE);
        key.kind = KeyEventKind::Release;
        assert_eq!(controls.key(key, 10, 35), Next::GoOn);
        assert_eq!(controls, Controls::default());
    }

    #[test]
    fn a_filter_is_typed_changed_and_cleared() {
        for (keys, filter, is_typing) in [
            ("/gor", "gor", true),
            ("/gor<enter>", "gor", false),
            ("/gor<back>", "go", true),
            ("/Jö sq<enter>", "Jö sq", false),
            ("/gor^u", "", true),
            ("/gor^x", "gor", true),
            ("/gor<esc>", "", false),
            ("/gor<enter><esc>", "", false),
            ("/gor<enter>/an<enter>", "goran", false),
        ] {
            let (controls, _) = after(keys);
            let seen = (&*controls.filter, controls.is_typing);
            assert_eq!(seen, (filter, is_typing), "{keys}");
        }
        let long = format!("/{}", "x".repeat(500));
        assert_eq!(after(&long).0.filter.len(), MAX_FILTER);
    }

    #[test]
    fn columns_are_gone_through_in_both_directions() {
        for (keys, sort, is_reversed) in [
            ("s", Sort::User, false),
            ("ss", Sort::Connections, false),
            ("S", Sort::Node, false),
            ("<left>", Sort::Node, false),
            ("ssssss", Sort::Since, false),
            ("r", Sort::Since, true),
            ("rr", Sort::Since, false),
            ("rs", Sort::User, false),
        ] {
            let (controls, _) = after(keys);
            assert_eq!(
                (controls.sort, controls.is_reversed),
                (sort, is_reversed),
                "{keys}"
            );
        }
    }

    #[test]
    fn the_list_moves_and_ends_with_its_last_page() {
        for (keys, first) in [
            ("<down><down>", 2),
            ("jjk", 1),
            ("<up>", 0),
            ("<pgdn>", 10),
            ("<pgdn><pgdn><pgdn><pgdn>", 25),
            ("<end>", 25),
            ("<end><pgup>", 15),
            ("<end><home>", 0),
            ("<end>s", 0),
            ("<end>/x", 0),
        ] {
            assert_eq!(after(keys).0.first, first, "{keys}");
        }
    }

    #[test]
    fn freeze_and_help() {
        assert!(after("f").0.is_frozen && after(" ").0.is_frozen);
        assert!(!after("ff").0.is_frozen);
        assert!(after("?").0.shows_help && after("h").0.shows_help && after("<f1>").0.shows_help);
        // Any key leaves the help and does nothing else.
        let (controls, _) = after("?f");
        assert!(!controls.shows_help && !controls.is_frozen);
    }
}
