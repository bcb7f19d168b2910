//! OTLP's trace messages, as far as they are used here, by the field numbers of
//! `opentelemetry/proto/trace/v1/trace.proto` (stable since 1.0). Checked in the tests against the official crate.

use prost::{Message, Oneof};

use super::span::{Attribute, Ended, Value};

#[derive(Clone, PartialEq, Message)]
pub(super) struct ExportTraceServiceRequest {
    #[prost(message, repeated, tag = "1")]
    resource_spans: Vec<ResourceSpans>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct ExportTraceServiceResponse {
    #[prost(message, optional, tag = "1")]
    pub(super) partial_success: Option<PartialSuccess>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct PartialSuccess {
    #[prost(int64, tag = "1")]
    pub(super) rejected_spans: i64,
    #[prost(string, tag = "2")]
    pub(super) error_message: String,
}

#[derive(Clone, PartialEq, Message)]
struct ResourceSpans {
    #[prost(message, optional, tag = "1")]
    resource: Option<Resource>,
    #[prost(message, repeated, tag = "2")]
    scope_spans: Vec<ScopeSpans>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Resource {
    #[prost(message, repeated, tag = "1")]
    attributes: Vec<KeyValue>,
}

#[derive(Clone, PartialEq, Message)]
struct ScopeSpans {
    #[prost(message, optional, tag = "1")]
    scope: Option<Scope>,
    #[prost(message, repeated, tag = "2")]
    spans: Vec<Span>,
}

#[derive(Clone, PartialEq, Message)]
struct Scope {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(string, tag = "2")]
    version: String,
}

#[derive(Clone, PartialEq, Message)]
#[expect(clippy::struct_field_names, reason = "the names of the OTLP definition")]
struct Span {
    #[prost(bytes = "vec", tag = "1")]
    trace_id: Vec<u8>,
    #[prost(bytes = "vec", tag = "2")]
    span_id: Vec<u8>,
    #[prost(string, tag = "3")]
    trace_state: String,
    #[prost(bytes = "vec", tag = "4")]
    parent_span_id: Vec<u8>,
    #[prost(string, tag = "5")]
    name: String,
    #[prost(int32, tag = "6")]
    kind: i32,
    #[prost(fixed64, tag = "7")]
    start_time_unix_nano: u64,
    #[prost(fixed64, tag = "8")]
    end_time_unix_nano: u64,
    #[prost(message, repeated, tag = "9")]
    attributes: Vec<KeyValue>,
    #[prost(message, optional, tag = "15")]
    status: Option<Status>,
    #[prost(fixed32, tag = "16")]
    flags: u32,
}

#[derive(Clone, PartialEq, Message)]
struct Status {
    #[prost(int32, tag = "3")]
    code: i32,
}

#[derive(Clone, PartialEq, Message)]
struct KeyValue {
    #[prost(string, tag = "1")]
    key: String,
    #[prost(message, optional, tag = "2")]
    value: Option<AnyValue>,
}

#[derive(Clone, PartialEq, Message)]
struct AnyValue {
    #[prost(oneof = "AnyValueKind", tags = "1, 3")]
    value: Option<AnyValueKind>,
}

#[derive(Clone, PartialEq, Oneof)]
enum AnyValueKind {
    #[prost(string, tag = "1")]
    Text(String),
    #[prost(int64, tag = "3")]
    Int(i64),
}

const STATUS_ERROR: i32 = 2;
const FLAG_SAMPLED: u32 = 0x01;
const FLAG_PARENT_IS_KNOWN: u32 = 0x100;
const FLAG_PARENT_IS_REMOTE: u32 = 0x200;

/// The description of a service that goes with its spans.
pub(super) fn resource(service: &str, extra: &[(String, String)]) -> Resource {
    let version = env!("CARGO_PKG_VERSION").to_owned();
    let own = [
        ("service.name".to_owned(), service.to_owned()),
        ("service.namespace".to_owned(), "dynaclaimz".to_owned()),
        ("service.version".to_owned(), version),
        ("service.instance.id".to_owned(), uuid::Uuid::new_v4().to_string()),
        ("telemetry.sdk.language".to_owned(), "rust".to_owned()),
        ("telemetry.sdk.name".to_owned(), "dynaclaimz".to_owned()),
    ];
    let given = |key: &str| extra.iter().any(|(name, _)| name == key);
    let own = own.into_iter().filter(|(key, _)| !given(key));
    let attributes = own.chain(extra.iter().cloned());
    Resource {
        attributes: attributes
            .map(|(key, value)| KeyValue { key, value: Some(any(Value::from(value))) })
            .collect(),
    }
}

/// One batch as the body of an export request.
pub(super) fn encode(resource: &Resource, batch: Vec<Ended>) -> Vec<u8> {
    let scope = Scope {
        name: env!("CARGO_PKG_NAME").to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
    };
    let spans = batch.into_iter().map(span).collect();
    let request = ExportTraceServiceRequest {
        resource_spans: vec![ResourceSpans {
            resource: Some(resource.clone()),
            scope_spans: vec![ScopeSpans { scope: Some(scope), spans }],
        }],
    };
    request.encode_to_vec()
}

fn span(ended: Ended) -> Span {
    let remote = if ended.parent_is_remote { FLAG_PARENT_IS_REMOTE } else { 0 };
    Span {
        trace_id: ended.context.trace_id.to_be_bytes().to_vec(),
        span_id: ended.context.span_id.to_be_bytes().to_vec(),
        trace_state: ended.trace_state,
        parent_span_id: ended.parent.map_or_else(Vec::new, |id| id.to_be_bytes().to_vec()),
        name: ended.name.into_owned(),
        kind: ended.kind as i32,
        start_time_unix_nano: ended.start,
        end_time_unix_nano: ended.end,
        attributes: ended.attributes.into_iter().map(key_value).collect(),
        status: ended.failed.then_some(Status { code: STATUS_ERROR }),
        flags: FLAG_SAMPLED | FLAG_PARENT_IS_KNOWN | remote,
    }
}

fn key_value((key, value): Attribute) -> KeyValue {
    KeyValue { key: key.to_owned(), value: Some(any(value)) }
}

fn any(value: Value) -> AnyValue {
    AnyValue {
        value: Some(match value {
            Value::Text(text) => AnyValueKind::Text(text.into_owned()),
            Value::Int(number) => AnyValueKind::Int(number),
        }),
    }
}
