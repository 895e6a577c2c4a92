//! The user agents of a site's browsers and programs, with their shares.

use fastrand::Rng;

use super::chance::choose;

/// The index of a user agent in [`BROWSERS`].
pub(super) type Browser = u8;

/// Shares in per mille, with their user agents.
const BROWSERS: [(u32, &str); 20] = [
    (
        290,
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/138.0.0.0 Safari/537.36",
    ),
    (
        190,
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/138.0.0.0 Safari/537.36 Edg/138.0.0.0",
    ),
    (
        90,
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36",
    ),
    (
        70,
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/125.0.0.0 Safari/537.36 Edg/125.0.0.0",
    ),
    (
        60,
        "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/137.0.0.0 Safari/537.36",
    ),
    (
        50,
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0",
    ),
    (
        45,
        "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Safari/605.1.15",
    ),
    (
        35,
        "Mozilla/5.0 (iPad; CPU OS 16_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/16.6 Mobile/15E148 Safari/604.1",
    ),
    (
        35,
        "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1",
    ),
    (
        30,
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:115.0) Gecko/20100101 Firefox/115.0",
    ),
    (
        20,
        "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/125.0.0.0 Safari/537.36",
    ),
    (
        15,
        "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
    ),
    (
        15,
        "Mozilla/5.0 (Linux; Android 14; SM-S921B) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/25.0 Chrome/121.0.0.0 Mobile Safari/537.36",
    ),
    (
        12,
        "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/138.0.0.0 Mobile Safari/537.36",
    ),
    (
        11,
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/119.0.0.0 Safari/537.36 OPR/105.0.0.0",
    ),
    (
        10,
        "Mozilla/5.0 (Macintosh; Intel Mac OS X 10.15; rv:139.0) Gecko/20100101 Firefox/139.0",
    ),
    (
        8,
        "Mozilla/5.0 (Windows NT 6.3; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/109.0.0.0 Safari/537.36",
    ),
    (
        6,
        "Mozilla/5.0 (Windows NT 6.1; WOW64; Trident/7.0; AS; rv:11.0) like Gecko",
    ),
    (
        5,
        "Mozilla/5.0 (Linux; Android 12; moto g stylus 5G (2022)) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/112.0.0.0 Mobile Safari/537.36",
    ),
    (3, "node-fetch/1.0"),
];

/// User agents of programs, such as those that service accounts use.
const PROGRAMS: [&str; 3] = ["curl/8.4.0", "Go-http-client/1.1", "axios/1.7.2"];

/// Draws a browser according to its share.
pub(super) fn draw(rng: &mut Rng) -> Browser {
    let mut drawn = rng.u32(0..1_000);
    for (place, (share, _)) in (0..).zip(&BROWSERS) {
        if drawn < *share {
            return place;
        }
        drawn -= share;
    }
    0
}

/// The text of a browser's user agent.
pub(super) fn text(browser: Browser) -> &'static str {
    BROWSERS[usize::from(browser)].1
}

/// Draws a program's user agent.
pub(super) fn program(rng: &mut Rng) -> &'static str {
    choose(rng, &PROGRAMS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shares_add_up_to_the_whole() {
        assert_eq!(BROWSERS.iter().map(|(share, _)| share).sum::<u32>(), 1_000);
    }

    #[test]
    fn every_browser_is_drawn() {
        let mut rng = Rng::with_seed(1);
        let mut drawn = [0_u32; BROWSERS.len()];
        for _ in 0..20_000 {
            drawn[usize::from(draw(&mut rng))] += 1;
        }
        assert!(drawn.iter().all(|&count| count > 0));
    }
}
