//! `fields` and `expand`: which part of an answer the caller wants.

use std::marker::PhantomData;

use salvo::oapi::{BasicType, Components, Object, Operation, Parameter, ParameterIn, ToSchema};
use salvo::{Depot, Request};
use serde::Serialize;
use serde_json::Value;
use shared::Result;
use shared::error::{Kind, texts};

use super::list::Query;
use super::schema::fields_of;
use super::{FromRequest, extractor};
use crate::openapi;
use crate::response::Viewed;

/// A type that people see. `fields` may name what its schema has, `expand` what is listed here.
pub(crate) trait Shown: Serialize + ToSchema + Send + 'static {
    /// Nested objects that may be asked for by name. The UI reads them in every row, so they are whole anyway.
    const EXPAND: &'static [&'static str] = &[];
}

/// What the caller asked to see.
#[derive(Clone, Default)]
pub(crate) struct Shows {
    fields: Option<Vec<String>>,
}

impl Shows {
    /// Reads `fields` and `expand`.
    pub(super) fn read<T: Shown>(query: &mut Query) -> Self {
        let fields = query.list("fields");
        if let Some(wanted) = &fields {
            let known = fields_of::<T>().known;
            if wanted.iter().any(|name| !known.contains(name)) {
                query.wrong(
                    "fields",
                    texts::CHOICES,
                    known.into_iter().collect::<Vec<_>>().join(", "),
                );
            }
        }
        let expand = query.list("expand").unwrap_or_default();
        if expand.iter().any(|name| !T::EXPAND.contains(&name.as_str())) {
            query.wrong("expand", texts::CHOICES, T::EXPAND.join(", "));
        }
        Self { fields }
    }

    /// Whether nothing is left out.
    pub(crate) fn everything(&self) -> bool {
        self.fields.is_none()
    }

    /// The wanted fields of a value.
    pub(crate) fn part_of(&self, value: &impl Serialize) -> Result<Value, serde_json::Error> {
        let mut value = serde_json::to_value(value)?;
        if let (Value::Object(object), Some(fields)) = (&mut value, &self.fields) {
            object.retain(|name, _| fields.contains(name));
        }
        Ok(value)
    }

    /// Documents both parameters.
    pub(super) fn describe<T: Shown>(operation: &mut Operation) {
        let text = || Object::with_type(BasicType::String);
        let query = |name: &str, about: &str| {
            Parameter::new(name)
                .location(ParameterIn::Query)
                .required(false)
                .description(about)
                .schema(text())
        };
        operation.parameters.insert(query("fields", "Only these fields, separated by commas"));
        if !T::EXPAND.is_empty() {
            operation.parameters.insert(query(
                "expand",
                &format!("Nested objects to show whole: {}", T::EXPAND.join(", ")),
            ));
        }
    }
}

/// The view of a detail: `fields` and `expand`, and no other parameter.
pub(crate) struct View<T> {
    shows: Shows,
    of: PhantomData<fn() -> T>,
}

impl<T: Shown> View<T> {
    /// The answer.
    pub(crate) fn show(self, value: T) -> Viewed<T> {
        Viewed { value, shows: self.shows }
    }
}

impl<T: Shown> FromRequest for View<T> {
    async fn read(req: &mut Request, _depot: &mut Depot, _arg: &str) -> Result<Self> {
        let mut query = Query::parse(req.uri().query().unwrap_or_default());
        let shows = Shows::read::<T>(&mut query);
        query.finish()?;
        Ok(Self { shows, of: PhantomData })
    }

    fn describe(components: &mut Components, operation: &mut Operation, _arg: &str) {
        Shows::describe::<T>(operation);
        openapi::declare(components, operation, &[Kind::Invalid]);
    }
}

extractor!([T: Shown] View<T>);
