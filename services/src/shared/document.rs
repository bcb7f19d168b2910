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

/// A date, or a date and time, in a request.
pub(crate) struct TimeInput;

impl PartialSchema for TimeInput {
    fn schema() -> RefOr<Schema> {
        let days = r"(0[13578]|1[02])-(0[1-9]|[12]\d|3[01])|(0[469]|11)-(0[1-9]|[12]\d|30)|02-(0[1-9]|1\d|2[0-8])";
        let offset = r"(Z|[+-](0\d|1[0-3]):[0-5]\d)?";
        let time = format!(r"T([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d{{1,9}})?{offset}");
        ObjectBuilder::new()
            .schema_type(Type::String)
            .pattern(Some(format!(r"^(19|2[01])\d\d-({days})({time})?$")))
            .description(Some("ISO 8601 date or date and time; without an offset it is UTC"))
            .examples([serde_json::json!("2026-01-31"), serde_json::json!("2026-01-31T12:00:00Z")])
            .build()
            .into()
    }
}

impl ToSchema for TimeInput {
    fn name() -> Cow<'static, str> {
        "TimeInput".into()
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
    for schema in api.components.iter_mut().flat_map(|parts| parts.schemas.values_mut()) {
        refuse_control_characters(schema);
    }
    for operation in api.paths.paths.values_mut().flat_map(operations) {
        for parameter in operation.parameters.iter_mut().flatten() {
            let RefOr::T(parameter) = parameter else { continue };
            parameter.schema.iter_mut().for_each(refuse_control_characters);
        }
        // Handlers of different services share names: `quotes_list` says which one it is.
        let tag = operation.tags.iter().flatten().next().cloned().unwrap_or_default();
        operation.operation_id = operation.operation_id.take().map(|id| format!("{tag}_{id}"));
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

/// Says of every text with a least length what [`super::rules::text`] asks for: not blank, and no control
/// characters but line breaks and tabs.
fn refuse_control_characters(schema: &mut RefOr<Schema>) {
    const ALLOWED: &str = r"[^\x00-\x08\x0B\x0C\x0E-\x1F\x7F-\x9F]";
    let RefOr::T(Schema::Object(object)) = schema else { return };
    let plain = object.format.is_none() && object.pattern.is_none() && object.enum_values.is_none();
    if object.min_length.is_some() && plain {
        object.pattern = Some(format!(r"^{ALLOWED}*[^\s\x00-\x1F\x7F-\x9F]{ALLOWED}*$"));
    }
    object.properties.values_mut().for_each(refuse_control_characters);
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
