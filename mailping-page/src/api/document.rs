//! The API's OpenAPI document.

use mailping_core::PingId;
use mailping_core::receipts::OpenCursor;
use utoipa::OpenApi;
use utoipa::openapi::Server;

use crate::prefix::Prefix;

#[derive(OpenApi)]
#[openapi(
    info(
        title = "mailping",
        description = "Whether 1-to-1 e-mail was opened: pings, receipts and the recipients' rights. \
                       Who may call it is up to the app that it is mounted in; with an admin token, send it as \
                       `Authorization: Bearer ...`. Errors are JSON, name the field and never repeat what was sent."
    ),
    tags((name = "mailping", description = "Pings, receipts and recipients")),
    paths(
        super::create,
        super::list,
        super::receipt,
        super::certified,
        super::erase,
        super::withdraw,
        super::handed_over,
        super::object,
        super::erase_recipient,
        super::export,
        super::health,
        super::openapi
    ),
    components(schemas(PingId, OpenCursor))
)]
struct Api;

/// The document of a page below this path.
pub(super) fn openapi(prefix: &Prefix) -> utoipa::openapi::OpenApi {
    let mut document = Api::openapi();
    let url = prefix.as_str();
    document.servers = Some(vec![Server::new(if url.is_empty() { "/" } else { url })]);
    document
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::super::ROUTES;
    use super::*;

    #[test]
    fn every_route_is_in_the_document_and_no_other() {
        let document = serde_json::to_value(openapi(&Prefix::new("/receipts"))).unwrap();
        assert_eq!(document["servers"][0]["url"], "/receipts");
        let mut documented = BTreeSet::new();
        for (path, methods) in document["paths"].as_object().unwrap() {
            for method in methods.as_object().unwrap().keys().filter(|key| *key != "parameters") {
                documented.insert((method.to_uppercase(), path.clone()));
            }
        }
        let routes: BTreeSet<_> =
            ROUTES.iter().map(|(method, path, _)| ((*method).to_owned(), format!("/api/{path}"))).collect();
        assert_eq!(documented, routes);
    }

    #[test]
    fn every_operation_has_the_tag_and_answers_that_say_what_they_are() {
        let document = serde_json::to_value(openapi(&Prefix::new(""))).unwrap();
        for (path, methods) in document["paths"].as_object().unwrap() {
            for (method, operation) in methods.as_object().unwrap() {
                assert_eq!(operation["tags"], serde_json::json!(["mailping"]), "{method} {path}");
                for (status, response) in operation["responses"].as_object().unwrap() {
                    let said = response["description"].as_str().unwrap();
                    let is_vague = said == "It" || said.starts_with("It ") || said.ends_with(" none");
                    assert!(said.contains(' ') && !is_vague, "{method} {path} {status}: {said}");
                }
            }
        }
    }
}
