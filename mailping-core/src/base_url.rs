//! Where the routes are reached from outside: the start of every pixel's URL.

/// The base URL is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("base URL must be absolute, such as https://app.example/px, without query, fragment or user name")]
#[non_exhaustive]
pub struct BaseUrlError;

/// Without a slash at its end.
pub(crate) fn check_base_url(url: &str) -> Result<String, BaseUrlError> {
    let uri: http::Uri = url.trim().parse().map_err(|_| BaseUrlError)?;
    let web = matches!(uri.scheme_str(), Some("http" | "https"));
    let host = uri
        .authority()
        .is_some_and(|authority| !authority.as_str().contains('@') && !authority.host().is_empty());
    if !web || !host || uri.query().is_some() || url.contains('#') {
        return Err(BaseUrlError);
    }
    Ok(url.trim().trim_end_matches('/').to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_base_url_is_absolute_and_loses_its_last_slash() {
        assert_eq!(check_base_url("https://app.example/px/").unwrap(), "https://app.example/px");
        assert_eq!(check_base_url("http://127.0.0.1:3000").unwrap(), "http://127.0.0.1:3000");
        for bad in [
            "",
            "/px",
            "app.example/px",
            "ftp://app.example",
            "https://",
            "https://a.example/?x=1",
            "https://u:p@a.example",
            "https://a.example/#px",
            "https://a b.example",
        ] {
            assert_eq!(check_base_url(bad), Err(BaseUrlError), "{bad}");
        }
    }
}
