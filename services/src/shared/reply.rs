//! The shape of every success: `{"success": true, "data": …}`, with a message or a pagination.

use std::borrow::Cow;

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use super::page::{Pagination, Paging};

/// One thing, or a list that has no pages.
#[derive(Serialize, ToSchema)]
#[expect(clippy::struct_field_names, reason = "the names of the contract")]
pub(crate) struct Data<T> {
    /// Always true.
    success: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    message: Option<Cow<'static, str>>,
    data: T,
}

impl<T> Data<T> {
    pub(crate) fn of(data: T) -> Data<T> {
        Data { success: true, message: None, data }
    }

    pub(crate) fn with_message(data: T, message: impl Into<Cow<'static, str>>) -> Data<T> {
        Data { success: true, message: Some(message.into()), data }
    }

    /// The same with status 201.
    pub(crate) fn created(self) -> (StatusCode, Data<T>) {
        (StatusCode::CREATED, self)
    }
}

impl<T: Serialize> IntoResponse for Data<T> {
    fn into_response(self) -> Response {
        Json(self).into_response()
    }
}

/// One page of a list.
#[derive(Serialize, ToSchema)]
pub(crate) struct Page<T> {
    /// Always true.
    success: bool,
    data: Vec<T>,
    pagination: Pagination,
}

impl<T> Page<T> {
    pub(crate) fn of((data, total): (Vec<T>, i64), paging: Paging) -> Page<T> {
        Page { success: true, data, pagination: Pagination::new(paging, total) }
    }
}

impl<T: Serialize> IntoResponse for Page<T> {
    fn into_response(self) -> Response {
        Json(self).into_response()
    }
}

/// A list that has pages only for those who ask for them.
#[derive(Serialize, ToSchema)]
pub(crate) struct MaybePage<T> {
    /// Always true.
    success: bool,
    data: Vec<T>,
    /// Present when page or limit was given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pagination: Option<Pagination>,
}

impl<T> MaybePage<T> {
    pub(crate) fn of((data, total): (Vec<T>, i64), paging: Option<Paging>) -> MaybePage<T> {
        let pagination = paging.map(|paging| Pagination::new(paging, total));
        MaybePage { success: true, data, pagination }
    }
}

impl<T: Serialize> IntoResponse for MaybePage<T> {
    fn into_response(self) -> Response {
        Json(self).into_response()
    }
}

/// Something was done and there is nothing to show.
#[derive(Serialize, ToSchema)]
pub(crate) struct Done {
    /// Always true.
    success: bool,
    #[schema(value_type = String)]
    message: Cow<'static, str>,
}

impl Done {
    pub(crate) fn saying(message: impl Into<Cow<'static, str>>) -> Done {
        Done { success: true, message: message.into() }
    }
}

impl IntoResponse for Done {
    fn into_response(self) -> Response {
        Json(self).into_response()
    }
}
