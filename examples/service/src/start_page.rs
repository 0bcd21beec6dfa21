//! The start page: the next `curl` to type.

use http::{Method, StatusCode};

use crate::call::Answer;

pub(crate) fn answer(method: &Method) -> Answer {
    if method != Method::GET && method != Method::HEAD {
        return Answer::error(
            StatusCode::METHOD_NOT_ALLOWED,
            "method_not_allowed",
            None,
            "not with this method",
        );
    }
    Answer::html(PAGE.to_owned())
}

const PAGE: &str = r##"<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>mailping receipts</title>
</head>
<body>
<h1>mailping receipts</h1>
<p>The service is running. Make a ping for a message:</p>
<pre>curl -s localhost:3000/api/pings -H 'content-type: application/json' \
  -d '{"reference":"invoice-42","basis":{"kind":"legitimate_interest","reason":"proof of delivery"}}'</pre>
<p>Paste its <code>img_tag</code> into the message, or fetch its <code>pixel_url</code>, then read the receipt:</p>
<pre>curl -s localhost:3000/api/pings/ID</pre>
</body>
</html>
"##;
