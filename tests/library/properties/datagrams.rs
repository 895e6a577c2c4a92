//! Datagrams, put together from relevant pieces.

use proptest::prelude::*;

use super::oracle::{QLIKS_OWN, TOKENS, is_extended, windows_1252_bytes};

pub fn one_of(texts: &'static [&'static str]) -> impl Strategy<Value = String> {
    prop::sample::select(texts).prop_map(str::to_owned)
}

pub fn token() -> impl Strategy<Value = String> {
    let known = prop::sample::select(&TOKENS[..]).prop_map(|(token, _)| token.to_owned());
    let any_case = (known.clone(), any::<u32>()).prop_map(|(token, mask)| {
        let upper = |(at, character): (usize, char)| match mask >> (at % 32) & 1 {
            0 => character.to_ascii_uppercase(),
            _ => character,
        };
        token.chars().enumerate().map(upper).collect()
    });
    prop_oneof![
        10 => known,
        3 => any_case,
        2 => one_of(&[
            "/qseow-printing/", "/qseow-proxies//", "/proxy-session", "proxy-session/",
            "/proxy-session/ ", " /proxy-session/", "/qseow-proxy-session", "/", "",
            "/proxy-sess\u{131}on/", "/proxy-\u{17F}ession/",
        ]),
        1 => ".{0,12}",
    ]
}

pub fn command() -> impl Strategy<Value = String> {
    prop_oneof![
        6 => one_of(&["Start session", "Stop session", "Open connection", "Close connection"]),
        3 => one_of(&[
            "START SESSION", " stop Session\t", "open connection ", "cLOSE cONNECTION",
            "\u{A0}Start session", "Startsession", "Start  session", "\u{17F}top session",
            "Renew session", "", "(null)", " ",
        ]),
        1 => "[^;]{0,12}",
    ]
}

pub fn plain() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => one_of(&["LAB", "goran", "pro2-win1", "AppAccess", "Not available", "NONE"]),
        3 => one_of(&["", "(null)", "(NULL)", " (null)", "Jörgen", "日本", "a\\b", " ", "\0", "\n"]),
        1 => "[^;]{0,8}",
        1 => "[\\x00-\\x20\u{FEFF}\u{85}\u{2028}]{0,4}",
    ]
}

pub fn context() -> impl Strategy<Value = String> {
    prop_oneof![
        2 => one_of(&[
            "/app/a421f4a2-c311-4ef4-ba41-fe2e6a2b0d69?reloaduri=https%3A%2F%2Fh",
            "/sales/app/a421f4a2-c311-4ef4-ba41-fe2e6a2b0d69",
            "%2Feu%2Fapp%2FA421F4A2-C311-4EF4-BA41-FE2E6A2B0D69%3Fx",
            "Not available",
            "/hub",
            "/sales/hub",
            "/sales/sense/app/a421f4a2-c311-4ef4-ba41-fe2e6a2b0d69",
            "https://sense.example.com/sales/app/a421f4a2-c311-4ef4-ba41-fe2e6a2b0d69",
        ]),
        5 => context_of_parts(),
    ]
}

pub fn context_of_parts() -> impl Strategy<Value = String> {
    let part = prop_oneof![
        6 => one_of(&["/app/", "app", "/", "/APP/", "App/"]),
        6 => one_of(&[
            "a421f4a2-c311-4ef4-ba41-fe2e6a2b0d69", "A421F4A2-C311-4EF4-BA41-FE2E6A2B0D69",
            "a421f4a2%2Dc311-4ef4-ba41-fe2e6a2b0d69", "a421f4a2-c311-4ef4-ba41-fe2e6a2b0d6",
            "a421f4a2c3114ef4ba41fe2e6a2b0d69", "{a421f4a2-c311-4ef4-ba41-fe2e6a2b0d}",
            "a421f4a2c311-4ef4-ba41-fe2e6a2b0d69-", "a421f4a2-c311-4ef4-ba41-fe2e6a2b0d6g",
        ]),
        4 => one_of(&["sales", "eu/sales", "%2F", "%2f", "%3F", "?", "#", "%23", "%", "%2", "%FF", "%C3%BC", "%25", "ü"]),
        3 => prop::sample::select(&QLIKS_OWN[..]).prop_map(str::to_owned),
        1 => one_of(&["https://", "wss:/", "://", "HTTP%3A//", "a b://", "9://"]),
        2 => one_of(&["engineData", "SessionApp_", "hub", "Hubs", "SENSE", "reloaduri=https%3A%2F%2Fh%2Fapp%2F"]),
        1 => "[^;]{0,3}",
    ];
    prop::collection::vec(part, 0..8).prop_map(|parts| parts.concat())
}

pub fn message_text() -> impl Strategy<Value = String> {
    let part = prop_oneof![
        5 => one_of(&["UserAgent:", "UserAgent: '", "useragent:", "UserAgent", " ", "'", "\"", "''", ";", "; "]),
        4 => one_of(&[
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36",
            "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
            "curl/8.4.0", "(null)", "Not available", "O'Neil Browser", "b.c",
        ]),
        3 => one_of(&[
            "System.IO.IOException: gone", "System.Net.Sockets.SocketException (0x80004005): x",
            "Qlik.Gone`1[Qlik.X] ---> Qlik.Y: z", "Qlik.Proxy+Gone\r\n   at Qlik.X()", "Exception: x",
            "_.a", ": ", " ---> ", " (0x", "é.a: ",
        ]),
        3 => one_of(&["\r\n   at Line()", "\n", "\r", "\0", "Start session for user", "\n/qseow-printing/;1", "\n /proxy-session/;"]),
        1 => one_of(&["\n/proxy-session/;", "\n/proxy-session/", "/proxy-session/;", "\u{FEFF}"]),
        2 => ".{0,8}",
    ];
    prop::collection::vec(part, 0..8).prop_map(|parts| parts.concat())
}

/// Time, row number, session id and result as the extended appender sends them, with their `;`.
pub fn extension() -> impl Strategy<Value = String> {
    let time = prop_oneof![
        4 => (0_i64..9_999_999_999, 0_u32..1_000, -1_439_i32..=1_439).prop_map(|(seconds, milli, minutes)| {
            let time = chrono::DateTime::from_timestamp(seconds, milli * 1_000_000).expect("a time");
            let offset = chrono::FixedOffset::east_opt(minutes * 60).expect("an offset");
            time.with_timezone(&offset).format("%Y%m%dT%H%M%S%.3f%z").to_string()
        }),
        3 => one_of(&[
            "2021-11-09T15:37:26,028+02:00", "20211109T153726Z", " 20211109T153726.028+0200 ",
            "99991231T235959.999+0000", "20210229T000000.000+0000", "20211109T153726.028", "(null)", "",
        ]),
        2 => "[0-9]{8}T[0-9]{6}[.,]?[0-9]{0,10}[+Z-]?[0-9]{0,4}",
        1 => "[^;]{0,20}",
    ];
    let row = prop_oneof![
        4 => (0_u32..=9_999).prop_map(|row| row.to_string()),
        2 => one_of(&["", "(null)", " 7 ", "+7", "-7", "4294967295", "4294967296", "007"]),
        1 => "[^;]{0,8}",
    ];
    (time, row, plain(), plain())
        .prop_map(|(time, row, session, result)| [time, row, session, result].join(";"))
}

pub fn syslog_header() -> impl Strategy<Value = String> {
    let word = || prop_oneof![3 => one_of(&["-", "relay", "192.0.2.1", "4711"]), 1 => "[!-~]{1,4}", 1 => "[ -~é]{0,4}"];
    let priority =
        prop_oneof![4 => (0..=191_u8).prop_map(|number| number.to_string()), 1 => "[0-9]{0,4}"];
    let structured_data = prop_oneof![
        3 => Just("-".to_owned()),
        2 => one_of(&[r#"[a@1 b="c"]"#, r#"[a@1 b="\"\]\\\x" c=""][d]"#, "[a", r#"[a b="c]"#, "[]"]),
    ];
    let rfc_5424 = (
        word(),
        word(),
        word(),
        structured_data,
        one_of(&["", "", "\u{FEFF}", " "]),
    )
        .prop_map(|(a, b, c, data, mark)| format!("1 {a} {b} {c} - - {data} {mark}"));
    let time = prop_oneof![
        one_of(&[
            "Nov 27 09:26:05",
            "Nov  7 09:26:05",
            "Nov 7 09:26:05.5",
            "2026-11-27T09:26:05.123+01:00",
            "2026-11-27T09:26:05Z",
        ]),
        one_of(&[
            "Nov 27 9:26:05",
            "nov 27 09:26:05",
            "2026-11-27 09:26:05",
            ""
        ]),
    ];
    let rfc_3164 = (
        time,
        word(),
        one_of(&[
            "qlik: ",
            "qlik[1]:",
            "Qlik Sense Proxy: ",
            "",
            "a:b: ",
            "a;b: ",
            "x",
        ]),
    )
        .prop_map(|(time, host, tag)| format!("{time} {host} {tag}"));
    let tag_only = one_of(&[
        "Proxy.exe: ",
        "Proxy.exe:",
        "",
        " ",
        "Qlik Sense Proxy:  \u{FEFF}",
        ": ",
    ]);
    (priority, prop_oneof![rfc_5424, rfc_3164, tag_only])
        .prop_map(|(priority, rest)| format!("<{priority}>{rest}"))
}

pub fn event_text() -> impl Strategy<Value = String> {
    let whole = (
        token(),
        plain(),
        extension(),
        command(),
        plain(),
        plain(),
        plain(),
        context(),
        message_text(),
    );
    let whole = whole
        .prop_map(
            |(token, host, extension, command, directory, id, origin, context, message)| {
                let host = if is_extended(&token) {
                    [host, extension].join(";")
                } else {
                    host
                };
                [
                    token, host, command, directory, id, origin, context, message,
                ]
                .join(";")
            },
        )
        .boxed();
    let cut = (whole.clone(), any::<prop::sample::Index>()).prop_map(|(text, at)| {
        let characters = text.chars().count();
        text.chars()
            .take(at.index(characters + 1))
            .collect::<String>()
    });
    let relayed = (syslog_header(), whole.clone()).prop_map(|(header, event)| header + &event);
    prop_oneof![
        8 => whole,
        2 => relayed,
        3 => cut,
        1 => token(),
        1 => prop::collection::vec(plain(), 0..10).prop_map(|fields| fields.join(";")),
        1 => ".{0,30}",
    ]
}

pub fn datagram_text() -> impl Strategy<Value = String> {
    let leading = one_of(&[
        "",
        "",
        "",
        "\u{FEFF}",
        " ",
        "\r\n",
        "\n\n \u{FEFF}",
        "\0",
        "\x0B\n",
        "noise\n",
    ]);
    let between = one_of(&["\n", "\r\n", "\n\n", "\r\n\r\n", "\n \n", "\r", " "]);
    let trailing = one_of(&["", "", "", "\n", "\r\n", "\0", "\r\n\0\0", " \n", "\n "]);
    let more = prop::collection::vec((between, event_text()), 0..3);
    (leading, event_text(), more, trailing).prop_map(|(leading, first, more, trailing)| {
        let more: String = more
            .into_iter()
            .map(|(between, event)| between + &event)
            .collect();
        leading + &first + &more + &trailing
    })
}

/// Whether one of the bytes' lines may be taken for UTF-16, which depends only on its start.
pub fn may_be_utf_16(bytes: &[u8]) -> bool {
    bytes.split(|byte| *byte == b'\n').any(|line| {
        line.starts_with(&[0xFF, 0xFE])
            || line.starts_with(&[0xFE, 0xFF])
            || (line.len() >= 4
                && (line[0] == 0) != (line[1] == 0)
                && (line[2] == 0) != (line[3] == 0))
    })
}

/// A text as one of the senders of a site would send it.
pub fn encoded(text: String) -> impl Strategy<Value = Vec<u8>> {
    (0..4_u8, any::<prop::sample::Index>()).prop_map(move |(encoding, at)| match encoding {
        0 => text.clone().into_bytes(),
        1 => windows_1252_bytes(&text).unwrap_or_else(|| text.clone().into_bytes()),
        _ => text.as_bytes()[..at.index(text.len() + 1)].to_vec(),
    })
}

/// A relay's datagram: events of several senders, with single-byte line ends between them.
pub fn mixed_datagram() -> impl Strategy<Value = Vec<u8>> {
    let event = event_text().prop_flat_map(encoded);
    let between = one_of(&["\n", "\r\n", "\n\n"]);
    prop::collection::vec((event, between), 1..5).prop_map(|events| {
        let parts = events
            .into_iter()
            .flat_map(|(event, between)| [event, between.into_bytes()]);
        parts.collect::<Vec<_>>().concat()
    })
}
