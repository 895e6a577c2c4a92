//! What an entry or a file of the blacklist may be.

use std::fs;

use allocation_counter::measure;
use qlik_sense_events::{
    pipeline::PipelineConfig,
    schema::Schema,
    transform::{
        BlacklistConfig, FunctionTransform, OutputBuffer,
        blacklist::{BlacklistError, MAX_FILE_BYTES, UserPattern, UserPatternProblem},
    },
};

use super::{event, files, lists, of_files};

fn utf_16(text: &str) -> Vec<u8> {
    let units = text.encode_utf16().flat_map(u16::to_le_bytes);
    [0xFF, 0xFE].into_iter().chain(units).collect()
}

#[test]
fn a_file_may_have_comments_blank_lines_and_any_line_ends() {
    let plain = "# service accounts\nINTERNAL\\sa_*\n\nLAB\\goran\n   # indented\n\tLAB\\maria \n#LAB\\no\n";
    let rows: [(&str, Vec<u8>); 7] = [
        ("LF", plain.into()),
        ("UTF-16", utf_16(plain)),
        ("CRLF", plain.replace('\n', "\r\n").into()),
        ("byte order mark", format!("\u{FEFF}{plain}").into()),
        (
            "mark before an entry",
            format!("\u{FEFF}{}", &plain[19..]).into(),
        ),
        ("no line end at the end", plain.trim_end().into()),
        ("blank lines", format!("\n\r\n \n{plain}\n\n\t\n").into()),
    ];
    let mut covered = 0;
    for (name, content) in rows {
        let blacklist = of_files(&[&content]).expect(name);
        for (user, listed) in [
            ("INTERNAL\\sa_engine", true),
            ("internal\\SA_PROXY", true),
            ("LAB\\goran", true),
            ("lab\\Maria", true),
            ("LAB\\maria ", false),
            ("LAB\\no", false),
            ("#LAB\\no", false),
            ("LAB\\other", false),
        ] {
            assert_eq!(lists(&blacklist, user), listed, "{name}: {user}");
            covered += 1;
        }
    }
    assert_eq!(covered, 56);
    for content in ["", "\n", "# nothing\n", "\u{FEFF}", "\u{FEFF}# nothing"] {
        let blacklist = of_files(&[content.as_bytes()]).expect("an empty blacklist");
        assert!(!lists(&blacklist, "LAB\\goran"), "{content:?}");
    }
}

#[test]
fn spaces_and_signs_within_an_entry_are_kept() {
    let blacklist = of_files(&["A B\\c d\nLAB\\#x\nLAB\\a\\b\nLAB\\J\u{F6}rgen".as_bytes()]);
    let blacklist = blacklist.expect("a blacklist");
    for user in ["A B\\c d", "LAB\\#x", "LAB\\a\\b", "lab\\jÖRGEN"] {
        assert!(lists(&blacklist, user), "{user}");
    }
    assert!(!lists(&blacklist, "AB\\cd"));
}

#[test]
fn a_comment_may_end_a_line() {
    let file = "LAB\\svc1 # reporting\nLAB\\svc2\t#\tLAB\\no\nLAB\\c# # a language\nLAB\\a#b\nLAB\\room ?7 # is #7\n";
    let blacklist = of_files(&[file.as_bytes()]).expect("a blacklist");
    for user in [
        "LAB\\svc1",
        "LAB\\svc2",
        "LAB\\c#",
        "LAB\\a#b",
        "LAB\\room #7",
    ] {
        assert!(lists(&blacklist, user), "{user}");
    }
    for user in ["LAB\\no", "LAB\\svc1 # reporting", "LAB\\a", "LAB\\c"] {
        assert!(!lists(&blacklist, user), "{user}");
    }
}

/// Without the error, each of these entries would silently match nobody.
#[test]
fn mistakes_are_refused_with_a_suggestion() {
    use UserPatternProblem as P;
    let one = r"; write `LAB\svc1`";
    let two = r"; write `LAB\svc1` and `LAB\svc2`, each as its own entry";
    let three = r"; write `LAB\svc1`, `INTERNAL\svc2` and 1 more, each as its own entry";
    let rows = [
        (r#""LAB\svc1""#, P::Quotes, one),
        (r"'LAB\svc1'", P::Quotes, one),
        (r"“LAB\svc1”", P::Quotes, one),
        (r#""LAB"\"svc1""#, P::Quotes, one),
        (r"LAB\'svc1'", P::Quotes, one),
        (r"LAB\svc1,", P::List, one),
        (r"'LAB\svc1',", P::List, one),
        (r"- LAB\svc1", P::List, one),
        (r"* LAB\svc1", P::List, one),
        (r"• LAB\svc1", P::List, one),
        (r"12. LAB\svc1", P::List, one),
        (r"| LAB\svc1 |", P::List, one),
        (r"<LAB\svc1>", P::List, one),
        (r"['LAB\svc1']", P::List, one),
        (r"users = ['LAB\svc1', 'LAB\svc2']", P::List, two),
        (r"LAB\svc1,LAB\svc2", P::SeveralUsers, two),
        (r"LAB\svc1; INTERNAL\svc2; LAB\svc3", P::SeveralUsers, three),
        (
            r"LAB\svc1 lab\svc2",
            P::SeveralUsers,
            &*two.replace("`LAB\\svc2", "`lab\\svc2"),
        ),
        (r"LAB\\svc1", P::DoubleBackslash, one),
        (r"\\LAB\svc1", P::DoubleBackslash, one),
        (r"LAB\ svc1", P::WhiteSpace, one),
        (r"LAB \svc1", P::WhiteSpace, one),
        (r"LAB\svc1 ; reporting", P::Comment, one),
        (r"LAB\svc1 // reporting", P::Comment, one),
        ("LAB\\svc1\u{200B}", P::InvisibleCharacter('\u{200B}'), one),
        ("LAB/svc1", P::NoSeparator, one),
        ("LAB,svc1", P::NoSeparator, one),
        ("LAB\tsvc1", P::NoSeparator, one),
        ("; a comment", P::Comment, ""),
        ("svc1@lab.example", P::NoSeparator, ""),
        (r"(null)\svc1", P::Null, ""),
        (r"LAB\(null)", P::Null, ""),
        (&r"a\".repeat(18), P::EmptyUserId, ""),
        (&r"a\a".repeat(18), P::TooManyBackslashes, ""),
        (&format!(r"LAB\{}", "x ".repeat(2_047)), P::TooLong, ""),
    ];
    for (entry, expected, instead) in rows {
        let file = format!("# accounts\nLAB\\fine\n  {entry}  \n");
        let (_folder, paths) = files(&[file.as_bytes()]);
        let config = BlacklistConfig {
            files: paths.clone(),
            ..BlacklistConfig::default()
        };
        let error = config.build().expect_err(entry);
        let said = error.to_string();
        let place = format!("{}:3: `", paths[0].display());
        assert!(said.starts_with(&place), "{said}");
        assert!(said.ends_with(&format!("{expected}{instead}")), "{said}");
        // An entry in the configuration gives the same error.
        if !entry.contains('\t') {
            let refused = serde_json::from_value::<UserPattern>(entry.into()).expect_err(entry);
            let (_, words) = said.split_once(":3: ").expect("a place");
            assert_eq!(refused.to_string(), words);
        }
    }
}

#[test]
fn a_comment_in_an_entry_of_the_configuration_is_refused() {
    let entry = r"LAB\svc1 # reporting";
    let error = entry.parse::<UserPattern>().expect_err(entry);
    assert_eq!(error.problem(), UserPatternProblem::Comment);
    assert!(
        error.to_string().ends_with(r"; write `LAB\svc1`"),
        "{error}"
    );
}

/// In TOML, `"LAB\tom"` is a tab between LAB and om.
#[test]
fn backslashes_in_double_quotes_are_recognised() {
    for written in [
        r"LAB\tom",
        r"LAB\nina",
        r"LAB\bob",
        r"LAB\fred",
        r"LAB\rita",
    ] {
        let text = format!("users = [\"{written}\"]");
        let error = toml::from_str::<BlacklistConfig>(&text).expect_err(written);
        let said = error.message();
        assert!(
            said.contains(&format!("use single quotes: '{written}'")),
            "{said}"
        );
    }
}

#[test]
fn an_error_shows_an_entry_shortened_and_without_control_characters() {
    let entry = format!("\u{1B}[2J{}", "x".repeat(10_000));
    let said = entry
        .parse::<UserPattern>()
        .expect_err("no entry")
        .to_string();
    assert!(said.starts_with("`\\u{1b}[2Jxxx"), "{said}");
    assert!(said.chars().count() < 250, "{said}");
    assert!(!said.contains(char::is_control));
}

/// The `user` of an event, used as an entry in a file or the configuration, lists that user.
#[test]
fn a_user_as_shown_in_events_is_an_entry() {
    let users = [
        ("LAB", "goran"),
        (r"ACME\EU", "x"),
        ("ACME", r"EU\x"),
        (r"ACME\EU\North", r"x\y"),
        ("ACME North", "Doe, Jane"),
        ("LAB", "o'neil"),
        ("'s-Gravenhage", "jan"),
        ("LAB", r#"Jane "JJ" Doe"#),
        ("LAB", "jane.doe@acme.example"),
        ("LAB", "#7"),
        ("LAB", "a/b"),
        ("(null) x", "[ab]"),
        ("MÜNCHEN", "jörg.müller"),
    ];
    for (directory, id) in users {
        let event = event(directory, id);
        let shown = serde_json::to_value(Schema::Default.view(&event)).expect("JSON");
        let user = shown["user"].as_str().expect("a user");
        let of_file = of_files(&[user.as_bytes()]).expect(user);
        let toml = format!("users = ['''{user}''']\ncase_sensitive = true");
        let of_configuration: BlacklistConfig = toml::from_str(&toml).expect(user);
        for mut blacklist in [of_file, of_configuration.build().expect(user)] {
            let mut output = OutputBuffer::default();
            blacklist.transform(&mut output, event.clone());
            blacklist.transform(&mut output, self::event("OTHER", id));
            assert_eq!((blacklist.excluded(), output.len()), (1, 1), "{user}");
        }
    }
}

/// Uses a sparse file where the file system can.
#[test]
fn a_file_may_not_be_larger_than_the_limit() {
    let (_folder, paths) = files(&[b"LAB\\goran\n"]);
    let sparse = fs::File::create(&paths[0]).expect("a file");
    sparse.set_len(MAX_FILE_BYTES + 1).expect("a long file");
    let config = BlacklistConfig {
        files: paths,
        ..BlacklistConfig::default()
    };
    let error = config.build().expect_err("too large");
    assert!(matches!(error, BlacklistError::TooLarge { .. }), "{error}");
    assert!(error.to_string().contains("larger than 16 MiB"), "{error}");
}

#[test]
fn a_bad_line_is_refused_by_file_and_line() {
    let rows: [(&str, usize, UserPatternProblem); 7] = [
        ("goran", 1, UserPatternProblem::NoSeparator),
        (
            "# one\nLAB\\ok\n\nLAB/goran\n",
            4,
            UserPatternProblem::NoSeparator,
        ),
        (
            "LAB\\ok\r\n\\goran\r\n",
            2,
            UserPatternProblem::EmptyDirectory,
        ),
        ("\u{FEFF}LAB\\", 1, UserPatternProblem::EmptyUserId),
        (
            "LAB\\ok\nLAB\\a;b",
            2,
            UserPatternProblem::ImpossibleCharacter,
        ),
        ("LAB\\a\u{1}", 1, UserPatternProblem::ImpossibleCharacter),
        ("LAB\\a\rLAB\\b", 1, UserPatternProblem::SeveralUsers),
    ];
    let mut covered = 0;
    for (content, expected_line, expected) in rows {
        let (_folder, paths) = files(&[b"LAB\\fine\n", content.as_bytes()]);
        let config = BlacklistConfig {
            files: paths.clone(),
            ..BlacklistConfig::default()
        };
        let error = config.build().expect_err("a bad line");
        let shown = error.to_string();
        let place = format!("{}:{expected_line}: ", paths[1].display());
        assert!(shown.starts_with(&place), "{content:?}: {shown}");
        assert!(shown.contains(&expected.to_string()), "{shown}");
        match error {
            BlacklistError::Entry { file, line, source } => {
                assert_eq!((file, line), (paths[1].clone(), expected_line));
                assert_eq!(source.problem(), expected, "{content:?}");
            }
            other => panic!("{other}"),
        }
        covered += 1;
    }
    assert_eq!(covered, 7);
}

#[test]
fn a_file_that_is_not_utf_8_is_refused_by_line() {
    let mut utf_16 = utf_16("LAB\\ok\r\nLAB\\goran");
    utf_16.extend([0x00, 0xD8]);
    let rows: [(&[u8], usize); 4] = [
        (b"LAB\\J\xF6rgen\n", 1),
        (b"LAB\\ok\r\n# fine\r\nLAB\\J\xF6rgen\r\n", 3),
        (b"LAB\\ok\n# comments count too \xFF\n", 2),
        (&utf_16, 2),
    ];
    for (content, expected_line) in rows {
        let error = of_files(&[content]).expect_err("not UTF-8");
        assert!(error.to_string().contains(&format!(":{expected_line}: ")));
        assert!(error.to_string().contains("UTF-8"), "{error}");
        assert!(
            matches!(error, BlacklistError::Encoding { line, .. } if line == expected_line),
            "{error}"
        );
    }
}

#[test]
fn a_missing_file_is_refused_by_name() {
    let (folder, mut paths) = files(&[b"LAB\\goran\n"]);
    for missing in [folder.path().join("missing.txt"), folder.path().into()] {
        paths.truncate(1);
        paths.push(missing.clone());
        let config = BlacklistConfig {
            files: paths.clone(),
            ..BlacklistConfig::default()
        };
        let error = config.build().expect_err("no file");
        assert!(error.to_string().contains(&*missing.to_string_lossy()));
        assert!(error.to_string().contains("transform.blacklist.files"));
        assert!(
            matches!(&error, BlacklistError::Read { file, .. } if *file == missing),
            "{error}"
        );
        let pipeline = PipelineConfig {
            blacklist: config,
            ..PipelineConfig::default()
        };
        assert!(pipeline.build().is_err());
    }
}

#[test]
fn entries_of_all_files_and_of_the_configuration_count() {
    let (_folder, paths) = files(&[b"LAB\\a\n", b"LAB\\b*\n"]);
    let config = BlacklistConfig {
        users: vec![r"LAB\c".parse().expect("an entry")],
        files: paths,
        ..BlacklistConfig::default()
    };
    let blacklist = config.build().expect("a blacklist");
    for user in ["LAB\\a", "LAB\\b", "LAB\\bb", "LAB\\c"] {
        assert!(lists(&blacklist, user), "{user}");
    }
    assert!(!lists(&blacklist, "LAB\\d"));
}

#[test]
fn patterns_that_need_too_much_memory_are_refused_with_advice() {
    let content: String = (0..4_000)
        .map(|number| format!("*{number}*\\?{number}*{}\n", "x".repeat(300)))
        .collect();
    let error = of_files(&[content.as_bytes()]).expect_err("too large");
    assert!(
        matches!(error, BlacklistError::TooManyPatterns(_)),
        "{error}"
    );
    assert!(error.to_string().contains("exact entries"), "{error}");
}

#[test]
fn more_than_ten_thousand_patterns_are_refused_before_they_take_memory() {
    let content: String = (0..100_000)
        .map(|number| format!("LAB\\svc{number}*\n"))
        .collect();
    let (_folder, paths) = files(&[content.as_bytes()]);
    let config = BlacklistConfig {
        files: paths,
        ..BlacklistConfig::default()
    };
    let mut error = None;
    let memory = measure(|| error = config.build().err());
    let error = error.expect("too many").to_string();
    let expected = "the patterns in `transform.blacklist` need too much memory: 100000 patterns are more than 10000; use exact entries where possible";
    assert_eq!(error, expected);
    assert!(memory.bytes_max < 100 << 20, "{memory:?}");
}

#[test]
fn entries_that_match_nobody_are_refused() {
    let rows = [
        ("", UserPatternProblem::NoSeparator),
        ("goran", UserPatternProblem::NoSeparator),
        ("LAB/goran", UserPatternProblem::NoSeparator),
        (r"\", UserPatternProblem::EmptyDirectory),
        (r"\goran", UserPatternProblem::EmptyDirectory),
        (r"LAB\", UserPatternProblem::EmptyUserId),
        (r"L;AB\goran", UserPatternProblem::ImpossibleCharacter),
        ("LAB\\go\nran", UserPatternProblem::ImpossibleCharacter),
        ("LAB\\goran\r", UserPatternProblem::WhiteSpace),
        ("LAB\0\\goran", UserPatternProblem::ImpossibleCharacter),
    ];
    for (text, expected) in rows {
        let error = text.parse::<UserPattern>().expect_err(text);
        assert_eq!(error.problem(), expected, "{text:?}");
    }
    let entry: UserPattern = r"LAB\a\b*".parse().expect("an entry");
    let parts: Vec<(&str, &str)> = entry.parts().collect();
    assert_eq!(parts, [("LAB", r"a\b*"), (r"LAB\a", "b*")]);
    assert!(entry.is_pattern());
    assert!(
        !UserPattern::new("LAB", "goran")
            .expect("an entry")
            .is_pattern()
    );
}
