//! Datagrams as Qlik Sense sends them.

/// A user of directory `LAB` starts a session.
pub fn start(user_id: &str) -> String {
    start_in("LAB", user_id)
}

/// A user starts a session.
pub fn start_in(directory: &str, user_id: &str) -> String {
    format!(
        "/qseow-proxy-session/;pro2-win1;Start session;{directory};{user_id};Not available;/hub;\
         Start session for user"
    )
}

/// `LAB\goran` opens a connection.
pub const OPEN: &str = "/qseow-proxy-connection/;pro2-win1;Open connection;LAB;goran;AppAccess;\
    /sales/app/a421f4a2-c311-4ef4-ba41-fe2e6a2b0d69?reloaduri=https%3A%2F%2Fsense.example.com;\
    Websocket connection Opened for session; UserAgent: 'Mozilla/5.0 (Windows NT 10.0; Win64; x64) \
    AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36'";

/// A payload that ends after the user directory.
pub const CUT: &str = "/qseow-proxy-session/;pro2-win1;Start session;LAB";
