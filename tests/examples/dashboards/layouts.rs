//! The pictures of the dashboards' layouts in the documentation.

use serde_json::Value;

use super::{DASHBOARDS, ONE_SCREEN, dashboard, list, number, picture, text};

/// The places and types of the panels. The picture contains no data, and Grafana draws panels differently.
fn layout(dashboard: &Value) -> String {
    const COLUMN: usize = 40;
    const ROW: usize = 11;
    let panels = list(&dashboard["panels"]);
    let place = |panel: &Value| ["x", "y", "w", "h"].map(|name| number(&panel["gridPos"][name]));
    let bottom = panels
        .iter()
        .map(|panel| place(panel)[1] + place(panel)[3])
        .max();
    let height = bottom.expect("panels") * ROW + 8;
    let what = format!("The layout of the dashboard {}", text(&dashboard["title"]));
    let size = |points: usize| u32::try_from(points).expect("a size");
    let mut svg = picture::head(size(24 * COLUMN), size(height), &what);
    svg += "<rect width=\"100%\" height=\"100%\" fill=\"#f4f5f7\"/>\n";
    svg += "<g font-family=\"system-ui, 'DejaVu Sans', sans-serif\" font-size=\"11\">\n";
    for panel in panels {
        let [x, y, w, h] = place(panel);
        let (left, top) = (x * COLUMN, y * ROW + 4);
        let title = picture::escaped(text(&panel["title"]));
        if panel["type"] == "row" {
            svg += &format!(
                "<text x=\"{}\" y=\"{}\" font-weight=\"bold\" fill=\"#24292f\">{title}</text>\n",
                left + 6,
                top + 9
            );
            continue;
        }
        let kind = match text(&panel["type"]) {
            "timeseries" => "over time",
            "bargauge" | "barchart" => "bars",
            "stat" => "a number",
            "logs" => "lines",
            other => other,
        };
        let (fill, edge) = match text(&panel["datasource"]["type"]) {
            "prometheus" => ("#fff1e6", "#e6894e"),
            "loki" => ("#fdf6d8", "#c9a227"),
            _ => ("#e4f1fb", "#4a90c2"),
        };
        let (width, height) = (w * COLUMN - 6, h * ROW - 4);
        svg += &format!(
            "<svg x=\"{}\" y=\"{top}\" width=\"{width}\" height=\"{height}\"><rect x=\"0.5\" y=\"0.5\" \
             width=\"{}\" height=\"{}\" rx=\"3\" fill=\"{fill}\" stroke=\"{edge}\"/>\
             <text x=\"8\" y=\"16\" fill=\"#24292f\">{title}</text>\
             <text x=\"8\" y=\"30\" fill=\"#6e7781\" font-size=\"10\">{kind}</text></svg>\n",
            left + 3,
            width - 1,
            height - 1
        );
    }
    svg + "</g>\n</svg>\n"
}

#[test]
fn layouts_match_the_pictures_in_the_documentation() {
    for name in DASHBOARDS
        .into_iter()
        .chain(ONE_SCREEN.map(|(name, _)| name))
    {
        let svg = layout(&dashboard(name));
        picture::compare(&format!("dashboard_{name}.svg"), &svg);
    }
}
