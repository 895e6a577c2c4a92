//! What keys do, as a pure function: a key in, a changed state out.

use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use super::screen::{Screen, Sort};

/// The viewer's choices.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Controls {
    pub sort: Sort,
    pub is_reversed: bool,
    /// Text that one of a session's columns must contain.
    pub filter: String,
    /// Whether keys are typed into the filter.
    pub is_typing: bool,
    /// Whether the screen is frozen. Events are still counted.
    pub is_frozen: bool,
    pub shows_help: bool,
    /// The index of the first session on the screen.
    pub first: usize,
}

/// Whether the program continues after a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    GoOn,
    Quit,
}

/// The longest filter, in characters.
const MAX_FILTER: usize = 64;

impl Controls {
    /// Applies a key. `page` is the number of sessions that fit on the screen; `screen` holds those that the filter
    /// finds.
    pub fn key(&mut self, key: KeyEvent, page: usize, screen: &Screen) -> Next {
        // Windows reports the release of a key, too.
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
            code => self.command(code, page, screen),
        }
        let last = screen.sessions.len().saturating_sub(page);
        self.first = self.first.min(last);
        Next::GoOn
    }

    fn command(&mut self, code: KeyCode, page: usize, screen: &Screen) {
        match code {
            KeyCode::Char('?' | 'h') | KeyCode::F(1) => self.shows_help = true,
            KeyCode::Char('/') => self.is_typing = true,
            KeyCode::Esc => {
                self.filter.clear();
                self.first = 0;
            }
            KeyCode::Char('s') | KeyCode::Right => self.sort_by_next(Sort::ALL, screen),
            KeyCode::Char('S') | KeyCode::Left => {
                let mut backwards = Sort::ALL;
                backwards.reverse();
                self.sort_by_next(backwards, screen);
            }
            KeyCode::Char('c') if screen.has_costs => self.sort_by_cost(),
            KeyCode::Char('r') => self.is_reversed = !self.is_reversed,
            KeyCode::Char('f' | ' ') => self.is_frozen = !self.is_frozen,
            KeyCode::Up | KeyCode::Char('k') => self.first = self.first.saturating_sub(1),
            KeyCode::Down | KeyCode::Char('j') => self.first += 1,
            KeyCode::PageUp => self.first = self.first.saturating_sub(page),
            KeyCode::PageDown => self.first += page,
            KeyCode::Home => self.first = 0,
            KeyCode::End => self.first = screen.sessions.len(),
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

    /// Sorts by the next column of a wide screen.
    fn sort_by_next(&mut self, columns: [Sort; Sort::ALL.len()], screen: &Screen) {
        let is_there = |sort: &Sort| screen.has_costs || !sort.is_cost();
        let place = columns.iter().position(|sort| *sort == self.sort);
        let after = columns.iter().cycle().skip(place.unwrap_or(0) + 1);
        if let Some(next) = after.copied().find(is_there) {
            self.sort_by(next);
        }
    }

    fn sort_by_cost(&mut self) {
        self.sort_by(match self.sort {
            Sort::PeakRam => Sort::Process,
            Sort::Process => Sort::Requests,
            _ => Sort::PeakRam,
        });
    }

    fn sort_by(&mut self, sort: Sort) {
        self.sort = sort;
        self.is_reversed = false;
        self.first = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::{super::screen::Session, *};

    /// The state after keys: single characters, `^x` with Ctrl, and names in angle brackets.
    fn after(keys: &str) -> (Controls, Next) {
        after_on(&screen(), keys)
    }

    fn screen() -> Screen {
        Screen {
            sessions: vec![Session::default(); 35],
            ..Screen::default()
        }
    }

    /// The same on another screen.
    fn after_on(screen: &Screen, keys: &str) -> (Controls, Next) {
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
            next = controls.key(KeyEvent::new(code, modifiers), 10, screen);
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
        assert_eq!(controls.key(key, 10, &screen()), Next::GoOn);
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
            // Costs are not known.
            ("sss", Sort::App, false),
            ("c", Sort::Since, false),
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
    fn sessions_are_sorted_by_what_they_cost() {
        let screen = Screen {
            has_costs: true,
            ..screen()
        };
        for (keys, sort) in [
            ("c", Sort::PeakRam),
            ("cc", Sort::Process),
            ("ccc", Sort::Requests),
            ("cccc", Sort::PeakRam),
            ("sss", Sort::PeakRam),
            ("SSSS", Sort::Requests),
            ("<end>c", Sort::PeakRam),
        ] {
            let (controls, _) = after_on(&screen, keys);
            assert_eq!((controls.sort, controls.first), (sort, 0), "{keys}");
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
    fn keys_freeze_the_screen_and_show_help() {
        assert!(after("f").0.is_frozen && after(" ").0.is_frozen);
        assert!(!after("ff").0.is_frozen);
        assert!(after("?").0.shows_help && after("h").0.shows_help && after("<f1>").0.shows_help);
        // Any key leaves the help and does nothing else.
        let (controls, _) = after("?f");
        assert!(!controls.shows_help && !controls.is_frozen);
    }
}
