//! Forms as browsers and scripts send them: urlencoded or in parts.

use axum::body::Bytes;
use axum::extract::multipart::MultipartError;
use axum::extract::{FromRequest, Multipart, Request};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::reply;

/// The fields of a form, in order; a name may come more than once.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Form(pub(super) Vec<(String, String)>);

impl Form {
    /// The first value of a field.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// All values of a field.
    pub(super) fn all(&self, name: &str) -> Vec<&str> {
        self.0.iter().filter(|(key, _)| key == name).map(|(_, value)| value.as_str()).collect()
    }

    /// The names there are, each once.
    pub(super) fn names(&self) -> Vec<&str> {
        let mut names: Vec<&str> = Vec::new();
        for (name, _) in &self.0 {
            if !names.contains(&name.as_str()) {
                names.push(name);
            }
        }
        names
    }
}

/// Words parted by commas; what is blank is none.
pub(crate) fn words<'t>(texts: impl IntoIterator<Item = &'t str>) -> Vec<String> {
    let words = texts.into_iter().flat_map(|text| text.split(',')).map(str::trim);
    words.filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

impl<S: Send + Sync> FromRequest<S> for Form {
    type Rejection = Response;

    /// Anything that is no form is one without fields, as with Locust; what cannot be read is a mistake.
    async fn from_request(request: Request, state: &S) -> Result<Self, Response> {
        let kind = request.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
        let kind = kind.unwrap_or_default().to_ascii_lowercase();
        if kind.starts_with("multipart/form-data") {
            let parts = Multipart::from_request(request, state).await;
            let parts = parts.map_err(IntoResponse::into_response)?;
            return in_parts(parts)
                .await
                .map_err(|error| refuse(error.status(), &error.body_text()));
        }
        let body = Bytes::from_request(request, state).await;
        let body = body.map_err(IntoResponse::into_response)?;
        if kind.starts_with("application/x-www-form-urlencoded") {
            return Ok(Self(url::form_urlencoded::parse(&body).into_owned().collect()));
        }
        Ok(Self::default())
    }
}

async fn in_parts(mut parts: Multipart) -> Result<Form, MultipartError> {
    let mut form = Form::default();
    while let Some(part) = parts.next_field().await? {
        let name = part.name().unwrap_or_default().to_owned();
        let value = part.bytes().await?;
        form.0.push((name, String::from_utf8_lossy(&value).into_owned()));
    }
    Ok(form)
}

fn refuse(status: StatusCode, text: &str) -> Response {
    reply::error_page(status, text)
}
