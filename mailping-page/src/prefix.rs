//! Where the page stands: a path such as `/receipts` that every link begins with, or nothing.

use std::fmt;
use std::sync::Arc;

/// The path without a slash at its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Prefix(Arc<str>);

impl Prefix {
    pub(crate) fn new(path: &str) -> Self {
        let path = path.trim_matches('/');
        Self(if path.is_empty() { "".into() } else { format!("/{path}").into() })
    }

    /// A request's path below the page. Whatever stands in front may have taken the prefix off.
    pub(crate) fn strip<'a>(&self, path: &'a str) -> &'a str {
        match path.strip_prefix(&*self.0) {
            Some("") => "/",
            Some(rest) if rest.starts_with('/') => rest,
            _ => path,
        }
    }

    /// Whether a path is the page's own, with its prefix.
    #[cfg(feature = "actix")]
    pub(crate) fn holds(&self, path: &str) -> bool {
        path.strip_prefix(&*self.0).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// The path that cookies are kept for.
    pub(crate) fn cookie_path(&self) -> &str {
        if self.0.is_empty() { "/" } else { &self.0 }
    }
}

impl fmt::Display for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_found_with_and_without_its_prefix() {
        for given in ["/tools", "tools", "/tools/"] {
            let tools = Prefix::new(given);
            for (path, stripped) in [
                ("/tools/why", "/why"),
                ("/tools/", "/"),
                ("/tools", "/"),
                ("/why", "/why"),
                ("/toolsmith", "/toolsmith"),
                ("/tools/tools", "/tools"),
                ("", ""),
            ] {
                assert_eq!(tools.strip(path), stripped, "{given}");
            }
            assert_eq!((tools.as_str(), tools.cookie_path()), ("/tools", "/tools"));
        }
        for root in ["", "/"] {
            let root = Prefix::new(root);
            assert_eq!((root.strip("/why"), root.strip(""), root.cookie_path()), ("/why", "/", "/"));
        }
    }
}
