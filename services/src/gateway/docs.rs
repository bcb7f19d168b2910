//! The `OpenAPI` document as one page of HTML: made on the server, without scripts, so it works offline and under the
//! strictest content policy.

mod schema;

use std::fmt::{self, Write as _};

use serde_json::{Map, Value};

use schema::Schema;

const STYLE: &str = include_str!("docs/style.css");

/// The methods of an `OpenAPI` path item, in the order in which they are shown.
const METHODS: [&str; 7] = ["get", "post", "put", "patch", "delete", "head", "options"];

/// The whole page.
pub(super) fn render(document: &Value) -> String {
    let mut page = String::new();
    write(&mut page, document).expect("writing to a string does not fail");
    page
}

/// Text made harmless inside HTML, in attributes too.
pub(super) struct Escaped<'a>(&'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for letter in self.0.chars() {
            match letter {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                '\'' => f.write_str("&#39;")?,
                _ => f.write_char(letter)?,
            }
        }
        Ok(())
    }
}

/// Prose made harmless, with words between backticks set as code.
pub(super) struct Prose<'a>(&'a str);

impl fmt::Display for Prose<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = self.0;
        while let Some((before, (code, after))) =
            rest.split_once('`').and_then(|(before, after)| Some((before, after.split_once('`')?)))
        {
            write!(f, "{}<code>{}</code>", escaped(before), escaped(code))?;
            rest = after;
        }
        write!(f, "{}", escaped(rest))
    }
}

/// The prose at `key`; empty where there is none.
pub(super) fn text<'a>(value: &'a Value, key: &str) -> Prose<'a> {
    Prose(value[key].as_str().unwrap_or_default())
}

pub(super) fn escaped(text: &str) -> Escaped<'_> {
    Escaped(text)
}

/// One operation of the document.
struct Operation<'a> {
    method: &'static str,
    path: &'a str,
    /// Parameters that all operations of the path share.
    shared: &'a Value,
    value: &'a Value,
}

impl Operation<'_> {
    fn tag(&self) -> &str {
        self.value["tags"][0].as_str().unwrap_or("other")
    }

    fn anchor(&self) -> String {
        let path = self.path.replace(|letter: char| !letter.is_ascii_alphanumeric(), "-");
        format!("{}{path}", self.method)
    }
}

fn operations(document: &Value) -> Vec<Operation<'_>> {
    let paths = document["paths"].as_object().into_iter().flatten();
    paths
        .flat_map(|(path, item)| {
            METHODS.into_iter().filter_map(move |method| {
                let value = item.get(method)?;
                Some(Operation { method, path, shared: &item["parameters"], value })
            })
        })
        .collect()
}

/// The operations by tag: declared tags first and in their order, then the others.
fn by_tag<'a>(
    document: &'a Value,
    operations: &'a [Operation<'a>],
) -> Vec<(&'a str, Option<&'a Value>, Vec<&'a Operation<'a>>)> {
    let declared = document["tags"].as_array().into_iter().flatten();
    let mut groups: Vec<(&str, Option<&Value>, Vec<&Operation>)> =
        declared.filter_map(|tag| Some((tag["name"].as_str()?, Some(tag), Vec::new()))).collect();
    for operation in operations {
        let tag = operation.tag();
        match groups.iter_mut().find(|group| group.0 == tag) {
            Some(group) => group.2.push(operation),
            None => groups.push((tag, None, vec![operation])),
        }
    }
    groups.retain(|group| !group.2.is_empty());
    groups
}

fn write(page: &mut String, document: &Value) -> fmt::Result {
    let info = &document["info"];
    let operations = operations(document);
    let groups = by_tag(document, &operations);
    let empty = Map::new();
    let schemas = document["components"]["schemas"].as_object().unwrap_or(&empty);
    write!(
        page,
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\
         <meta name=\"color-scheme\" content=\"light dark\"><link rel=\"icon\" href=\"data:,\">\
         <title>{} – documentation</title><style>{STYLE}</style></head><body>\
         <a class=\"skip\" href=\"#main\">Skip to the operations</a><nav aria-label=\"Contents\">",
        text(info, "title")
    )?;
    for (place, (tag, _, members)) in groups.iter().enumerate() {
        write!(page, "<h2><a href=\"#tag-{place}\">{}</a></h2><ul>", escaped(tag))?;
        for operation in members {
            write!(
                page,
                "<li><a href=\"#{}\"><b class=\"{m}\">{m}</b> <span>{}</span></a></li>",
                operation.anchor(),
                escaped(short(operation.path)),
                m = operation.method,
            )?;
        }
        page.push_str("</ul>");
    }
    if !schemas.is_empty() {
        page.push_str("<h2><a href=\"#schemas\">Schemas</a></h2>");
    }
    write!(
        page,
        "</nav><main id=\"main\"><header><h1>{} <small>{}</small></h1>{}\
         <p class=\"links\"><a href=\"/api-docs.json\">OpenAPI {} document (JSON)</a></p></header>",
        text(info, "title"),
        text(info, "version"),
        Paragraphs(&info["description"]),
        text(document, "openapi"),
    )?;
    for (place, (tag, declared, members)) in groups.iter().enumerate() {
        write!(page, "<section><h2 id=\"tag-{place}\">{}</h2>", escaped(tag))?;
        if let Some(declared) = declared {
            write!(page, "{}", Paragraphs(&declared["description"]))?;
        }
        for operation in members {
            write_operation(page, document, operation)?;
        }
        page.push_str("</section>");
    }
    write_schemas(page, schemas)?;
    page.push_str("</main></body></html>");
    Ok(())
}

/// The part of a path that tells it from the others.
fn short(path: &str) -> &str {
    path.strip_prefix("/api/v1").filter(|rest| !rest.is_empty()).unwrap_or(path)
}

/// Plain text as paragraphs.
struct Paragraphs<'a>(&'a Value);

impl fmt::Display for Paragraphs<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.0.as_str().unwrap_or_default();
        for paragraph in text.split("\n\n").map(str::trim).filter(|text| !text.is_empty()) {
            write!(f, "<p>{}</p>", Prose(paragraph))?;
        }
        Ok(())
    }
}

/// The anchor stands inside: a link to it makes the browser open the details.
fn write_operation(page: &mut String, document: &Value, operation: &Operation) -> fmt::Result {
    let value = operation.value;
    let security = value.get("security").unwrap_or(&document["security"]);
    // An empty requirement among the alternatives means that none is needed.
    let secured = security.as_array().is_some_and(|all| {
        !all.is_empty() && all.iter().all(|one| one.as_object().is_some_and(|one| !one.is_empty()))
    });
    write!(
        page,
        "<details class=\"operation\"><summary><b class=\"{m}\">{m}</b> <code>{}</code>\
         <span>{}</span>{}</summary><div class=\"body\" id=\"{}\">{}",
        escaped(operation.path),
        text(value, "summary"),
        if secured { "<i title=\"A bearer token is needed\">sign-in</i>" } else { "" },
        operation.anchor(),
        Paragraphs(&value["description"]),
        m = operation.method,
    )?;
    write_parameters(page, document, operation)?;
    if let Some(body) = value.get("requestBody") {
        page.push_str("<h4>Request body</h4>");
        write_content(page, document, resolve(document, body), true)?;
    }
    write_responses(page, document, value)?;
    page.push_str("</div></details>");
    Ok(())
}

/// What a `$ref` within the document points to; anything else as it is.
fn resolve<'a>(document: &'a Value, value: &'a Value) -> &'a Value {
    let target = value["$ref"].as_str().and_then(|link| link.strip_prefix('#'));
    target.and_then(|pointer| document.pointer(pointer)).unwrap_or(value)
}

fn write_parameters(page: &mut String, document: &Value, operation: &Operation) -> fmt::Result {
    let own = operation.value["parameters"].as_array().into_iter().flatten();
    let shared = operation.shared.as_array().into_iter().flatten();
    let parameters: Vec<&Value> =
        shared.chain(own).map(|parameter| resolve(document, parameter)).collect();
    if parameters.is_empty() {
        return Ok(());
    }
    page.push_str(
        "<h4>Parameters</h4><table><thead><tr><th>Name<th>In<th>Type<th>Meaning</thead><tbody>",
    );
    for parameter in parameters {
        let required = parameter["required"].as_bool().unwrap_or(false);
        write!(
            page,
            "<tr><td><code>{}</code>{}<td>{}<td>{}<td>{}",
            text(parameter, "name"),
            if required { " <em>required</em>" } else { "" },
            text(parameter, "in"),
            Schema(&parameter["schema"]),
            text(parameter, "description"),
        )?;
    }
    page.push_str("</tbody></table>");
    Ok(())
}

fn write_responses(page: &mut String, document: &Value, operation: &Value) -> fmt::Result {
    page.push_str("<h4>Responses</h4>");
    for (status, response) in operation["responses"].as_object().into_iter().flatten() {
        let response = resolve(document, response);
        let class = status.chars().next().filter(char::is_ascii_digit).unwrap_or('x');
        write!(
            page,
            "<div class=\"response\"><p><b class=\"s{class}\">{}</b> {}</p>",
            escaped(status),
            text(response, "description")
        )?;
        write_content(page, document, response, class == '2')?;
        page.push_str("</div>");
    }
    Ok(())
}

/// The body of a request or response, by its media types; `in_full` shows what a reference points to as well.
fn write_content(
    page: &mut String,
    document: &Value,
    holder: &Value,
    in_full: bool,
) -> fmt::Result {
    for (kind, media) in holder["content"].as_object().into_iter().flatten() {
        if kind != "application/json" {
            write!(page, "<p><code>{}</code></p>", escaped(kind))?;
        }
        if let Some(schema) = media.get("schema") {
            write!(page, "<div class=\"schema\">{}", Schema(schema))?;
            let meant = resolve(document, schema);
            if in_full && !std::ptr::eq(meant, schema) {
                write!(page, "{}", Schema(meant))?;
            }
            page.push_str("</div>");
        }
        let examples = media["examples"].as_object().into_iter().flatten();
        let named = examples.filter_map(|(_, example)| example.get("value"));
        for example in media.get("example").into_iter().chain(named) {
            write!(page, "<pre>{}</pre>", escaped(&format!("{example:#}")))?;
        }
    }
    Ok(())
}

fn write_schemas(page: &mut String, schemas: &Map<String, Value>) -> fmt::Result {
    if schemas.is_empty() {
        return Ok(());
    }
    page.push_str("<section><h2 id=\"schemas\">Schemas</h2>");
    for (name, schema) in schemas {
        write!(
            page,
            "<article class=\"schema\" id=\"schema-{name}\"><h3>{name}</h3>{}{}</article>",
            Paragraphs(&schema["description"]),
            Schema(schema),
            name = escaped(name),
        )?;
    }
    page.push_str("</section>");
    Ok(())
}
