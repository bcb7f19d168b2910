//! What keys do.

use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::state::{Column, Mode, Page, View};

/// What a key asks of the run; everything else concerns the view only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ask {
    /// So many users more, or fewer.
    Users(i32),
    /// The end of the run, in order.
    Stop,
    /// What Ctrl-C does without a view.
    Interrupt,
}

/// Rows that Page Up and Page Down go.
const PAGE: usize = 10;

impl View {
    /// Carries out what a key is for.
    pub(crate) fn press(&mut self, key: KeyEvent) -> Option<Ask> {
        if key.modifiers.contains(KeyModifiers::CONTROL) {
            return (key.code == KeyCode::Char('c')).then_some(Ask::Interrupt);
        }
        if self.mode == Mode::Filter {
            self.type_filter(key.code);
            return None;
        }
        if self.mode == Mode::Help {
            // Any key closes the help, and the important ones also do what they are for.
            self.mode = Mode::Orders;
            if !matches!(key.code, KeyCode::Char('q' | 'w' | 'W' | 's' | 'S')) {
                return None;
            }
        }
        match key.code {
            KeyCode::Char('q') => {
                self.stopping = true;
                return Some(Ask::Stop);
            }
            KeyCode::Char('w') => return Some(Ask::Users(1)),
            KeyCode::Char('W') => return Some(Ask::Users(10)),
            KeyCode::Char('s') => return Some(Ask::Users(-1)),
            KeyCode::Char('S') => return Some(Ask::Users(-10)),
            KeyCode::Char('?' | 'h') | KeyCode::F(1) => self.mode = Mode::Help,
            KeyCode::Esc => self.filter.clear(),
            KeyCode::Char('+' | '=') => self.narrower(),
            KeyCode::Char('-') => self.wider(),
            KeyCode::Tab => self.turn_to(self.page.step(1)),
            KeyCode::BackTab => self.turn_to(self.page.step(Page::ALL.len() - 1)),
            KeyCode::Char(digit @ '1'..='4') => {
                self.turn_to(Page::ALL[digit as usize - '1' as usize]);
            }
            other => self.press_in_page(other),
        }
        None
    }

    fn press_in_page(&mut self, key: KeyCode) {
        let last = self.rows().saturating_sub(1);
        match key {
            KeyCode::Up | KeyCode::Char('k') => self.scroll = self.scroll.saturating_sub(1),
            KeyCode::Down | KeyCode::Char('j') => self.scroll = (self.scroll + 1).min(last),
            KeyCode::PageUp => self.scroll = self.scroll.saturating_sub(PAGE),
            KeyCode::PageDown => self.scroll = (self.scroll + PAGE).min(last),
            KeyCode::Home => self.scroll = 0,
            KeyCode::End => self.scroll = last,
            KeyCode::Right | KeyCode::Char('>') => self.sort_by(1),
            KeyCode::Left | KeyCode::Char('<') => self.sort_by(Column::ALL.len() - 1),
            KeyCode::Char('r') => self.descending = !self.descending,
            KeyCode::Char('/') => {
                self.turn_to(Page::Requests);
                self.mode = Mode::Filter;
            }
            _ => {}
        }
    }

    fn type_filter(&mut self, key: KeyCode) {
        match key {
            KeyCode::Char(letter) => self.filter.push(letter),
            KeyCode::Backspace => {
                self.filter.pop();
            }
            KeyCode::Enter => self.mode = Mode::Orders,
            KeyCode::Esc => {
                self.mode = Mode::Orders;
                self.filter.clear();
            }
            _ => {}
        }
        self.scroll = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::samples;

    fn press(view: &mut View, keys: &str) -> Vec<Ask> {
        let key = |letter| match letter {
            '\t' => KeyCode::Tab,
            '\n' => KeyCode::Enter,
            '\u{1b}' => KeyCode::Esc,
            '\u{8}' => KeyCode::Backspace,
            other => KeyCode::Char(other),
        };
        keys.chars().filter_map(|letter| view.press(key(letter).into())).collect()
    }

    #[test]
    fn locusts_keys_change_the_number_of_users() {
        let asked = press(&mut samples::view(1), "wWsSq");
        assert_eq!(
            asked,
            [Ask::Users(1), Ask::Users(10), Ask::Users(-1), Ask::Users(-10), Ask::Stop]
        );
    }

    #[test]
    fn interrupting_works_everywhere() {
        let mut view = samples::view(1);
        let interrupt = KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL);
        for prepare in ["", "?", "/abc"] {
            press(&mut view, prepare);
            assert_eq!(view.press(interrupt), Some(Ask::Interrupt));
        }
    }

    #[test]
    fn letters_of_a_filter_are_no_orders() {
        let mut view = samples::view(1);
        assert_eq!(press(&mut view, "/swqx\u{8}\n"), []);
        assert_eq!(
            (view.filter.as_str(), view.mode, view.page),
            ("swq", Mode::Orders, Page::Requests)
        );
        assert_eq!(press(&mut view, "\u{1b}"), []);
        assert_eq!(view.filter, "");
    }

    #[test]
    fn pages_windows_and_help() {
        let mut view = samples::view(1);
        press(&mut view, "\t");
        assert_eq!(view.page, Page::Requests);
        press(&mut view, "4");
        assert_eq!(view.page, Page::Log);
        press(&mut view, "-----");
        assert_eq!(view.window(), None);
        press(&mut view, "++++++");
        assert_eq!(view.window(), Some(60.0));
        press(&mut view, "?");
        assert_eq!(view.mode, Mode::Help);
        press(&mut view, "1");
        assert_eq!(
            (view.mode, view.page),
            (Mode::Orders, Page::Log),
            "the key only closed the help"
        );
    }

    #[test]
    fn scrolling_stays_within_the_rows() {
        let mut view = samples::view(20);
        press(&mut view, "2jjjjjjjj");
        assert_eq!(view.scroll, 2);
        press(&mut view, "kkkk");
        assert_eq!(view.scroll, 0);
    }
}
