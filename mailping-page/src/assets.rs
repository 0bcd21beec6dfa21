//! The style, the script and the icon, from memory, under names that change with their content.

use std::sync::LazyLock;

use bytes::Bytes;
use http::StatusCode;
use sha2::{Digest, Sha256};

use crate::answer::Answer;

/// One static file.
#[derive(Debug)]
pub(crate) struct Asset {
    /// Where it is found, such as `/assets/page-0123456789abcdef.css`.
    pub(crate) path: String,
    content_type: &'static str,
    content: &'static str,
}

impl Asset {
    fn new(name: &str, extension: &str, content_type: &'static str, content: &'static str) -> Self {
        let hash: String = Sha256::digest(content).iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        Self { path: format!("/assets/{name}-{hash}.{extension}"), content_type, content }
    }
}

/// All of them.
#[derive(Debug)]
pub(crate) struct Assets {
    pub(crate) style: Asset,
    pub(crate) script: Asset,
    pub(crate) icon: Asset,
}

pub(crate) static ASSETS: LazyLock<Assets> = LazyLock::new(|| Assets {
    style: Asset::new("page", "css", "text/css; charset=utf-8", include_str!("../assets/page.css")),
    script: Asset::new("page", "js", "text/javascript; charset=utf-8", include_str!("../assets/page.js")),
    icon: Asset::new("icon", "svg", "image/svg+xml", include_str!("../assets/icon.svg")),
});

/// The file at a path; `None` if there is none.
pub(crate) fn answer(path: &str) -> Option<Answer> {
    let assets = [&ASSETS.style, &ASSETS.script, &ASSETS.icon];
    let asset = assets.into_iter().find(|asset| asset.path == path)?;
    let answer =
        Answer::new(StatusCode::OK, asset.content_type, Bytes::from_static(asset.content.as_bytes()));
    Some(
        answer
            .with("cache-control", "public, max-age=31536000, immutable")
            .with("cross-origin-resource-policy", "same-origin"),
    )
}
