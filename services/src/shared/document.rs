//! The API document: what the code cannot say route by route is added here for all.

use std::borrow::Cow;

use utoipa::openapi::path::Operation;
use utoipa::openapi::schema::{Object, ObjectBuilder, OneOfBuilder, Type};
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};
use utoipa::openapi::{
    ComponentsBuilder, ContentBuilder, InfoBuilder, OpenApi, OpenApiBuilder, PathItem, Ref, RefOr,
    ResponseBuilder, Schema,
};
use utoipa::{PartialSchema, ToSchema};

/// An amount in a request, from zero on: a number or a numeric string.
pub(crate) struct AmountInput;

impl PartialSchema for AmountInput {
    fn schema() -> RefOr<Schema> {
        amount(0.0, r"^0*\d{1,10}(\.\d+)?$")
    }
}

impl ToSchema for AmountInput {
    fn name() -> Cow<'static, str> {
        "AmountInput".into()
    }
}

/// An amount in a request, above zero: a number or a numeric string.
pub(crate) struct PositiveAmountInput;

impl PartialSchema for PositiveAmountInput {
    fn schema() -> RefOr<Schema> {
        amount(0.01, r"^0*[1-9]\d{0,9}(\.\d+)?$")
    }
}

impl ToSchema for PositiveAmountInput {
    fn name() -> Cow<'static, str> {
        "PositiveAmountInput".into()
    }
}

fn amount(minimum: f64, pattern: &str) -> RefOr<Schema> {
    let number = ObjectBuilder::new()
        .schema_type(Type::Number)
        .minimum(Some(minimum))
        .maximum(Some(9_999_999_999.0));
    let text =
        ObjectBuilder::new().schema_type(Type::String).pattern(Some(pattern)).max_length(Some(40));
    let amount = OneOfBuilder::new()
        .item(Object::from(number))
        .item(Object::from(text))
        .description(Some("Kept with two decimals"))
        .build();
    RefOr::T(Schema::OneOf(amount))
}

/// Completes a service's document: title, the sign-in scheme, and the answers that any route may give.
pub(crate) fn complete(title: &str, mut api: OpenApi) -> OpenApi {
    api.info = InfoBuilder::new()
        .title(title)
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some("Part of DynaClaimz, the system under test."))
        .build();
    let scheme = SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer));
    api.components
        .get_or_insert_with(|| ComponentsBuilder::new().build())
        .add_security_scheme("bearer", scheme);
    for operation in api.paths.paths.values_mut().flat_map(operations) {
        answer(operation, "500", "A fault of the service");
        answer(operation, "503", "`Service unavailable`");
        if operation.security.is_some() {
            answer(operation, "401", "`No token provided` or `Authentication failed`");
        }
        if operation.request_body.is_some() {
            answer(operation, "413", "The body is larger than 1 MiB");
            answer(operation, "415", "The body is not JSON");
        }
    }
    api
}

/// The documents of all services as clients see them, through the gateway: `/api/v1/…`.
pub(crate) fn through_gateway(services: Vec<OpenApi>) -> OpenApi {
    let info = InfoBuilder::new()
        .title("DynaClaimz")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some("Quotes, policies and claims of insurance organisations."))
        .build();
    let mut whole = OpenApiBuilder::new().info(info).build();
    for service in services {
        whole.merge(service);
    }
    let paths = std::mem::take(&mut whole.paths.paths);
    whole.paths.paths = paths
        .into_iter()
        .map(|(path, item)| (path.replacen("/api/", "/api/v1/", 1), item))
        .collect();
    for operation in whole.paths.paths.values_mut().flat_map(operations) {
        answer(operation, "429", "Too many requests from this address");
        answer(operation, "504", "The service did not answer in time");
    }
    whole
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    [&mut item.get, &mut item.post, &mut item.put, &mut item.patch, &mut item.delete]
        .into_iter()
        .flatten()
}

/// Adds an answer with the common error shape, unless the route describes it itself.
fn answer(operation: &mut Operation, status: &str, description: &str) {
    let error = ContentBuilder::new().schema(Some(Ref::from_schema_name("Error"))).build();
    let response =
        ResponseBuilder::new().description(description).content("application/json", error).build();
    operation.responses.responses.entry(status.to_owned()).or_insert_with(|| response.into());
}
