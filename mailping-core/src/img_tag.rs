//! The HTML tag that shows the pixel: its attributes are here and nowhere else.

/// A picture of one pixel for eyes and screen readers alike: nothing.
pub(crate) fn img_tag(url: &str) -> String {
    format!(r#"<img src="{}" width="1" height="1" alt="">"#, escape(url))
}

pub(crate) fn escape(url: &str) -> String {
    url.replace('&', "&amp;").replace('"', "&quot;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_in_the_tag_is_escaped() {
        assert_eq!(escape(r#"https://a.example/"x"&<y>"#), "https://a.example/&quot;x&quot;&amp;&lt;y&gt;");
    }
}
