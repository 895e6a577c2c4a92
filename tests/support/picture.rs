//! Pictures in the documentation, which tests write, so that they show the current program.

use std::{env, fs, path::Path};

/// Asserts that the picture in `docs/pictures` is this one. With `UPDATE_DOCUMENTS=1` it is replaced by this one.
pub fn compare(name: &str, svg: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("docs/pictures")
        .join(name);
    if env::var_os("UPDATE_DOCUMENTS").is_some() {
        fs::create_dir_all(path.parent().expect("a folder")).expect("the folder");
        fs::write(&path, svg).expect("the picture");
    }
    // Git may have written the line ends of Windows.
    let there = fs::read_to_string(&path)
        .unwrap_or_default()
        .replace("\r\n", "\n");
    assert!(
        there == svg,
        "docs/pictures/{name} is not what there is now: UPDATE_DOCUMENTS=1 cargo test writes it"
    );
}

/// Text in XML.
pub fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

/// The beginning of every picture.
pub fn head(width: u32, height: u32, what: &str) -> String {
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\" \
         role=\"img\">\n<title>{}</title>\n",
        escaped(what)
    )
}
