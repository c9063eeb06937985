//! Parts of the path. What cannot name anything is 404: there is nothing there.

use std::ops::Deref;

use salvo::oapi::{
    BasicType, Components, KnownFormat, Object, Operation, Parameter, ParameterIn, SchemaFormat,
};
use salvo::{Depot, Request};
use serde::de::DeserializeOwned;
use serde::de::value::{Error as ValueError, StrDeserializer};
use shared::error::Kind;
use shared::{Code, Result};

use super::{FromRequest, extractor};
use crate::openapi;

/// Longer names are nobody's.
const SLUG_MAX: usize = 200;

/// A typed UUID: `id: Id<ListingId>` reads `{id}`.
pub(crate) struct Id<T>(pub(crate) T);

/// A number that people type: `id: Number` reads `{id}`.
pub(crate) struct Number(pub(crate) i64);

/// A short text that names something: a slug, a username, or an id in its place.
pub(crate) struct Slug(pub(crate) String);

impl<T> Deref for Id<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl Deref for Number {
    type Target = i64;

    fn deref(&self) -> &i64 {
        &self.0
    }
}

impl Deref for Slug {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl<T: DeserializeOwned> FromRequest for Id<T> {
    async fn read(req: &mut Request, _depot: &mut Depot, arg: &str) -> Result<Self> {
        let text = req.params().get(arg).ok_or(Code::NotFound)?;
        let id =
            T::deserialize(StrDeserializer::<ValueError>::new(text)).ok().ok_or(Code::NotFound)?;
        Ok(Self(id))
    }

    fn describe(components: &mut Components, operation: &mut Operation, arg: &str) {
        let uuid = Object::with_type(BasicType::String)
            .format(SchemaFormat::KnownFormat(KnownFormat::Uuid));
        parameter(components, operation, arg, uuid);
    }
}

extractor!([T: DeserializeOwned] Id<T>);

impl FromRequest for Number {
    async fn read(req: &mut Request, _depot: &mut Depot, arg: &str) -> Result<Self> {
        let text = req.params().get(arg).ok_or(Code::NotFound)?;
        let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let number = text.parse().ok().filter(|_| digits).ok_or(Code::NotFound)?;
        Ok(Self(number))
    }

    fn describe(components: &mut Components, operation: &mut Operation, arg: &str) {
        let number = Object::with_type(BasicType::Integer)
            .format(SchemaFormat::KnownFormat(KnownFormat::Int64));
        parameter(components, operation, arg, number);
    }
}

extractor!([] Number);

impl FromRequest for Slug {
    async fn read(req: &mut Request, _depot: &mut Depot, arg: &str) -> Result<Self> {
        let text = req.params().get(arg).ok_or(Code::NotFound)?;
        if text.is_empty() || text.len() > SLUG_MAX || text.chars().any(char::is_control) {
            return Err(Code::NotFound.into());
        }
        Ok(Self(text.clone()))
    }

    fn describe(components: &mut Components, operation: &mut Operation, arg: &str) {
        parameter(
            components,
            operation,
            arg,
            Object::with_type(BasicType::String).max_length(SLUG_MAX),
        );
    }
}

extractor!([] Slug);

fn parameter(components: &mut Components, operation: &mut Operation, name: &str, schema: Object) {
    operation
        .parameters
        .insert(Parameter::new(name).location(ParameterIn::Path).required(true).schema(schema));
    openapi::declare(components, operation, &[Kind::NotFound]);
}
