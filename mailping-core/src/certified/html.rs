//! The first page of a certified receipt as HTML, to print.

/// Headings of the page: short lines that stand alone.
const HEADINGS: [&str; 5] = [
    "What was sealed",
    "What was stamped from outside",
    "What the words mean",
    "How to check this receipt",
    "What this receipt does not show",
];

const HEAD: &str = r#"<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>Certified receipt</title>
<style>
body { max-width: 46em; margin: 2em auto; padding: 0 1em; font: 11pt/1.45 serif; }
h1 { font-size: 1.5em; }
h2 { font-size: 1.1em; margin: 1.6em 0 0.4em; break-after: avoid; }
div { white-space: pre-wrap; overflow-wrap: anywhere; }
</style>
</head>
<body>
"#;

/// A whole document without scripts, images or links.
pub(super) fn document(page: &str) -> String {
    let mut html = HEAD.to_owned();
    for (place, block) in page.trim_end().split("\n\n").enumerate() {
        let block = escaped(block);
        if place == 0 {
            html.push_str(&format!("<h1>{block}</h1>\n"));
        } else if HEADINGS.contains(&block.as_str()) {
            html.push_str(&format!("<h2>{block}</h2>\n"));
        } else {
            html.push_str(&format!("<div>{block}</div>\n"));
        }
    }
    html.push_str("</body>\n</html>\n");
    html
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::certified::page::{GUIDE, TITLE};

    #[test]
    fn the_page_is_escaped_and_each_heading_is_one() {
        let html = document(&format!("{TITLE}\n\nWhat was sealed\n\n<script>x</script> & y\n\n{GUIDE}"));
        assert!(html.contains("<div>&lt;script&gt;x&lt;/script&gt; &amp; y</div>"), "{html}");
        assert!(html.contains(&format!("<h1>{TITLE}</h1>")));
        for heading in HEADINGS.iter().filter(|heading| GUIDE.contains(*heading)) {
            assert!(html.contains(&format!("<h2>{heading}</h2>")), "{heading}");
        }
    }
}
