//! Datagrams, put together from pieces that matter.

use proptest::prelude::*;

use crate::oracle::{QLIKS_OWN, TOKENS, is_extended};

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
            "/qseow-engine/", "/qseow-proxy/", "/proxy-session", "proxy-session/",
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
        3 => one_of(&["\r\n   at Line()", "\n", "\r", "\0", "Start session for user", "\n/qseow-engine/;1", "\n /proxy-session/;"]),
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
    prop_oneof![
        8 => whole,
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

/// Whether the bytes are taken for UTF-16LE, which is told from their beginning alone.
pub fn looks_like_utf_16le(bytes: &[u8]) -> bool {
    bytes.starts_with(&[0xFF, 0xFE])
        || (bytes.len() >= 4 && bytes[0] != 0 && bytes[1] == 0 && bytes[2] != 0 && bytes[3] == 0)
}
