//! OpenAPI schemas of what serialises by hand: the types that are a text, and the set of evidence.

use utoipa::openapi::{ArrayBuilder, ObjectBuilder, Ref, RefOr, Schema, SchemaFormat, Type};
use utoipa::{PartialSchema, ToSchema};

use crate::fetcher::{Evidence, EvidenceSet};

fn text(description: &str) -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String).description(Some(description))
}

/// A text of a known format, such as `uuid`.
pub(crate) fn format(description: &str, format: &str) -> RefOr<Schema> {
    text(description).format(Some(SchemaFormat::Custom(format.to_owned()))).into()
}

/// A text that a pattern describes.
pub(crate) fn pattern(description: &str, pattern: &str) -> RefOr<Schema> {
    text(description).pattern(Some(pattern)).into()
}

/// A text of bounded length.
pub(crate) fn max_length(description: &str, characters: usize) -> RefOr<Schema> {
    text(description).max_length(Some(characters)).into()
}

/// One of a closed list of names.
pub(crate) fn one_of<'a>(description: &str, names: impl IntoIterator<Item = &'a str>) -> RefOr<Schema> {
    text(description).enum_values(Some(names)).into()
}

impl PartialSchema for EvidenceSet {
    fn schema() -> RefOr<Schema> {
        let names = Ref::from_schema_name(Evidence::name());
        ArrayBuilder::new().items(names).description(Some("The reasons of a verdict")).into()
    }
}

impl ToSchema for EvidenceSet {
    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        schemas.push((Evidence::name().into_owned(), Evidence::schema()));
    }
}

#[cfg(test)]
mod tests;
