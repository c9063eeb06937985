//! What a type's schema says: the one list of its fields, for `fields=` and for unknown and missing body fields.

use std::collections::BTreeSet;

use salvo::oapi::{Components, RefOr, Schema, ToSchema};

/// The fields of an object.
#[derive(Default)]
pub(super) struct Fields {
    /// Every field it has.
    pub(super) known: BTreeSet<String>,
    /// Those that are always there.
    pub(super) required: BTreeSet<String>,
}

/// The top-level fields of `T`.
pub(super) fn fields_of<T: ToSchema>() -> Fields {
    let mut components = Components::new();
    let schema = T::to_schema(&mut components);
    let mut fields = Fields::default();
    collect(&components, &schema, &mut fields);
    fields
}

fn collect(components: &Components, schema: &RefOr<Schema>, fields: &mut Fields) {
    match schema {
        RefOr::Ref(reference) => {
            let name = reference
                .ref_location
                .rsplit('/')
                .next()
                .unwrap_or_default()
                .replace("~1", "/")
                .replace("~0", "~");
            if let Some(schema) = components.schemas.get(&name) {
                collect(components, schema, fields);
            }
        }
        RefOr::Type(Schema::Object(object)) => {
            fields.known.extend(object.properties.keys().cloned());
            fields.required.extend(object.required.iter().cloned());
        }
        RefOr::Type(Schema::AllOf(parts)) => {
            for part in &parts.items {
                collect(components, part, fields);
            }
        }
        RefOr::Type(_) => {}
    }
}
