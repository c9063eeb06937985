//! What a handler needs is in its arguments: if it is absent or wrong, the handler does not run.

mod address;
pub(crate) mod body;
mod bot;
mod caller;
mod list;
mod multipart;
mod on_behalf;
mod once;
mod path;
pub(crate) mod refresh_cookie;
mod schema;
mod shows;
mod signed_in;

use std::future::Future;

use salvo::oapi::{Components, Operation};
use salvo::{Depot, Request};
use shared::Result;

pub(crate) use address::client_address;
pub(crate) use body::{Body, OptionalBody};
pub(crate) use bot::Bot;
pub(crate) use caller::Caller;
pub(crate) use list::{List, Listed, Narrowed, Query};
pub(crate) use multipart::{file, is_multipart, multipart_body};
pub(crate) use on_behalf::remember_caller;
pub(crate) use once::{Begun, Once};
pub(crate) use path::{Id, Number, Slug};
pub(crate) use refresh_cookie::RefreshCookie;
pub(crate) use shows::{Shown, Shows, View};
pub(crate) use signed_in::{
    Attempt, Finance, InAnyRole, MaybeSignedIn, Moderator, SignedIn, Staff, Superuser, Verified,
    require,
};

/// An argument of a handler: how it is read, and how it is documented.
pub(crate) trait FromRequest: Sized {
    /// Reads it; `arg` is the argument's name.
    fn read(
        req: &mut Request,
        depot: &mut Depot,
        arg: &str,
    ) -> impl Future<Output = Result<Self>> + Send;

    /// Adds it to the documentation.
    fn describe(components: &mut Components, operation: &mut Operation, arg: &str);
}

/// Makes a [`FromRequest`] type an argument of `#[endpoint]` functions.
macro_rules! extractor {
    ([$($generic:ident: $bound:path),*] $name:ty) => {
        impl<'ex, $($generic: $bound),*> salvo::Extractible<'ex> for $name {
            fn metadata() -> &'static salvo::extract::Metadata {
                static METADATA: salvo::extract::Metadata = salvo::extract::Metadata::new("");
                &METADATA
            }

            async fn extract(
                req: &'ex mut salvo::Request,
                depot: &'ex mut salvo::Depot,
            ) -> Result<Self, impl salvo::Writer + Send + std::fmt::Debug + 'static> {
                <Self as $crate::extract::FromRequest>::read(req, depot, "").await.map_err($crate::error::ApiError::from)
            }

            async fn extract_with_arg(
                req: &'ex mut salvo::Request,
                depot: &'ex mut salvo::Depot,
                arg: &str,
            ) -> Result<Self, impl salvo::Writer + Send + std::fmt::Debug + 'static> {
                <Self as $crate::extract::FromRequest>::read(req, depot, arg).await.map_err($crate::error::ApiError::from)
            }
        }

        impl<$($generic: $bound),*> salvo::oapi::EndpointArgRegister for $name {
            fn register(components: &mut salvo::oapi::Components, operation: &mut salvo::oapi::Operation, arg: &str) {
                <Self as $crate::extract::FromRequest>::describe(components, operation, arg);
            }
        }
    };
}

pub(crate) use extractor;
