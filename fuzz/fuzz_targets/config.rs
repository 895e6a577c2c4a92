//! The text of a configuration: it is refused with a line that exists, or it is read, and written and read again
//! unchanged.
#![no_main]

use libfuzzer_sys::fuzz_target;
use qlik_sense_events::config::Config;

fuzz_target!(|text: &str| {
    match Config::parse(text) {
        Err(problems) => {
            assert!(!problems.is_empty());
            let lines = 1 + text.bytes().filter(|&byte| byte == b'\n').count();
            for problem in problems {
                assert!((1..=lines).contains(&problem.line), "{problem}");
                assert!(!problem.message.is_empty());
            }
        }
        Ok(config) => {
            let written = toml::to_string(&config).expect("a configuration has a form");
            assert_eq!(Config::parse(&written), Ok(config), "{written}");
        }
    }
});
